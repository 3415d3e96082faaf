"""Condition types and reasons: the words a person meets in status, Events and metrics.

`Ready` keeps being True while refreshes fail and while `Stalled`, until the token's end.
`RefreshFailed` and `Stalled` are present only while true (kstatus: abnormal-true).
"""

from __future__ import annotations

from enum import StrEnum


class ConditionType(StrEnum):
    """Types in `status.conditions`."""

    READY = "Ready"
    REFRESH_FAILED = "RefreshFailed"
    STALLED = "Stalled"
    ACCEPTED = "Accepted"  # AuthorizationServer only


class Reason(StrEnum):
    """Reasons of conditions; an Event carries the same word."""

    # Ready
    TOKEN_VALID = "TokenValid"
    TOKEN_EXPIRED = "TokenExpired"
    PUBLISH_FAILED = "PublishFailed"
    PENDING = "Pending"
    SUSPENDED = "Suspended"
    # RefreshFailed: will be repeated without a person
    SERVER_UNREACHABLE = "ServerUnreachable"
    SERVER_THROTTLED = "ServerThrottled"
    SERVER_ERROR = "ServerError"
    DISCOVERY_FAILED = "DiscoveryFailed"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    RESPONSE_INVALID = "ResponseInvalid"
    COMMIT_FAILED = "CommitFailed"
    BREAKER_OPEN = "BreakerOpen"
    # Stalled: a person must change something
    SPEC_INVALID = "SpecInvalid"
    CREDENTIALS_NOT_FOUND = "CredentialsNotFound"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    AUTHORIZATION_SERVER_NOT_FOUND = "AuthorizationServerNotFound"
    AUTHORIZATION_SERVER_NOT_ALLOWED = "AuthorizationServerNotAllowed"
    ADDRESS_NOT_ALLOWED = "AddressNotAllowed"
    INPUTS_CHANGED = "InputsChanged"
    ENDPOINT_CHANGED = "EndpointChanged"
    CLAIMED_BY_ANOTHER_OPERATOR = "ClaimedByAnotherOperator"
    SECRET_NOT_OWNED = "SecretNotOwned"
    SEED_ALREADY_USED = "SeedAlreadyUsed"
    LOGIN_REQUIRED = "LoginRequired"
    NO_REFRESH_TOKEN = "NoRefreshToken"
    GRANT_REJECTED = "GrantRejected"
    GRANT_EXPIRED = "GrantExpired"
    ROTATION_LOST = "RotationLost"
    GRANT_ROLLED_BACK = "GrantRolledBack"
    CLIENT_REJECTED = "ClientRejected"
    SCOPE_REJECTED = "ScopeRejected"
    CONDITIONAL_ACCESS = "ConditionalAccess"
    ACCOUNT_PROBLEM = "AccountProblem"
    PASSWORD_REFUSED = "PasswordRefused"
    PASSWORD_MUST_CHANGE = "PasswordMustChange"
    SECOND_FACTOR_REQUIRED = "SecondFactorRequired"
    TOKEN_TOO_LARGE = "TokenTooLarge"
    # Accepted
    ACCEPTED = "Accepted"
    # Events only
    RECOVERED = "Recovered"
    SIGNED_IN = "SignedIn"
    SIGN_IN_FAILED = "SignInFailed"
    GRANT_ENDING = "GrantEnding"
    CREDENTIALS_ENDING = "CredentialsEnding"
    PASSWORD_ENDING = "PasswordEnding"


#: Failures that pass by themselves: repeated with growing delays.
TRANSIENT = frozenset(
    {
        Reason.SERVER_UNREACHABLE,
        Reason.SERVER_THROTTLED,
        Reason.SERVER_ERROR,
        Reason.DISCOVERY_FAILED,
        Reason.OUTCOME_UNKNOWN,
        Reason.RESPONSE_INVALID,
        Reason.COMMIT_FAILED,
        Reason.BREAKER_OPEN,
    }
)

#: Failures that cost the server a request: the interval between two of one grant holds after them.
ANSWERED = frozenset({Reason.SERVER_ERROR, Reason.SERVER_THROTTLED, Reason.RESPONSE_INVALID})

#: The grant is dead: only a new seed, a new sign-in or one try on a person's request helps.
DEAD_GRANT = frozenset({Reason.GRANT_REJECTED, Reason.GRANT_EXPIRED, Reason.ROTATION_LOST, Reason.ACCOUNT_PROBLEM})

#: The server's word about a refresh token that it would take if a policy, or a person at a browser, allowed it.
HELD_BACK = frozenset({Reason.CONDITIONAL_ACCESS})

#: A sign-in helps: it begins another grant.
CURED_BY_SIGN_IN = (
    DEAD_GRANT
    | HELD_BACK
    | {
        Reason.LOGIN_REQUIRED,
        Reason.NO_REFRESH_TOKEN,
        Reason.GRANT_ROLLED_BACK,
        Reason.SEED_ALREADY_USED,
        Reason.INPUTS_CHANGED,
        Reason.ENDPOINT_CHANGED,
    }
)

#: A person's request is answered by one more try, although a person's change is what usually helps.
TRIED_ON_REQUEST = DEAD_GRANT | HELD_BACK | {Reason.CLIENT_REJECTED, Reason.SCOPE_REJECTED, Reason.TOKEN_TOO_LARGE}

#: Nothing can be spent or locked by another try, and the cure may leave no trace in Kubernetes: tried again hourly.
RETRIED_HOURLY = frozenset(
    {
        Reason.CLIENT_REJECTED,
        Reason.SCOPE_REJECTED,
        Reason.AUTHORIZATION_SERVER_NOT_FOUND,
        Reason.AUTHORIZATION_SERVER_NOT_ALLOWED,
        Reason.ADDRESS_NOT_ALLOWED,
        Reason.CLAIMED_BY_ANOTHER_OPERATOR,
        Reason.TOKEN_TOO_LARGE,
        *HELD_BACK,
    }
)
