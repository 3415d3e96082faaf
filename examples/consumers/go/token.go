// Use the access token of a mounted token Secret with net/http. Copy this file; it needs nothing else.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const firstPause, longestPause = time.Second, time.Minute

// ErrTokenNotUsable means that no request was sent: there is no token, it is over, or it was refused a moment ago.
var ErrTokenNotUsable = errors.New("no usable token")

// Token is one version of the Secret: the value of the header, and when it ends.
type Token struct {
	Authorization string
	ExpiresAt     time.Time
}

// Read reads all keys of one version: the kubelet swaps the link ..data, so follow it once, not once a key.
func Read(folder string) (Token, error) {
	var failure error
	for range 100 {
		version, err := filepath.EvalSymlinks(filepath.Join(folder, "..data"))
		if err != nil {
			version = folder // no kubelet here
		}
		var authorization, end []byte
		if authorization, failure = os.ReadFile(filepath.Join(version, "authorization")); failure != nil {
			continue // swapped and removed meanwhile: follow the link again
		}
		if end, failure = os.ReadFile(filepath.Join(version, "expires_at")); failure != nil {
			continue
		}
		expiresAt, err := time.Parse(time.RFC3339, string(end))
		return Token{string(authorization), expiresAt}, err
	}
	return Token{}, fmt.Errorf("%w: is the Secret mounted as a whole folder? %w", ErrTokenNotUsable, failure)
}

// Transport sends the token; refused, it reads once more; then it leaves the API alone until the Secret changes or a
// pause ends.
type Transport struct {
	Folder string
	Base   http.RoundTripper // nil: http.DefaultTransport

	mutex   sync.Mutex
	refused Token
	pause   time.Duration
	until   time.Time
}

// RoundTrip sends one request with a token that may be good.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := t.usable()
	if err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	response, err := t.send(request, request.Body, token)
	if err != nil || !isRefusal(response) {
		return response, err
	}
	fresh, err := t.usable()
	if err != nil {
		response.Body.Close()
		return nil, err
	}
	if fresh != token && (request.Body == nil || request.GetBody != nil) {
		response.Body.Close()
		var body io.ReadCloser
		if request.GetBody != nil {
			if body, err = request.GetBody(); err != nil {
				return nil, err
			}
		}
		if response, err = t.send(request, body, fresh); err != nil {
			return nil, err
		}
	}
	if isRefusal(response) {
		t.backOff(fresh)
	}
	return response, nil
}

func (t *Transport) send(request *http.Request, body io.ReadCloser, token Token) (*http.Response, error) {
	copied := request.Clone(request.Context())
	copied.Body = body
	copied.Header.Set("Authorization", token.Authorization)
	if t.Base != nil {
		return t.Base.RoundTrip(copied)
	}
	return http.DefaultTransport.RoundTrip(copied)
}

func (t *Transport) usable() (Token, error) {
	token, err := Read(t.Folder)
	if err != nil {
		return token, err
	}
	if !time.Now().Before(token.ExpiresAt) {
		return token, fmt.Errorf("%w: it ended at %s; `kubectl get cxc` says why", ErrTokenNotUsable, token.ExpiresAt)
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if token == t.refused && time.Now().Before(t.until) {
		return token, fmt.Errorf("%w: the API refused it, and the Secret has not changed since", ErrTokenNotUsable)
	}
	return token, nil
}

func (t *Transport) backOff(token Token) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if token == t.refused {
		t.pause = min(t.pause*2, longestPause)
	} else {
		t.pause = firstPause
	}
	t.refused, t.until = token, time.Now().Add(t.pause)
}

// isRefusal tells whether the token was refused: 401 (RFC 6750), or Citrix's 400 with invalid_grant.
func isRefusal(response *http.Response) bool {
	if response.StatusCode != http.StatusBadRequest {
		return response.StatusCode == http.StatusUnauthorized
	}
	content, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(content))
	var problem struct{ Error string }
	return err == nil && json.Unmarshal(content, &problem) == nil && problem.Error == "invalid_grant"
}
