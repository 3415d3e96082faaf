package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestABodyIsSentAgainAsAWhole(t *testing.T) {
	folder := t.TempDir()
	write := func(token string) {
		for key, value := range map[string]string{"authorization": "Bearer " + token, "expires_at": "2999-01-01T00:00:00Z"} {
			if err := os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("old")
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Header.Get("Authorization")+" "+string(body))
		if r.Header.Get("Authorization") == "Bearer old" {
			write("new")
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	client := &http.Client{Transport: &Transport{Folder: folder}}
	response, err := client.Post(server.URL, "text/plain", strings.NewReader("all of it"))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	if strings.Join(bodies, ", ") != "Bearer old all of it, Bearer new all of it" {
		t.Fatal(bodies)
	}
}
