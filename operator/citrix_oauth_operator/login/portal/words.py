"""What the pages say beside the list of clients."""

from __future__ import annotations

from http import HTTPStatus

from citrix_oauth_operator.login.ending import SignInEnded

from .rendering import Message
from .sign_ins import Ended

NOBODY = Message(
    "The portal does not know who you are",
    (
        "It learns that from the proxy in front of it, which sends a bearer token that the cluster accepts.",
        "Open the portal by its usual address and sign in there.",
        "If you have done so, tell the platform's admin: docs/portal.md says what to set up.",
    ),
    HTTPStatus.UNAUTHORIZED,
    good=False,
)
NOT_THEIRS = Message(
    "There is no such client, or you may not sign in for it",
    (
        "Check the namespace and the name in the address.",
        "Whoever may sign in has the right to update citrixclients/login in the client's namespace; ask for it there.",
    ),
    HTTPStatus.NOT_FOUND,
    good=False,
)
OLD_FORM = Message(
    "This page was too old",
    ("Nothing was begun. Go back to the list, and press the button there.",),
    HTTPStatus.FORBIDDEN,
    good=False,
)
UNKNOWN = Message(
    "No sign-in of this browser is open here under this address",
    (
        "Nothing was changed, and what the browser brought was not used.",
        "It was begun more than 10 minutes ago, in another browser, by somebody else, or before the portal restarted.",
        "Begin again from the list.",
    ),
    HTTPStatus.BAD_REQUEST,
    good=False,
)
TOO_MANY = Message(
    "Too many sign-ins are open",
    ("No more can begin now. Try again in a few minutes.",),
    HTTPStatus.SERVICE_UNAVAILABLE,
    good=False,
)
NO_CLUSTER = Message(
    "The cluster does not answer the portal",
    ("Try again in a minute. If it lasts, tell the platform's admin: the portal's log says more.",),
    HTTPStatus.SERVICE_UNAVAILABLE,
    good=False,
)
NOTHING_HERE = Message("There is nothing here", ("Go to the list of clients.",), HTTPStatus.NOT_FOUND, good=False)
FAILED = Message(
    "Something went wrong in the portal",
    ("Tell the platform's admin: the portal's log says more.",),
    HTTPStatus.INTERNAL_SERVER_ERROR,
    good=False,
)


def cannot_begin(ended: SignInEnded) -> Message:
    """Return why nobody is sent to the authorization server."""
    sentences = tuple(filter(None, (ended.message, ended.remedy)))
    return Message("The sign-in cannot begin", sentences, HTTPStatus.CONFLICT, good=False)


def leaving(client: str, url: str, host: str) -> Message:
    """Return the page that leads to the authorization server."""
    sentences = (f"{host} asks you to sign in for {client}. You come back here by yourself.",)
    return Message("On to the sign-in", sentences, onward=(url, f"Continue to {host}"), after_seconds=0)


def at_work(client: str) -> Message:
    """Return the page of a sign-in that the operator redeems."""
    return Message(
        "The sign-in has arrived", (f"The operator is getting the token for {client}. This page follows it.",)
    )


def ended(client: str, result: Ended, path: str) -> Message:
    """Return the page of a sign-in that is over."""
    if result.good:
        return Message(f"{client} has a token", result.sentences, good=True)
    return Message(f"Not signed in for {client}", result.sentences, good=False, onward=(path, "Sign in again"))
