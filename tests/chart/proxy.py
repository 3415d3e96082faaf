"""The real oauth2-proxy in front of the portal, told what docs/portal.md tells it."""

from __future__ import annotations

import re
import secrets
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import trustme

from tests.chart.helm import CHART
from tests.control_plane.children import Child
from tests.control_plane.credentials import write_private
from tests.integration.operator.eventually import eventually
from tests.standins.citrix_cloud import PRIVATE_BASIC, CitrixCloud

PAGE = CHART.parents[1] / "docs/portal.md"
COOKIE = "_oauth2_proxy"
REGISTERED = PRIVATE_BASIC  # the proxy itself is a client, of the server that people sign in at

_BLOCKS = re.compile(r"<!-- flags: (?P<whose>\S+) -->\n```text\n(?P<lines>.*?)```", re.DOTALL)
_FLAG = re.compile(r"--(?P<name>[a-z0-9-]+)=(?P<value>.*?)(?: +#.*)?")


def documented(whose: str, **here: str) -> list[str]:
    """Return the flags that the page gives a program.

    Args:
        here: what stands in the place of an example, by the flag's name with underscores; the page has each of them.
    """
    (lines,) = [block["lines"] for block in _BLOCKS.finditer(PAGE.read_text()) if block["whose"] == whose]
    found = [match for line in lines.splitlines() if (match := _FLAG.fullmatch(line))]
    assert len(found) == len(lines.splitlines()), lines
    places = {name.replace("_", "-"): value for name, value in here.items()}
    assert places.keys() <= {match["name"] for match in found}, places
    return [f"--{match['name']}={places.get(match['name'], match['value'])}" for match in found]


class Proxy:
    """Listens with https on a port of localhost. A context manager.

    Args:
        people: the server that people sign in at; knows `<origin>/oauth2/callback`.
        upstream: the portal's port.
        cookie_secret: of another proxy, whose sessions this one then knows, too.
        more: flags beyond the page's.
        instead: values in the place of the page's, by the flag's name with underscores.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it stands between
        self,
        program: Path,
        folder: Path,
        people: CitrixCloud,
        port: int,
        upstream: int,
        cookie_secret: str = "",
        more: tuple[str, ...] = (),
        **instead: str,
    ) -> None:
        self._program, self._people, self._upstream = program, people, upstream
        self.origin = f"https://localhost:{port}"
        self.cookie_secret = cookie_secret or secrets.token_hex(16)
        self._folder = Path(tempfile.mkdtemp(prefix="proxy-", dir=folder))
        self._trust = self._certificate()
        (self._folder / "people.crt").write_bytes(people.ca_pem)
        flags = documented(
            "oauth2-proxy",
            oidc_issuer_url=people.issuer,
            client_id=REGISTERED.id,
            redirect_url=f"{self.origin}/oauth2/callback",
            upstream=f"http://127.0.0.1:{upstream}",
            **instead,
        )
        here = (
            "--http-address=-",
            f"--https-address=127.0.0.1:{port}",
            f"--tls-cert-file={self._folder / 'tls.crt'}",
            f"--tls-key-file={self._folder / 'tls.key'}",
            f"--provider-ca-file={self._folder / 'people.crt'}",
        )
        self._command: list[str | Path] = [program, *flags, *here, *more]
        self._child: Child | None = None

    def __enter__(self) -> Self:
        secret = {
            "OAUTH2_PROXY_CLIENT_SECRET": REGISTERED.secret or "",
            "OAUTH2_PROXY_COOKIE_SECRET": self.cookie_secret,
        }
        child = self._child = Child("oauth2-proxy", self._command, self._folder, secret)
        with self.http() as http:
            eventually(lambda: not child.alive or _serves(http), "the proxy serves", lambda: self.log)
        assert child.alive, self.log
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        if self._child:
            self._child.stop(0)

    @property
    def log(self) -> str:
        """What it has said."""
        return self._child.log.read_text() if self._child else ""

    def another(self, port: int, *more: str, **instead: str) -> Proxy:
        """Return one that knows the sessions of this one, on another port."""
        folder, secret = self._folder.parent, self.cookie_secret
        return Proxy(self._program, folder, self._people, port, self._upstream, secret, more, **instead)

    def http(self, cookies: Mapping[str, str] | None = None) -> httpx.Client:
        """Return a client that is not a browser, for the caller to close."""
        return httpx.Client(
            base_url=self.origin, verify=self._trust, cookies=dict(cookies or {}), trust_env=False, timeout=60
        )

    def _certificate(self) -> ssl.SSLContext:
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        write_private(self._folder / "tls.key", issued.private_key_pem.bytes())
        issued.cert_chain_pems[0].write_to_path(self._folder / "tls.crt")
        return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


def _serves(http: httpx.Client) -> bool:
    try:
        return http.get("/ping").is_success
    except httpx.TransportError:
        return False
