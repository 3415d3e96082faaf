"""The sign-ins that are open in this portal: each bound to a client, a person and a browser, and answered once.

They are kept in memory alone, verifiers never leave it: a portal that is started anew has forgotten them, and whoever
was at the authorization server meanwhile begins again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.secrecy import StaysHere
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.login.attempt import Attempt
from citrix_oauth_operator.login.callback import Declined, Stray, read

from .people import Person

OPEN_SECONDS = 600.0  # from the beginning to the answer
TOLD_SECONDS = 1800.0  # how long what came of it can be looked at
MOST_OF_ONE_PERSON = 8
MOST_OF_ALL = 2000
_MOST_TICKETS = 4


class TooMany(Exception):
    """So many sign-ins are open that no more can begin."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a sign-in, in words of ours."""

    good: bool
    sentences: tuple[str, ...]


@dataclass(slots=True)
class OpenSignIn(StaysHere):
    """One sign-in.

    Attributes:
        id: in the address of its page; of no use without the browser's cookie.
        browser: digest of the key of the browser it was begun in.
        since: boot time of its beginning, later of its answer.
        secret_uid: of the login Secret, once it was handed over.
        answered: its one answer was taken; every later one changes nothing.
    """

    id: str
    ref: ClientRef
    person: Person
    browser: str
    attempt: Attempt
    since: float
    answered: bool = False
    secret_uid: str = ""
    ended: Ended | None = None
    tickets: OrderedDict[str, SignIn | Declined] = field(default_factory=OrderedDict, repr=False)

    def belongs_to(self, browser: str, person: Person) -> bool:
        """Whether it was begun in this browser by this person."""
        return secrets.compare_digest(self.browser, browser) and self.person.identity == person.identity


class SignIns:
    """All of them; what is over is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: OrderedDict[str, OpenSignIn] = OrderedDict()
        self._by_state: dict[str, OpenSignIn] = {}
        self._by_ticket: dict[str, OpenSignIn] = {}

    def begin(self, ref: ClientRef, person: Person, browser: str, attempt: Attempt) -> OpenSignIn:
        """Open one; a person's oldest one makes room for the ninth, of those that are answered, too.

        Raises:
            TooMany: of all people together.
        """
        self._forget_old()
        self._make_room(person, answered=False)
        self._make_room(person, answered=True)
        if len(self._by_id) >= MOST_OF_ALL:
            raise TooMany
        made = OpenSignIn(secrets.token_urlsafe(32), ref, person, browser, attempt, self._clock.boottime())
        self._by_id[made.id] = self._by_state[_digest(attempt.state.reveal())] = made
        return made

    def returned(self, pairs: Iterable[tuple[str, str]]) -> str | None:
        """Keep an answer, and return a ticket to it; None: it belongs to no open sign-in.

        Whoever sent it has shown no cookie yet (SameSite): nothing is done with the answer before the ticket comes with
        the right one. Nobody else knows the ticket, so that who began a sign-in cannot take the answer of another
        person's browser.
        """
        self._forget_old()
        pairs = list(pairs)
        state = next((value for name, value in pairs if name == "state"), "")
        if (found := self._by_state.get(_digest(state))) is None:
            return None
        if isinstance(answer := read(found.attempt, pairs), Stray):
            return None
        ticket = secrets.token_urlsafe(32)
        found.tickets[ticket], self._by_ticket[ticket] = answer, found
        while len(found.tickets) > _MOST_TICKETS:
            self._by_ticket.pop(found.tickets.popitem(last=False)[0])
        return ticket

    def take(self, ticket: str, browser: str, person: Person) -> tuple[OpenSignIn, SignIn | Declined | None] | None:
        """Return the sign-in of a ticket, and its answer for the first that asks; None: not this browser's or person's.

        A ticket in wrong hands is worth nothing afterwards, and the sign-in waits on.
        """
        self._forget_old()
        found = self._by_ticket.pop(ticket, None)
        if found is None:
            return None
        answer = found.tickets.pop(ticket)
        if not found.belongs_to(browser, person):
            return None
        if found.answered:
            return found, None
        found.answered, found.since = True, self._clock.boottime()
        return found, answer

    def find(self, identity: str, browser: str, person: Person) -> OpenSignIn | None:
        """Return the sign-in of a page, for whom it belongs to."""
        self._forget_old()
        found = self._by_id.get(identity)
        return found if found and found.belongs_to(browser, person) else None

    def age(self, one: OpenSignIn) -> float:
        """Return the seconds since it began, or since it was answered."""
        return self._clock.boottime() - one.since

    def _make_room(self, person: Person, *, answered: bool) -> None:
        everyone = list(self._by_id.values())
        theirs = [one for one in everyone if one.person.identity == person.identity and one.answered is answered]
        for one in theirs[: max(0, len(theirs) - MOST_OF_ONE_PERSON + 1)]:
            self._forget(one)

    def _forget_old(self) -> None:
        for one in list(self._by_id.values()):
            if self.age(one) > (TOLD_SECONDS if one.answered else OPEN_SECONDS):
                self._forget(one)

    def _forget(self, one: OpenSignIn) -> None:
        del self._by_id[one.id], self._by_state[_digest(one.attempt.state.reveal())]
        for ticket in one.tickets:
            del self._by_ticket[ticket]


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
