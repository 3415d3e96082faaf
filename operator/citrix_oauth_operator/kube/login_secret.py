"""The Secret `<client>-login`: how CLI and portal hand a finished sign-in over (docs/sign-in.md)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from citrix_oauth_operator.domain import sign_in_problems
from citrix_oauth_operator.domain.durations import parse_rfc3339
from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import ClientRef, Liveness
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import KEYS, Login, SignIn

from .api import JSON, Api
from .codes import Codes
from .labels import CLIENT_UID, MANAGED_BY, OPERATOR, of_client, reference, secret_path
from .liveness import LivenessOf
from .secret_codec import decode, encode

SECRET_TYPE = "Opaque"


@dataclass(frozen=True, slots=True)
class KeyFlaw:
    """What is wrong with a login Secret; never a value."""

    key: str
    flaw: str
    wanted: str


def login_secret_name(client: str) -> str:
    """Return the name of a client's login Secret; the CRD keeps `spec.secret.name` off it."""
    return f"{client}-login"


def to_secret(ref: ClientRef, sign_in: SignIn) -> JSON:
    """Return the Secret to create; its UID is found again in `status.lastSignIn.secretUID`.

    It goes with its client, and the operator deletes it when it was used or refused.
    """
    data = {
        "code": sign_in.code.reveal(),
        "code_verifier": sign_in.code_verifier.reveal(),
        "redirect_uri": sign_in.redirect_uri,
        "nonce": sign_in.nonce,
        "token_endpoint": sign_in.token_endpoint,
    }
    return {**empty_secret(ref), "data": encode(data)}


def empty_secret(ref: ClientRef) -> JSON:
    """Return the same without what is handed over: whether it may be created can be tried beforehand."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": {
            "name": login_secret_name(ref.name),
            "namespace": ref.namespace,
            "labels": of_client(ref),
            "ownerReferences": [reference(ref)],
        },
    }


def is_for(ref: ClientRef, secret: JSON) -> bool:
    """Whether a Secret was written to sign in this client, not its predecessor of the same name, nor anything else.

    One that is being deleted is nobody's any more: a finalizer of others may keep it there for long.
    """
    labels = secret["metadata"].get("labels") or {}
    if "deletionTimestamp" in secret["metadata"]:
        return False
    return bool(labels.get(MANAGED_BY) == OPERATOR and labels.get(CLIENT_UID) == ref.uid)


def from_secret(secret: JSON) -> SignIn | KeyFlaw:
    """Return the sign-in that a login Secret hands over, or the first thing that is wrong with it."""
    data, present = decode(secret), secret.get("data") or {}
    for key in KEYS:
        if key.name not in present:
            return KeyFlaw(key.name, "is missing", key.words)
        value = data.get(key.name, "")
        if not key.shortest <= len(value) <= key.longest or not key.form.fullmatch(value):
            return KeyFlaw(key.name, "is not what it must be", key.words)
    if others := sorted(present.keys() - {key.name for key in KEYS}):
        return KeyFlaw(others[0][:64], "is not one of its keys", f"only {', '.join(key.name for key in KEYS)}")
    return SignIn(
        code=SecretText(data["code"]),
        code_verifier=SecretText(data["code_verifier"]),
        redirect_uri=data["redirect_uri"],
        nonce=data["nonce"],
        token_endpoint=data["token_endpoint"],
    )


@dataclass(frozen=True, slots=True)
class LoginSecrets:
    """Reads and deletes login Secrets; each is read by its name."""

    api: Api
    codes: Codes
    identity: LivenessOf

    async def observe(self, ref: ClientRef) -> Login | None:
        """Return the sign-in that waits for a client, with who has claimed its code; None when none waits."""
        secret = await self.api.get(_path(ref))
        if secret is None or not is_for(ref, secret):
            return None
        uid, version, found = secret["metadata"]["uid"], secret["metadata"]["resourceVersion"], from_secret(secret)
        if isinstance(found, KeyFlaw):
            problem = sign_in_problems.malformed(login_secret_name(ref.name), found.key, found.flaw, found.wanted)
            return Login(uid, version, problem)
        claim = await self.codes.find(found.code)
        holder = self.identity.liveness(claim.holder) if claim else Liveness.UNKNOWN
        since = parse_rfc3339(secret["metadata"].get("creationTimestamp"))
        return Login(uid, version, found, claim, holder, since)

    async def delete(self, ref: ClientRef, login: Login) -> None:
        """Delete exactly the Secret that was read; one that was written since is another sign-in."""
        with contextlib.suppress(Conflict):
            await self.api.delete(_path(ref), {"uid": login.uid, "resourceVersion": login.version})


def _path(ref: ClientRef) -> str:
    return secret_path(ref.namespace, login_secret_name(ref.name))
