"""How the systems around Citrix differ, written from their documents; [?] marks what none of them says."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standins.systems.system import WORDS, System, answer
from tests.standins.web import Reply, Request

CUSTOMER = "acmecust01"
TENANT = "6c4a2f0e-1111-4222-8333-444455556666"
RESOURCE = "urn:example:api"
CLAIMS = {"access_token": {"capolids": {"essential": True, "values": ["c4a2f0e1-5555-4222-8333-444455556666"]}}}


class Entra(System):
    """Microsoft Entra ID, version 2 ("OAuth 2.0 authorization code flow", "Refresh tokens").

    A refresh token that was used goes on working; errors carry numbers, and the ids of the request.
    """

    token_path = f"/{TENANT}/oauth2/v2.0/token"
    client_id = "0b1c2d3e-1111-4222-8333-444455556666"
    #: Cause to HTTP status, `error`, number, `suberror`.
    _errors: ClassVar[dict[str, tuple[int, str, int, str]]] = {
        "request": (400, "invalid_request", 900144, ""),
        "secret": (401, "invalid_client", 7000215, ""),
        "assertion": (401, "invalid_client", 700027, ""),
        "grant": (400, "invalid_grant", 50173, "bad_token"),
        "grant_type": (400, "unsupported_grant_type", 70003, ""),
        "scope": (400, "invalid_scope", 1002012, ""),
        "policy": (400, "invalid_grant", 53003, "message_only"),
    }

    def succeed(self, token: str) -> str | None:
        """Return another one, and leave the first."""
        assert token
        return self.sign_in()

    def members(self, form: Mapping[str, str], access_token: str, refresh_token: str | None) -> dict[str, Any]:
        """Return the members, among them how long a token would live in an outage."""
        scope = {"scope": form["scope"]} if "scope" in form else {"scope": "api://example/read"}
        return {**super().members(form, access_token, refresh_token), "ext_expires_in": self.life, **scope}

    def flaw(self, request: Request, form: Mapping[str, str]) -> str:
        """An application's own tokens are asked for with `.default`."""
        del request
        named = form.get("scope", "").endswith("/.default") or form.get("grant_type") != "client_credentials"
        return "" if named else "scope"

    def refuse(self, cause: str, request: Request) -> Reply:
        """Return the shape of "Authentication and authorization error codes"."""
        status, error, number, suberror = self._errors[cause]
        trace, told = str(uuid.uuid4()), request.headers.get("client-request-id", str(uuid.uuid4()))
        at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
        body = {
            "error": error,
            "error_description": f"AADSTS{number}: {WORDS}. Trace ID: {trace} Correlation ID: {told} Timestamp: {at}",
            "error_codes": [number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": told,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
            **({"suberror": suberror} if suberror else {}),
            **({"claims": json.dumps(CLAIMS)} if cause == "policy" else {}),
        }
        echoed = request.headers.get("return-client-request-id") == "true"
        return answer(status, body, {"client-request-id": told} if echoed else {})


class Adfs(System):
    """ADFS ([MS-OAPX], "AD FS single sign-on settings"): no new refresh token, and an end that no refresh moves."""

    token_path = "/adfs/oauth2/token"
    client_id = "0b1c2d3e-2222-4222-8333-444455556666"
    _errors: ClassVar[dict[str, tuple[int, str, str]]] = {
        "request": (400, "invalid_request", ""),
        "secret": (400, "invalid_client", "MSIS9622"),
        "assertion": (400, "invalid_client", "MSIS9622"),
        "grant": (401, "invalid_grant", "MSIS9615"),
        "grant_type": (400, "unsupported_grant_type", ""),
        "policy": (400, "invalid_grant", "MSIS9682"),
    }

    def succeed(self, token: str) -> str | None:
        """Replace nothing."""
        assert token
        return None

    def members(self, form: Mapping[str, str], access_token: str, refresh_token: str | None) -> dict[str, Any]:
        """Return the members; the end of the refresh token is announced in seconds."""
        ends = {"refresh_token_expires_in": 28800} if form["grant_type"] == "refresh_token" else {}
        plain = super().members(form, access_token, refresh_token)
        return {**plain, "token_type": "bearer", "resource": RESOURCE, **ends}

    def refuse(self, cause: str, request: Request) -> Reply:
        """Return the number at the beginning of the text, and the id that was sent."""
        status, error, code = self._errors[cause]
        told = request.headers.get("client-request-id", "")
        return answer(status, {"error": error, "error_description": f"{code}: {WORDS}."}, {"client-request-id": told})


class NetScaler(System):
    """NetScaler as OAuth identity provider: no refresh token; what it says of errors is not documented [?]."""

    token_path = "/oauth/idp/token"
    client_id = "reports"

    def members(self, form: Mapping[str, str], access_token: str, refresh_token: str | None) -> dict[str, Any]:
        """Return the members, with the id_token that OpenID Connect wants, and no refresh token."""
        assert refresh_token is None
        return {**super().members(form, access_token, None), "id_token": "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}


class CitrixCloudApi(System):
    """Service principals ("Get started with Citrix Cloud APIs", "Troubleshooting for Citrix cloud services APIs")."""

    token_path = f"/cctrustoauth2/{CUSTOMER}/tokens/clients"
    client_id = "6c4a2f0e-3333-4222-8333-444455556666"
    scheme = "CwsAuth Bearer="

    def members(self, form: Mapping[str, str], access_token: str, refresh_token: str | None) -> dict[str, Any]:
        """Return the members; `expires_in` is a string."""
        assert refresh_token is None
        plain = super().members(form, access_token, None)
        return {**plain, "token_type": "bearer", "expires_in": str(self.life)}

    def flaw(self, request: Request, form: Mapping[str, str]) -> str:
        """It takes `Accept: application/json` only; a user's grant it knows not."""
        if request.headers.get("accept") != "application/json":
            return "accept"
        return "" if form.get("grant_type") == "client_credentials" else "grant_type"

    def refuse(self, cause: str, request: Request) -> Reply:
        """Return 400 for a wrong secret, where others say 401."""
        del request
        if cause == "accept":
            return Reply(406, {})
        named = "unsupported_grant_type" if cause == "grant_type" else "invalid_client"
        return answer(400, {"error": named, "error_description": f"Invalid client id or client secret. {WORDS}"})

    def serve_api(self, request: Request) -> Reply:
        """Answer a protected call: without the customer's id it fails, and the header has an equals sign."""
        if request.headers.get("citrix-customerid") != CUSTOMER:
            return answer(500, {})
        given = request.headers.get("authorization", "")
        if not given.startswith(self.scheme):
            return answer(401, {"Error": {"Type": "CWSAuthException"}})
        if self.lives(given.removeprefix(self.scheme)):
            return answer(200, {"items": []})
        kind = "https://errors-api.cloud.com/common/authentication"
        return answer(401, {"type": kind, "parameters": [{"name": "reason", "value": "invalid"}]})
