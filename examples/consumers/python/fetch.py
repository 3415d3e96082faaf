"""Fetch each URL of standard input with the mounted token, and print the status: python fetch.py /var/run/citrix."""

import sys

import httpx
from citrix_token import CitrixToken, TokenNotUsable

with httpx.Client(auth=CitrixToken(sys.argv[1]), timeout=60) as client:
    for line in sys.stdin:
        try:
            print(client.get(line.strip()).status_code, flush=True)
        except TokenNotUsable as reason:
            print("later:", reason, flush=True)
