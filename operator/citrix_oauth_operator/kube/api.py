"""The one typed edge to the API server: five verbs over JSON, errors told apart by what happens next.

aiohttp, which kopf has loaded anyway, carries the requests (docs/adr/0002).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound, Unreachable

from .access import Access
from .labels import API_VERSION

JSON = dict[str, Any]
GROUP_PATH = f"/apis/{API_VERSION}"

_TOTAL_SECONDS = 10
_WATCH_SECONDS = 290
_CONNECTIONS = 32
_CREDENTIALS_SECONDS = 60  # bound ServiceAccount tokens rotate on disk; exec plugins answer from their cache
_MERGE_PATCH = "application/merge-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"  # an answer need not repeat a token
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Api:
    """Requests to one API server over kept-alive connections.

    Args:
        throttled: pauses [s] after which what got 429 is sent again.
    """

    def __init__(self, access: Access, throttled: Sequence[float] = ()) -> None:
        self._access, self._throttled = access, throttled
        self._tls = _tls_context(access)
        self._session: aiohttp.ClientSession | None = None
        self._headers: dict[str, str] = {}
        self._headers_until = 0.0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=self._tls, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=_TOTAL_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("used outside `async with`")
        return self._session

    async def get(self, path: str) -> JSON | None:
        """Return an object as it is now (a quorum read, never a cache), or None when there is none."""
        try:
            return await self._request("GET", path)
        except NotFound:
            return None

    async def list_metadata(self, path: str, chunk: int = 500) -> list[JSON]:
        """Return `metadata` of all objects of a collection, without their content."""
        items: list[JSON] = []
        more = ""
        while True:
            query = urlencode(
                {"limit": chunk, "resourceVersion": "0"} if not more else {"limit": chunk, "continue": more}
            )
            page = await self._request("GET", f"{path}?{query}", accept=_METADATA_ONLY)
            items += [item["metadata"] for item in page["items"] or ()]  # of an empty collection: null
            if not (more := page["metadata"].get("continue", "")):
                return items

    async def list(self, path: str) -> list[JSON]:
        """Return all objects of a small collection."""
        return list((await self._request("GET", path))["items"])

    async def watch(self, collection: str, name: str, version: str) -> AsyncGenerator[JSON]:
        """Yield what happens to one object, {type, object} each, from a version on, until the API server ends that.

        Raises:
            ApiError: the watch cannot begin, broke, or the version is too old.
        """
        query = {"watch": 1, "fieldSelector": f"metadata.name={name}", "timeoutSeconds": _WATCH_SECONDS}
        if version:
            query["resourceVersion"] = version
        url = URL(f"{self._access.server}{collection}?{urlencode(query)}", encoded=True)
        headers = {"Accept": "application/json", **await self._credentials()}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_TOTAL_SECONDS, sock_read=_WATCH_SECONDS + 10)
        try:
            async with self._opened.get(url, headers=headers, timeout=timeout) as answer:
                if answer.status >= HTTPStatus.BAD_REQUEST:
                    raise ApiError(answer.status)
                async for line in answer.content:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError(event["object"].get("code"))
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Unreachable from None

    async def create(self, path: str, body: JSON) -> JSON:
        """Create an object in a collection, and return its metadata alone; Conflict when it exists."""
        return await self._request("POST", path, body, accept=_METADATA)

    async def ask(self, path: str, body: JSON) -> JSON:
        """Post a question that is no object (an access review), and return the whole answer."""
        return await self._request("POST", path, body)

    async def replace(self, path: str, body: JSON) -> JSON:
        """Write a whole object, guarded by its `metadata.resourceVersion`, and return its metadata alone."""
        return await self._request("PUT", path, body, accept=_METADATA)

    async def merge_patch(self, path: str, patch: Mapping[str, Any]) -> JSON:
        """Apply an RFC 7396 merge patch; a `metadata.resourceVersion` in it is a precondition."""
        return await self._request("PATCH", path, patch, content_type=_MERGE_PATCH)

    async def delete(self, path: str, metadata: Mapping[str, Any]) -> None:
        """Delete exactly the object that was read: guarded by UID and resourceVersion. Gone already is fine."""
        guard = {key: metadata[key] for key in ("uid", "resourceVersion")}
        try:
            await self._request("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": guard})
        except NotFound:
            return

    async def clear(self, path: str) -> None:
        """Delete what is there now, if anything is; what somebody writes meanwhile stays."""
        if found := await self.get(path):
            with contextlib.suppress(Conflict):
                await self.delete(path, found["metadata"])

    async def _request(
        self, verb: str, path: str, body: object = None, *, content_type: str = "application/json", accept: str = ""
    ) -> JSON:
        headers = {"Accept": accept or "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        status, content = await self._send(verb, path, body, {**headers, **await self._credentials()})
        if status == HTTPStatus.UNAUTHORIZED:
            status, content = await self._send(verb, path, body, {**headers, **await self._credentials(fresh=True)})
        for pause in self._throttled:
            if status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(pause)
            status, content = await self._send(verb, path, body, {**headers, **await self._credentials()})
        return _result(status, content)

    async def _send(self, verb: str, path: str, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
        data = None if body is None else orjson.dumps(body)
        try:
            url = URL(self._access.server + path, encoded=True)  # our paths need no quoting
            async with self._opened.request(verb, url, data=data, headers=headers) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unreachable from None

    async def _credentials(self, *, fresh: bool = False) -> dict[str, str]:
        if fresh or time.monotonic() >= self._headers_until:
            # an exec plugin is a child process and may take seconds
            try:
                value = await asyncio.to_thread(self._access.authorization)
            except OSError:
                raise Unreachable from None  # the kubelet puts a token there before the old one ends
            self._headers = {"Authorization": value} if value else {}
            self._headers_until = time.monotonic() + _CREDENTIALS_SECONDS
        return self._headers


def _result(status: int, content: bytes) -> JSON:
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound(status)
    if status == HTTPStatus.CONFLICT:
        raise Conflict(status)
    if status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(status)
    try:
        result: JSON = orjson.loads(content)
    except ValueError:
        raise Unreachable from None
    if not isinstance(result, dict):  # not from an API server: something in between answered
        raise Unreachable
    return result


def _tls_context(access: Access) -> ssl.SSLContext | bool:
    if not access.server.startswith("https"):
        return True
    context = ssl.create_default_context(cafile=access.ca_file)
    if access.certificate_file:
        context.load_cert_chain(access.certificate_file, access.key_file)
    if not access.verified:
        logging.getLogger(__name__).warning("the kubeconfig switches TLS verification off (insecure-skip-tls-verify)")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
