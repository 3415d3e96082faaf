#!/bin/sh
# Fetch each URL of standard input with the mounted token, and print the status: fetch.sh /var/run/citrix
citrix_folder=$1
citrix_answer=$(mktemp)
trap 'rm -f "$citrix_answer"' EXIT
. "$(dirname "$0")/citrix-token.sh"

while read -r url; do
  if citrix_curl "$url"; then
    echo "$citrix_status"
  else
    echo "later: $citrix_problem"
  fi
done
