"""Plays the person at the browser: login page, consent page, and the form that posts itself to the callback."""

import html
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

_MOST_PAGES = 12


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser would now send to the client's redirect URI."""

    redirect_uri: str
    method: str  # "POST" for response_mode=form_post, "GET" for a redirect
    fields: dict[str, str] = field(repr=False)


def approve(authorization_url: str, user: str, trust: ssl.SSLContext | bool) -> Callback:
    """Sign in and consent to everything, following pages until one leaves the authorization server.

    Raises:
        RuntimeError: a page that is neither a form nor a redirect, such as an error page.
    """
    home = urlsplit(authorization_url).netloc
    with httpx.Client(verify=trust, trust_env=False, timeout=60) as client:
        page = client.get(authorization_url)
        for _ in range(_MOST_PAGES):
            callback = _leaving(page, home)
            if callback:
                return callback
            page = _next_page(client, page, user)
    raise RuntimeError(f"no end of pages, last {page.url}")


def deliver(callback: Callback, client: httpx.Client) -> httpx.Response:
    """Send the callback to its redirect URI, as the browser would."""
    if callback.method == "POST":
        return client.post(callback.redirect_uri, data=callback.fields)
    return client.get(callback.redirect_uri, params=callback.fields)


def _leaving(page: httpx.Response, home: str) -> Callback | None:
    if page.is_redirect:
        target = urlsplit(urljoin(str(page.url), page.headers["location"]))
        if target.netloc != home:
            return Callback(target._replace(query="").geturl(), "GET", dict(parse_qsl(target.query)))
    elif page.is_success:
        action, fields = _form(page.text)
        if urlsplit(urljoin(str(page.url), action)).netloc != home:
            return Callback(action, "POST", dict(fields))
    return None


def _next_page(client: httpx.Client, page: httpx.Response, user: str) -> httpx.Response:
    if page.is_redirect:
        return client.get(urljoin(str(page.url), page.headers["location"]))
    if not page.is_success:
        raise RuntimeError(f"sign-in ended with status {page.status_code}: {_visible(page.text)[:300]}")
    action, fields = _form(page.text)
    person = {"login": user, "password": "anything"} if "login" in fields else {}
    return client.post(urljoin(str(page.url), action), data={**fields, **person})


def _visible(page: str) -> str:
    body = re.sub(r"(?s)<style.*?</style>|<[^>]+>", " ", page)
    return " ".join(html.unescape(body).split())


def _form(page: str) -> tuple[str, Mapping[str, str]]:
    action = re.search(r'<form[^>]*\baction="([^"]+)"', page)
    if not action:
        raise RuntimeError(f"a page without a form: {_visible(page)[:300]}")
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'\bname="([^"]+)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
        if name:
            fields[name[1]] = html.unescape(value[1]) if value else ""
    return html.unescape(action[1]), fields
