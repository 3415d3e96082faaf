# Use the access token of a mounted token Secret with curl. Source this file in a POSIX shell; it needs curl alone.
#
#   citrix_folder=/var/run/citrix citrix_answer=/tmp/answer
#   . ./citrix-token.sh
#   if citrix_curl https://api.example/resource; then cat "$citrix_answer"; fi

# Read all keys of one version: the kubelet swaps the link ..data, so follow it once, not once a key.
citrix_read() {
  citrix_tries=0
  while [ "$citrix_tries" -lt 100 ]; do
    citrix_tries=$((citrix_tries + 1))
    citrix_version=$(cd -P "$citrix_folder/..data" 2>/dev/null && pwd -P) || citrix_version=$citrix_folder
    { read -r citrix_authorization || [ -n "$citrix_authorization" ]; } 2>/dev/null <"$citrix_version/authorization" &&
      { read -r citrix_expires_at || [ -n "$citrix_expires_at" ]; } 2>/dev/null <"$citrix_version/expires_at" &&
      return 0 # else it was swapped and removed meanwhile: follow the link again
  done
  citrix_problem="$citrix_folder holds no token; is the Secret mounted as a whole folder?"
  return 1
}

# Read a token that may be good; else say why not in $citrix_problem. Times in UTC compare as texts.
citrix_usable() {
  citrix_read || return 1
  if ! LC_ALL=C expr "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \< "$citrix_expires_at" >/dev/null; then
    citrix_problem="the token ended at $citrix_expires_at; \`kubectl get cxc\` says why"
    return 1
  fi
  if [ "$citrix_authorization" = "${citrix_refused:-}" ] && [ "$(date +%s)" -lt "$citrix_until" ]; then
    citrix_problem="the API refused this token, and the Secret has not changed since"
    return 1
  fi
}

# Send one request; the header goes in through standard input, for arguments can be read by other processes.
citrix_send() {
  citrix_sent=$citrix_authorization
  citrix_status=$(printf 'Authorization: %s\n' "$citrix_sent" | curl -sS -H @- -o "$citrix_answer" -w '%{http_code}' "$@")
}

# Whether the token was refused: 401 (RFC 6750), or Citrix's 400 with invalid_grant.
citrix_is_refusal() {
  [ "$citrix_status" = 401 ] ||
    { [ "$citrix_status" = 400 ] && grep -Eq '"error" *: *"invalid_grant"' "$citrix_answer"; }
}

# curl with the token. 0: the API took it ($citrix_status, $citrix_answer). 75: later, see $citrix_problem.
# Else curl's own. Refused, the Secret is read once more; then the API is left alone until it changes or a pause ends.
citrix_curl() {
  citrix_usable || return 75
  citrix_send "$@" || return
  citrix_is_refusal || return 0
  citrix_usable || return 75
  if [ "$citrix_authorization" != "$citrix_sent" ]; then
    citrix_send "$@" || return
    citrix_is_refusal || return 0
  fi
  if [ "$citrix_sent" = "${citrix_refused:-}" ]; then
    citrix_pause=$((citrix_pause < 30 ? citrix_pause * 2 : 60))
  else
    citrix_pause=2 # a clock of whole seconds
  fi
  citrix_refused=$citrix_sent citrix_until=$(($(date +%s) + citrix_pause))
  citrix_problem="the API refused the token with status $citrix_status"
  return 75
}
