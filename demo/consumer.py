"""The application: calls a protected resource with the token from a mounted folder, as any pod would.

It knows nothing of OAuth, of the operator or of Kubernetes; the standard library is enough. It reads the token anew for
each call, because the kubelet replaces it behind its back. One line a call: the status, and which token it was.

usage: consumer.py FOLDER URL CA_FILE
"""

import hashlib
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

CALLS_A_SECOND = 2


def call(folder: Path, url: str, trust: ssl.SSLContext) -> str:
    """Call the resource once; returns `<status> <token's fingerprint>`, or what went wrong instead of the status."""
    header = (folder / "authorization").read_text()
    request = urllib.request.Request(url, headers={"Authorization": header})  # noqa: S310  # https, given by the demo
    try:
        with urllib.request.urlopen(request, timeout=30, context=trust) as answer:  # noqa: S310
            outcome = str(answer.status)
    except urllib.error.HTTPError as error:
        outcome = str(error.code)
    except OSError as error:
        outcome = type(error).__name__
    return f"{outcome} {hashlib.sha256(header.encode()).hexdigest()[:6]}"


def main(folder: Path, url: str, ca_file: str) -> None:
    """Call twice a second for ever, from when there is a token."""
    trust = ssl.create_default_context(cafile=ca_file)
    while not (folder / "authorization").exists():
        time.sleep(0.1)
    while True:
        print(call(folder, url, trust), flush=True)
        time.sleep(1 / CALLS_A_SECOND)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
