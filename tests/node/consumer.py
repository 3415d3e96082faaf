"""Runs in a pod: uses each mounted token all the time, by the recipe of docs/consuming.md, and tells what it saw.

Arguments: a URL, and folders of token Secrets. One line for each new token that the API took (the folder, and 16 hex
digits of the header's SHA-256), one `TROUBLE` line for each use that the API refused or that could not be sent.
"""

import hashlib
import sys
import threading
import time
from pathlib import Path

import httpx
from citrix_token import CitrixToken, TokenNotUsable

PAUSE_SECONDS = 0.5
HERE = Path(__file__).parent


def main(url: str, folders: list[str]) -> None:
    """Use the tokens until somebody ends the pod."""
    for folder in folders:
        threading.Thread(target=use, args=(url, folder)).start()


def use(url: str, folder: str) -> None:
    """Use one token for ever."""
    last = ""
    with httpx.Client(auth=CitrixToken(folder), verify=str(HERE / "ca.crt"), timeout=30) as client:
        while True:
            last = tell(folder, once(client, url), last)
            time.sleep(PAUSE_SECONDS)


def once(client: httpx.Client, url: str) -> str:
    """Use the token once; return its fingerprint, or the trouble."""
    try:
        response = client.get(url)
    except (TokenNotUsable, httpx.HTTPError) as error:
        return f"TROUBLE {error!r}"
    if not response.is_success:
        return f"TROUBLE status {response.status_code}"
    return hashlib.sha256(response.request.headers["Authorization"].encode()).hexdigest()[:16]


def tell(folder: str, seen: str, last: str) -> str:
    """Print what was seen when it is new; return it."""
    if seen != last:
        print(Path(folder).name, seen, flush=True)
    return seen


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
