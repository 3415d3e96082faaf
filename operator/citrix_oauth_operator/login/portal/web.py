"""The pages' addresses: who asks is settled first, then whose the thing asked for is, then it is done."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Sent

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.login import pages
from citrix_oauth_operator.login.callback import BODY_LIMIT, parameters
from citrix_oauth_operator.login.ending import SignInEnded

from . import words
from .browsers import COOKIE, BrowserKey
from .cards import card, cards
from .clients import Clients
from .people import People, Person
from .rendering import STYLE, Message, Renderer
from .sign_ins import Ended, OpenSignIn, SignIns, TooMany
from .steps import Steps

log = logging.getLogger(__name__)

# A form goes to the portal; but a proxy whose session has ended redirects it to a sign-in elsewhere, and browsers hold
# `form-action` against each redirect: with `'self'` alone, the button would then do nothing.
_FORM_ACTION = "'self' https:"
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in pages.headers("'self'", _FORM_ACTION).items()]
_FOLLOW_SECONDS = 2


class Told(Exception):
    """The request ends with this page."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.heading)
        self.message = message


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, in which browser."""

    person: Person
    key: BrowserKey
    is_new: bool

    @property
    def form_token(self) -> str:
        """What forms on the page hold."""
        return self.key.form_token(self.person.name)


class Portal:
    """The pages of one portal."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it shows
        self, people: People, clients: Clients, sign_ins: SignIns, steps: Steps, clock: Clock, base: str
    ) -> None:
        self._people, self._clients, self._sign_ins, self._steps = people, clients, sign_ins, steps
        self._clock, self._base, self._render = clock, base, Renderer(base)

    def application(self) -> ASGIApp:
        """Return what a web server serves."""
        base = self._base
        routes = [
            Route("/-/healthz", _healthz),
            Route(base or "/", self._list),
            Route(f"{base}/", self._list),
            Route(f"{base}/callback", self._returned, methods=["GET", "POST"], max_body_size=BODY_LIMIT),
            Route(f"{base}/-/returned/{{ticket}}", self._finish),
            Route(f"{base}/-/sign-ins/{{identity}}", self._follow),
            Route(f"{base}/-/style.css", _style),
            Route(f"{base}/{{namespace}}/{{name}}", self._client),
            Route(f"{base}/{{namespace}}/{{name}}", self._begin, methods=["POST"], max_body_size=BODY_LIMIT),
        ]
        failures = {Told: self._told, ApiError: self._no_cluster, HTTPException: self._refused, Exception: self._failed}
        application = Starlette(routes=routes, exception_handlers=failures)
        application.router.redirect_slashes = False  # it would redirect to what a Host header says
        return SafeHeaders(application)

    async def _list(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        bodies, all_of_them = await self._clients.of(visitor.person)
        found = cards(bodies, self._clock.now())
        return self._page("clients", visitor, cards=found, all_of_them=all_of_them)

    async def _client(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        body = await self._theirs(request, visitor)
        return self._page("client", visitor, card=card(body, self._clock.now()))

    async def _begin(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        form = dict(parameters((await request.body()).decode("ascii", "replace")))
        cross_site = request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
        if cross_site or not visitor.key.made(form.get("form_token", ""), visitor.person.name):
            raise Told(words.OLD_FORM)
        body = await self._theirs(request, visitor)
        try:
            one = await self._steps.begin(visitor.person, visitor.key.digest, body)
        except SignInEnded as ended:
            raise Told(words.cannot_begin(ended)) from None
        except TooMany:
            raise Told(words.TOO_MANY) from None
        return self._see(f"/-/sign-ins/{one.id}")

    async def _returned(self, request: Request) -> Response:
        """Take an answer from a browser that has shown neither cookie nor person: both come with the ticket."""
        query = str(request.scope["query_string"], "ascii", "replace")
        text = (await request.body()).decode("ascii", "replace") if request.method == "POST" else query
        if (ticket := self._sign_ins.returned(parameters(text))) is None:
            raise Told(words.UNKNOWN)
        return self._see(f"/-/returned/{ticket}")

    async def _finish(self, request: Request) -> Response:
        _only_get(request)
        visitor = await self._visitor(request)
        taken = self._sign_ins.take(request.path_params["ticket"], visitor.key.digest, visitor.person)
        if taken is None:
            raise Told(words.UNKNOWN)
        one, answer = taken
        if answer is not None:
            await self._steps.finish(one, answer)
        return self._see(f"/-/sign-ins/{one.id}")

    async def _follow(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        one = self._sign_ins.find(request.path_params["identity"], visitor.key.digest, visitor.person)
        if one is None:
            raise Told(words.UNKNOWN)
        message = self._state(one, await self._steps.follow(one))
        return self._render.message(message, visitor.person.name)

    def _state(self, one: OpenSignIn, ended: Ended | None) -> Message:
        if ended:
            return words.ended(str(one.ref), ended, f"{self._base}/{one.ref.namespace}/{one.ref.name}")
        if one.answered:
            return replace(words.at_work(str(one.ref)), after_seconds=_FOLLOW_SECONDS)
        url = one.attempt.url
        return words.leaving(str(one.ref), url, urlsplit(url).hostname or "")

    async def _visitor(self, request: Request) -> Visitor:
        given = request.headers.getlist("authorization")
        if len(given) > 1:
            raise Told(words.NOBODY)  # one may be the proxy's and one the browser's: neither is believed
        kind, _, token = "".join(given).partition(" ")
        person = await self._people.known(SecretText(token.strip())) if kind.lower() == "bearer" and token else None
        if person is None:
            raise Told(words.NOBODY)
        key = BrowserKey.of(request.cookies.get(COOKIE))
        return Visitor(person, key or BrowserKey.new(), is_new=key is None)

    async def _theirs(self, request: Request, visitor: Visitor) -> JSON:
        place = request.path_params
        if (body := await self._clients.one(visitor.person, place["namespace"], place["name"])) is None:
            raise Told(words.NOT_THEIRS)
        return body

    def _page(self, name: str, visitor: Visitor, **values: Any) -> Response:  # noqa: ANN401 - what a page needs
        page = self._render.page(name, user=visitor.person.name, form_token=visitor.form_token, **values)
        if visitor.is_new:
            page.headers.append("set-cookie", visitor.key.set_cookie)
        return page

    def _see(self, path: str) -> Response:
        return RedirectResponse(f"{self._base}{path}", HTTPStatus.SEE_OTHER)

    async def _told(self, _request: Request, told: Exception) -> Response:
        message = told.message if isinstance(told, Told) else words.FAILED
        return self._render.message(message)

    async def _no_cluster(self, _request: Request, error: Exception) -> Response:
        log.warning("a page could not be made: %s", error)
        return self._render.message(words.NO_CLUSTER)

    async def _refused(self, _request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
        return self._render.message(replace(words.NOTHING_HERE, status=status))

    async def _failed(self, _request: Request, _error: Exception) -> Response:
        return self._render.message(words.FAILED)


class SafeHeaders:
    """Adds to every answer what keeps it from being stored, framed, or told to others."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""

        async def sent(message: Sent) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._application(scope, receive, sent)


def _only_get(request: Request) -> None:
    if request.method != "GET":  # HEAD would use the ticket up
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


async def _style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css")


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")
