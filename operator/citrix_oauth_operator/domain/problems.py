"""The operator's own findings, in fixed words: what is wrong, and what a person does about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from .durations import rfc3339
from .fields import FieldError
from .problem import Problem, as_sentence
from .reasons import Reason

_MOST_FIELDS = 8

SIGN_IN_AGAIN = "sign in again (status.login.command), or put a new refresh token into the credentials Secret"
AGAIN = as_sentence(SIGN_IN_AGAIN)


def spec_invalid(error: FieldError) -> Problem:
    """Return the problem of fields that the API server could not judge."""
    flaws, remedies = _told(error)
    return Problem(Reason.SPEC_INVALID, f"{flaws}.", f"In {remedies}.")


def _told(error: FieldError) -> tuple[str, str]:
    """Return all flaws and all remedies in a line each; of very many the first."""
    errors = (error, *error.others)
    flaws, remedies = [str(one) for one in errors], [f"{one.path}: {one.remedy}" for one in errors]
    more = [f"and {len(errors) - _MOST_FIELDS} more"] if len(errors) > _MOST_FIELDS else []
    return "; ".join(flaws[:_MOST_FIELDS] + more), "; ".join(remedies[:_MOST_FIELDS])


def server_invalid(server: str, error: FieldError) -> Problem:
    """Return the problem of a client whose AuthorizationServer is not accepted."""
    flaws, remedies = _told(error)
    return Problem(
        Reason.SPEC_INVALID,
        f"AuthorizationServer {server}: {flaws}.",
        f"The platform's admin corrects AuthorizationServer {server}, in {remedies}.",
    )


def about_built_in(problem: Problem, server: str) -> Problem:
    """Return the same problem with a remedy that does not name an object which does not exist."""
    if problem.reason is Reason.SERVER_UNREACHABLE:
        remedy = (
            "check DNS, network policies and what inspects TLS between the operator and the internet; the URLs of"
            f" {server} are built in, and an AuthorizationServer named {server} overrides them (spec.caBundle for a"
            " private CA)"
        )
        return replace(problem, remedy=remedy)
    theirs = f"an AuthorizationServer named {server}, which would override the built-in one"
    return replace(problem, remedy=problem.remedy.replace("the AuthorizationServer", theirs))


def server_not_found(server: str, built_in: Sequence[str]) -> Problem:
    """Return the problem of a reference to nothing."""
    return Problem(
        Reason.AUTHORIZATION_SERVER_NOT_FOUND,
        f"There is no AuthorizationServer {server}, and none of that name is built in.",
        "Correct spec.authorizationServerRef.name, or ask the platform's admin to create it; there are"
        f" `kubectl get authorizationservers` and the built-in {', '.join(built_in)}.",
    )


def server_not_allowed(server: str, namespace: str) -> Problem:
    """Return the problem of a namespace that may not use a server."""
    return Problem(
        Reason.AUTHORIZATION_SERVER_NOT_ALLOWED,
        f"AuthorizationServer {server} does not allow clients in namespace {namespace}.",
        f"Ask the platform's admin to add the namespace to spec.allowedNamespaces of AuthorizationServer {server}.",
    )


def customer_missing(server: str) -> Problem:
    """Return the problem of an endpoint that needs the customer id."""
    return Problem(
        Reason.SPEC_INVALID,
        f"The endpoints of AuthorizationServer {server} contain the customer id, and spec.citrix.customerID is empty.",
        "Set spec.citrix.customerID (Citrix Cloud console, Identity and Access Management, API Access).",
    )


def credentials_not_found(secret: str) -> Problem:
    """Return the problem of a Secret that is not there."""
    return Problem(
        Reason.CREDENTIALS_NOT_FOUND,
        f"Secret {secret}, named by spec.credentialsSecretRef, does not exist in the client's namespace.",
        f"Create Secret {secret} with the keys that the client needs (client_secret, refresh_token).",
    )


def credentials_key(secret: str, key: str, flaw: str) -> Problem:
    """Return the problem of one key of the credentials Secret."""
    return Problem(
        Reason.CREDENTIALS_INVALID,
        f"Key {key} of Secret {secret}, named by spec.credentialsSecretRef, {flaw}.",
        f"Put the value into key {key} of Secret {secret}, without a line break at its end"
        " (a public client sets spec.clientAuthentication: None).",
    )


def claimed_by_another(theirs: str, ours: str) -> Problem:
    """Return the problem of a client that another operator serves."""
    return Problem(
        Reason.CLAIMED_BY_ANOTHER_OPERATOR,
        f"The operator in namespace {theirs} keeps this client's grant; this operator keeps its grants in {ours}.",
        f"Let only one operator watch this namespace (--watch-namespace), or, when the one in {theirs} is gone for"
        " good, clear status.grant and give a new seed.",
    )


def login_required(secret: str | None) -> Problem:
    """Return the problem of a client that never had a grant."""
    where = f"key refresh_token of Secret {secret}" if secret else "a Secret named by spec.credentialsSecretRef"
    return Problem(
        Reason.LOGIN_REQUIRED,
        "There is no grant to refresh: nobody has signed in for this client yet.",
        f"Sign in (status.login.command says how), or put a refresh token into {where}.",
    )


def no_refresh_tokens(server_type: str) -> Problem:
    """Return the problem of a client that waits for what its type of server does not issue."""
    return Problem(
        Reason.NO_REFRESH_TOKEN,
        f"Servers of type {server_type} issue no refresh tokens, and there is no grant to refresh.",
        "Use grantType ClientCredentials where the server offers it, or a client of the identity provider behind the"
        " server; if yours does issue refresh tokens, sign in, or put one into key refresh_token of the credentials"
        " Secret.",
    )


def inputs_changed(changed: Sequence[str]) -> Problem:
    """Return the problem of a grant that was issued for something else."""
    return Problem(
        Reason.INPUTS_CHANGED,
        f"The stored grant was issued for another value of {', '.join(changed)}; it is not sent for this one.",
        f"Undo the change, or {SIGN_IN_AGAIN}.",
    )


def secret_not_owned(secret: str) -> Problem:
    """Return the problem of a token Secret that belongs to somebody else."""
    return Problem(
        Reason.SECRET_NOT_OWNED,
        f"Secret {secret} exists and was not written for this CitrixClient; it is not overwritten.",
        f"Choose another spec.secret.name, or delete Secret {secret} if nobody needs it.",
    )


def publish_failed(secret: str, status: int | None) -> Problem:
    """Return the problem of a token Secret that the API server does not take."""
    return Problem(
        Reason.PUBLISH_FAILED,
        f"Secret {secret} could not be written.",
        "Check the operator's rights on Secrets in this namespace, its ResourceQuota and admission policies.",
        http_status=status,
    )


def commit_failed(status: int | None) -> Problem:
    """Return the problem of an intent that could not be stored: nothing was sent."""
    return Problem(
        Reason.COMMIT_FAILED,
        "The intent to refresh could not be written to the operator's namespace; no token was sent.",
        "Check the API server, the operator's rights on Secrets and ConfigMaps in its own namespace, and its quota.",
        http_status=status,
    )


def grant_unreadable(secret: str) -> Problem:
    """Return the problem of a grant Secret that is not as we wrote it."""
    return Problem(
        Reason.SECRET_NOT_OWNED,
        f"Secret {secret} in the operator's namespace is not a grant Secret, or somebody edited it.",
        f"Restore Secret {secret}; or delete it and {SIGN_IN_AGAIN}.",
    )


def breaker_open(last: Problem | None = None) -> Problem:
    """Return the problem of a client that waits because its server fails for others; `last` is how it does."""
    why = f" (last: {last.reason}, {last.message.rstrip('.')})" if last else ""
    return Problem(
        Reason.BREAKER_OPEN,
        f"The authorization server fails for many clients{why}; it is asked for one of them at a time until"
        " it answers.",
    )


def password_in_doubt(sent_at: datetime) -> Problem:
    """Return the problem of a password whose answer nobody heard."""
    return Problem(
        Reason.PASSWORD_REFUSED,
        f"The password was sent at {rfc3339(sent_at)} and no answer was heard: it may have been refused, so it is not"
        " sent again by itself.",
        "If the password is right and the account not locked, ask for one more try (citrix-oauth refresh, or annotation"
        " citrix-oauth.dev/requested-at); if not, correct it in the credentials Secret.",
    )


def other_type_of_server(server: str, *, wanted: bool) -> Problem:
    """Return the problem of CitrixAuth at another server than StoreFront (wanted), or of StoreFront without it."""
    named = "another type than StoreFront" if wanted else "type StoreFront"
    return Problem(
        Reason.SPEC_INVALID,
        f"AuthorizationServer {server} is of {named}, which does not go with spec.grantType.",
        "Use grantType CitrixAuth with an AuthorizationServer of type StoreFront, and only there.",
    )


THROTTLED = Problem(Reason.SERVER_THROTTLED, "The authorization server asks for fewer requests.")

ENDPOINT_CHANGED = Problem(
    Reason.ENDPOINT_CHANGED,
    "The authorization server's token endpoint is not the one this grant was issued by; the grant is not sent there.",
    f"If the change is wanted, {SIGN_IN_AGAIN}; if not, the platform's admin restores the AuthorizationServer.",
)

GRANT_ROLLED_BACK = Problem(
    Reason.GRANT_ROLLED_BACK,
    "The stored grant is older than what status remembers: it came from a backup and its refresh token is spent.",
    f"{AGAIN[:-1]}; keep grant Secrets out of backups.",
)

SEED_ALREADY_USED = Problem(
    Reason.SEED_ALREADY_USED,
    "The refresh_token in the credentials Secret was adopted once before, and no grant of it is alive.",
    AGAIN,
)
