"""The facts one pass decides on, gathered before deciding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .client_key import ClientKey
from .durations import parse_rfc3339
from .fields import Fields
from .model import Binding, Claim, ClientRef, Grant, Liveness, Refusal, Token, TokenSecret
from .problem import Problem
from .reasons import ConditionType
from .secrecy import SecretText, StaysHere
from .server import Endpoints, Server
from .sign_in import Login, SignInResult
from .spec import ClientSpec, GrantType
from .storefront import Account, PasswordMark, Primary
from .template import NO_TEMPLATE, SecretTarget, SecretTemplate


@dataclass(frozen=True, slots=True)
class PastStatus:
    """What earlier passes wrote into `status`; input where no Secret knows better."""

    raw: Mapping[str, object]
    observed_generation: int
    operator_namespace: str
    chain: str
    seq: int
    secret_name: str
    failed_attempts: int
    next_refresh: datetime | None
    last_refresh: datetime | None
    last_failure: datetime | None
    last_handled: str | None

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> PastStatus:
        """Read the fields of a status.

        Raises:
            FieldError: one is not of its type, which the API server does not let happen.
        """
        fields = Fields(raw, "status")
        grant = fields.sub("grant")
        past = cls(
            raw=raw,
            observed_generation=fields.number("observedGeneration", -1),
            operator_namespace=grant.text("namespace") or "",
            chain=grant.text("chain") or "",
            seq=grant.number("seq", 0),
            secret_name=fields.text("secretName") or "",
            failed_attempts=fields.number("failedAttempts", 0),
            next_refresh=parse_rfc3339(fields.text("nextRefreshTime")),
            last_refresh=parse_rfc3339(fields.text("lastRefreshTime")),
            last_failure=parse_rfc3339(fields.text("lastFailureTime")),
            last_handled=fields.text("lastHandledReconcileAt"),
        )
        fields.check()
        return past

    def has(self, condition: ConditionType) -> bool:
        """Whether a condition is there and True."""
        return any(c.get("type") == condition and c.get("status") == "True" for c in self.conditions)

    def reason_of(self, condition: ConditionType) -> str | None:
        """Return the reason of a condition that is there and True."""
        return next(
            (c.get("reason") for c in self.conditions if c.get("type") == condition and c.get("status") == "True"), None
        )

    @property
    def conditions(self) -> list[Mapping[str, str]]:
        """The conditions as they were written."""
        conditions = self.raw.get("conditions")
        return list(conditions) if isinstance(conditions, list) else []


@dataclass(frozen=True, slots=True)
class Client:
    """A CitrixClient as read just now."""

    ref: ClientRef
    generation: int
    resource_version: str
    status: PastStatus
    requested_at: str | None = None  # at most as long as status can echo
    finalizers: tuple[str, ...] = ()
    revokes: bool = False  # its grant is to be revoked when it is deleted

    @property
    def unseen(self) -> bool:
        """Whether no status was written about this spec yet."""
        return self.generation != self.status.observed_generation

    @property
    def forced(self) -> bool:
        """Whether a person asked for a refresh that no pass has handled yet."""
        return self.requested_at is not None and self.requested_at != self.status.last_handled

    def with_wish_fulfilled(self) -> Client:
        """Return the client as if status said already that its request, if there is one, was handled."""
        return replace(self, status=replace(self.status, last_handled=self.requested_at or self.status.last_handled))


@dataclass(frozen=True, slots=True)
class Spare(StaysHere):
    """The other credential of a rollover; `credential` as of Inputs."""

    secret: SecretText | None
    key: ClientKey | None
    credential: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a token is made from, all of it present and valid.

    Attributes:
        fingerprint: of what the token depends on; another one, and the published token is not current.
        authorization: format of the header value that carries this server's tokens.
        account: of CitrixAuth: who logs on.
        credential: of the client's credential at this server; clients that share it share its refusals.
        key: with which the client proves itself instead of a secret.
        spare: to be shown when the server refuses this credential.
        credentials_end: when this credential ends, as far as somebody said so.
        customer_id: offered to pods in the token Secret, where the API wants it beside the token.
    """

    spec: ClientSpec
    server: Server
    endpoints: Endpoints | Problem
    client_secret: SecretText | None
    seed: SecretText | None
    binding: Binding
    fingerprint: str
    credential: str
    authorization: str
    key: ClientKey | None = None
    spare: Spare | None = None
    credentials_end: datetime | None = None
    customer_id: str = ""
    account: Account | None = None

    def shown(self, refused: Callable[[str], bool]) -> Inputs:
        """Return the same inputs with the first credential that the server has not refused, as far as there is one."""
        if self.spare is None or refused(self.spare.credential):
            return replace(self, spare=None)
        if not refused(self.credential):
            return self
        spare = self.spare
        return replace(self, client_secret=spare.secret, key=spare.key, credential=spare.credential, spare=None)


@dataclass(frozen=True, slots=True)
class Observed:
    """One client and all that belongs to it.

    Attributes:
        template: of the token Secret; None where the spec's cannot be read.
    """

    client: Client
    inputs: Inputs | Problem
    operator_namespace: str
    secret_name: str
    secret: TokenSecret
    grant: Grant | None = None
    grant_version: str = ""
    credentials_name: str = ""
    credentials_version: str = ""
    claim: Claim | None = None  # of the seed in the credentials Secret
    chain_claim: Claim | None = None  # of the seed of a chain that was never refreshed
    refusal: Refusal | None = None
    holder: Liveness = Liveness.UNKNOWN
    attempt_seen_for: timedelta = timedelta(0)
    held: Token | None = None  # received by this process, and in no Secret yet
    answer_kept: bool = False  # received by some process, and not committed yet
    template: SecretTemplate | None = NO_TEMPLATE
    ended: SignInResult | None = None  # what came of a sign-in in this pass
    primary: Primary | None = None  # of CitrixAuth, where it is of the present account and lives
    mark: PasswordMark | None = None  # of the account's password
    marked_by: Liveness = Liveness.UNKNOWN
    login: Login | None = None  # looked for where somebody asked for something, or the client is in trouble

    @property
    def target(self) -> SecretTarget:
        """The token Secret as it is wanted."""
        return SecretTarget(self.secret_name, self.template)

    @property
    def ready_inputs(self) -> Inputs:
        """The inputs, where an earlier check has made sure that they are complete."""
        if isinstance(self.inputs, Problem):
            raise TypeError("checked by inputs_missing")
        return self.inputs

    @property
    def token(self) -> Token | None:
        """The newest access token: in the grant Secret; where nothing rotates, in hand or in the token Secret."""
        if self.grant is not None:
            return self.grant.token
        if isinstance(self.inputs, Inputs) and self.inputs.spec.grant_type is not GrantType.REFRESH_TOKEN:
            return self.held or self.secret.token
        return None
