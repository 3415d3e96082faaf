"""OBSERVE (step 3): live reads of everything one pass decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.model import Claim, ClientRef, Grant, TokenSecret
from citrix_oauth_operator.domain.observed import Client, Inputs, Observed
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import ConditionType
from citrix_oauth_operator.domain.spec import GrantType
from citrix_oauth_operator.domain.storefront import Account
from citrix_oauth_operator.domain.template import SecretTarget, readable_template

from .api import JSON, Api
from .claims import Claims
from .clients import Clients
from .grant_codec import GrantUnreadable
from .grant_store import ForeignSecret, GrantStore, secret_name
from .inputs import Discovery, InputsReader
from .labels import secret_path
from .liveness import LivenessOf
from .login_secret import LoginSecrets
from .namespaces import Namespaces
from .passwords import PasswordMarks
from .primary_store import PrimaryStore
from .refusals import Refusals
from .servers import Servers
from .token_secret import TokenSecrets


class KeepsAnswers(Protocol):
    """Says whether an answer that was received is still to be committed."""

    def keeps(self, ref: ClientRef, grant: Grant | None) -> bool:
        """Whether the stored grant waits for it, or is gone."""
        ...


@dataclass(slots=True)
class Observer:
    """Gathers one client's facts; remembers only since when it has seen somebody else's intent."""

    api: Api
    clock: Clock
    operator_namespace: str
    clients: Clients
    grants: GrantStore
    claims: Claims
    refusals: Refusals
    secrets: TokenSecrets
    servers: Servers
    namespaces: Namespaces
    discovery: Discovery
    identity: LivenessOf
    answers: KeepsAnswers
    logins: LoginSecrets
    primaries: PrimaryStore
    passwords: PasswordMarks
    _attempts: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def observe(self, ref: ClientRef) -> Observed | None:
        """Read the client and all that belongs to it; None when the client is gone.

        Raises:
            ApiError: the API server did not answer, or may not be read.
        """
        found = await self.clients.read(ref)
        if found is None:
            self.forget(ref)
            return None
        client, raw_spec = found
        credentials_name = _credentials_name(raw_spec)
        inputs, credentials = await self.inputs(ref, raw_spec, unseen=client.unseen)
        if isinstance(inputs, Inputs):
            inputs = inputs.shown(lambda credential: self.refusals.find(credential) is not None)
        name = inputs.spec.secret_name if isinstance(inputs, Inputs) else client.status.secret_name
        target = SecretTarget(name or _wanted_name(ref, raw_spec), readable_template(raw_spec))
        # what belongs to a client nobody claimed is met as a conflict, and read at the next look
        new = not client.status.operator_namespace and isinstance(inputs, Inputs) and inputs.seed is not None
        account = inputs.account if isinstance(inputs, Inputs) else None
        try:
            stored = None if new or account else await self.grants.load(ref)
        except (GrantUnreadable, ForeignSecret):
            stored, inputs = None, problems.grant_unreadable(secret_name(ref))
        grant = stored.grant if stored else None
        if grant is not None and grant.fulfils(client.requested_at):
            client = client.with_wish_fulfilled()  # also where whoever did it died before it could say so
        claim, chain_claim = (None, None) if new else await self._claims(inputs, grant)
        return Observed(
            client=client,
            inputs=inputs,
            operator_namespace=self.operator_namespace,
            secret_name=target.name,
            template=target.template,
            secret=TokenSecret() if new else await self._secret(ref, target, grant),
            grant=grant,
            grant_version=stored.version if stored else "",
            credentials_name=credentials_name,
            credentials_version=credentials["metadata"]["resourceVersion"] if credentials else "",
            claim=claim,
            chain_claim=chain_claim,
            refusal=self.refusals.find(inputs.credential) if isinstance(inputs, Inputs) else None,
            held=self.secrets.held(ref),
            answer_kept=self.answers.keeps(ref, grant),
            login=await self.logins.observe(ref) if _may_sign_in(client, inputs) else None,
            **self._intent(ref, grant),
            **(await self._logon(ref, inputs, account) if account and isinstance(inputs, Inputs) else {}),
        )

    async def _logon(self, ref: ClientRef, inputs: Inputs, account: Account) -> dict[str, Any]:
        """Read what is left of the last logon; a primary token of another account, or one that is over, is none."""
        kept = await self.primaries.load(ref)
        primary = kept if kept and kept.serves(account, inputs.binding.namespace_uid, self.clock.now()) else None
        mark = await self.passwords.find(account.fingerprint) if account.fingerprint else None
        if mark is None or mark.was_answered(kept, account.fingerprint):
            return {"primary": primary}
        return {"primary": primary, "mark": mark, "marked_by": self.identity.liveness(mark.holder)}

    async def inputs(
        self, ref: ClientRef, raw_spec: Mapping[str, Any], *, unseen: bool = False
    ) -> tuple[Inputs | Problem, JSON | None]:
        """Read what a client's tokens are made from, and the credentials Secret that holds a part of it."""
        name = _credentials_name(raw_spec)
        credentials = await self.api.get(secret_path(ref.namespace, name)) if name else None
        reader = InputsReader(self.servers, self.namespaces, self.discovery)
        return await reader.read(ref, raw_spec, credentials, unseen=unseen), credentials

    async def _secret(self, ref: ClientRef, target: SecretTarget, grant: Grant | None) -> TokenSecret:
        """Read the token Secret, unless it is about to be written and this process knows the version to write over."""
        due = grant is not None and grant.token is not None and grant.token.refresh_at <= self.clock.now()
        known = self.secrets.unread(ref, target.name) if due else None
        return known or await self.secrets.observe(ref, target)

    def forget(self, ref: ClientRef) -> None:
        """Drop what is remembered of a client that is gone."""
        self.secrets.forget(ref)
        self._attempts.pop(ref.uid, None)
        self.namespaces.forget(ref)

    async def _claims(self, inputs: Inputs | Problem, grant: Grant | None) -> tuple[Claim | None, Claim | None]:
        """Read claims only where they matter: of a seed the chain did not begin with, and of a chain just begun."""
        seed = inputs.seed if isinstance(inputs, Inputs) else None
        begun = grant.refresh_token if grant is not None and grant.seq == 0 else None
        settled = seed is None or (grant is not None and grant.seq > 0 and grant.seed == seed.fingerprint(64))
        claim = None if settled or seed is None else await self.claims.find(seed)
        if begun is None:
            return claim, None
        return claim, claim if begun == seed else await self.claims.find(begun)

    def _intent(self, ref: ClientRef, grant: Grant | None) -> dict[str, Any]:
        """Say who holds the stored intent, and for how long this process has seen it on its own clock."""
        if grant is None or grant.pending is None:
            self._attempts.pop(ref.uid, None)
            return {}
        attempt, now = grant.pending.attempt, self.clock.boottime()
        known, since = self._attempts.get(ref.uid, ("", now))
        if known != attempt:
            since = now
        self._attempts[ref.uid] = (attempt, since)
        return {
            "holder": self.identity.liveness(grant.pending.holder),
            "attempt_seen_for": timedelta(seconds=now - since),
        }


def _credentials_name(raw_spec: Mapping[str, Any]) -> str:
    return str((raw_spec.get("credentialsSecretRef") or {}).get("name") or "")


def _may_sign_in(client: Client, inputs: Inputs | Problem) -> bool:
    """Whether a login Secret is worth a read: whoever writes one asks for a pass; a troubled client may wait for it."""
    if isinstance(inputs, Inputs) and inputs.spec.grant_type is not GrantType.REFRESH_TOKEN:
        return False
    status = client.status
    return client.forced or status.has(ConditionType.STALLED) or status.has(ConditionType.REFRESH_FAILED)


def _wanted_name(ref: ClientRef, raw_spec: Mapping[str, Any]) -> str:
    return str((raw_spec.get("secret") or {}).get("name") or f"{ref.name}-token")
