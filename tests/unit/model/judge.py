"""The judge of the model: sees each write of the grant Secret and each request, and knows what may never happen."""

from dataclasses import dataclass, field

from citrix_oauth_operator.domain.model import Grant, Pending
from citrix_oauth_operator.domain.schedule import take_over_reserve
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.grant_codec import from_data
from citrix_oauth_operator.kube.labels import REQUESTED_AT
from citrix_oauth_operator.kube.secret_codec import decode
from citrix_oauth_operator.write_protocol import STALE_SECONDS
from tests.unit.fakes import FakeApi
from tests.unit.model.pod import Pod
from tests.unit.model.server import Server
from tests.unit.world import CLIENT, GRANT_SECRET, OPS

PATIENCE = 60.0
LEEWAY = 1.0  # seconds: requests to the API server take their time


class WatchedApi(FakeApi):
    """Shows each write of the grant Secret to the judge, together with its writer."""

    judge: "Judge | None" = None
    writer: Pod | None = None  # None: a person

    def drop(self, path: str) -> None:
        """Delete an object."""
        if path == GRANT_SECRET and self.judge and self.writer:
            self.judge.broken.append("13: a process deleted the grant")
        super().drop(path)

    def put(self, path: str, body: JSON) -> JSON:
        """Write an object."""
        before = self.objects.get(path) if path == GRANT_SECRET else None
        written = super().put(path, body)
        if path == GRANT_SECRET and self.judge and self.writer:
            old = from_data(decode(before)) if before else None
            self.judge.grant_written(self.writer, old, from_data(decode(written)))
        self.writer = None
        return written


@dataclass(frozen=True)
class Dropped:
    """When a chain was replaced, and by which process."""

    by: Pod
    at: float


@dataclass
class Judge:
    """Collects what must not happen; oauth-client invariants by their numbers, and 13: those of sign-ins."""

    server: Server
    api: WatchedApi
    pods: list[Pod]
    asked_at: float = -3600.0
    broken: list[str] = field(default_factory=list)
    _intents: dict[str, Pending] = field(default_factory=dict)  # the last one of each process
    _on_the_wire: dict[str, list[Pod]] = field(default_factory=dict)
    _seen: dict[str, float] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)
    _intended: dict[str, set[str]] = field(default_factory=dict)  # by token: the processes that meant to send it
    _chain: str = ""
    stored: set[str] = field(default_factory=set)
    _seqs: dict[str, int] = field(default_factory=dict)
    _tokens: list[str] = field(default_factory=list)
    _chains: dict[str, str] = field(default_factory=dict)  # by refresh token
    _dropped: dict[str, Dropped] = field(default_factory=dict)  # chains
    _begun: list[float] = field(default_factory=list)
    _codes: set[str] = field(default_factory=set)  # that were sent
    handed_over: dict[str, float] = field(default_factory=dict)  # codes, and when

    def grant_written(self, writer: Pod, old: Grant | None, new: Grant) -> None:
        """See one write of the grant Secret."""
        self._sequence(old, new)
        self._replacement(writer, old, new)
        pending, before = new.pending, old.pending if old and old.chain == new.chain else None
        if pending is None or (before is not None and before.attempt == pending.attempt):
            return
        self._intents[pending.holder.instance] = pending
        self._seen[pending.attempt] = self.server.now()
        token = new.refresh_token.reveal()
        resumed = new.seq == 0 and token not in self._sent  # the claim is not marked: whoever marks it sends the seed
        if before is not None and before.holder != pending.holder and not resumed:
            self._take_over(writer, old, before)
        if old is not None and old.rejection is not None and old.chain == new.chain and not self._asked():
            self.broken.append("10: a refused token is about to be sent again, and nobody asked for it")
        others = self._intended.setdefault(token, set())
        if pending.doubt and not others and token not in self._sent and new.spent_at is None:
            self.broken.append("2: a doubt about a token that nobody ever meant to send")
        others.add(pending.holder.instance)

    def _asked(self) -> bool:
        """Whether a person's request is not known to be answered; two replicas may answer it at once."""
        body = self.api.objects[CLIENT]
        wanted = body["metadata"].get("annotations", {}).get(REQUESTED_AT)
        handled = body["status"].get("lastHandledReconcileAt")
        return wanted != handled or self.server.now() - self.asked_at < PATIENCE

    def forget(self) -> None:
        """Somebody deleted what the grant Secret knew."""
        self._seqs.clear()
        self._tokens.clear()
        self._dropped.clear()

    def _sequence(self, old: Grant | None, new: Grant) -> None:
        token = new.refresh_token.reveal()
        self.stored.add(token)
        if new.chain in self._seqs and self._chain != new.chain:
            self.broken.append("4: a chain came back that a newer one had replaced")
        self._chain = new.chain
        last = self._seqs.get(new.chain, -1)
        if new.seq < last or (
            old and old.chain == new.chain and token != old.refresh_token.reveal() and new.seq == last
        ):
            self.broken.append(f"4: seq went from {last} to {new.seq}")
        self._seqs[new.chain] = new.seq
        if token in self._tokens[:-1] and self._tokens[-1] != token:
            self.broken.append("4: an earlier refresh token came back")
        if not self._tokens or self._tokens[-1] != token:
            self._tokens.append(token)

    def _replacement(self, writer: Pod, old: Grant | None, new: Grant) -> None:
        """A chain is replaced by what a server gave for a seed or a code, and by nothing else."""
        token = new.refresh_token.reveal()
        self._chains[token] = new.chain
        if token not in self.server.family:
            self.broken.append("13: what is stored is no refresh token")
        if old is None or old.chain != new.chain:
            self._begun.append(self.server.now())
        if old is not None and old.chain != new.chain:
            self._dropped[old.chain] = Dropped(writer, self.server.now())

    def begun_since(self, moment: float) -> bool:
        """Whether another chain came since: a sign-in that was on its way then is of no use."""
        return any(at >= moment for at in self._begun)

    def waits(self, code: str) -> bool:
        """Whether nobody has sent a code yet."""
        return code not in self._codes

    def code(self, pod: object, code: str) -> None:
        """See one code leave a process."""
        if not isinstance(pod, Pod):
            raise TypeError
        claim = self.api.objects.get(f"/api/v1/namespaces/{OPS}/configmaps/code-{SecretText(code).fingerprint(64)}")
        if claim is None or claim["data"]["instance"] != pod.holder.instance:
            self.broken.append("13: a code was sent by a process that has not claimed it")
        if code in self._codes:
            self.broken.append("13: a code was sent twice")
        self._codes.add(code)

    def _take_over(self, writer: Pod, old: Grant | None, before: Pending) -> None:
        """Another process's intent: at once only where that process was of the same pod."""
        holder = next((pod for pod in self.pods if pod.holder == before.holder), None)
        if holder is None or holder.name == writer.name:
            return
        waited = self.server.now() - self._seen.get(before.attempt, self.server.now())
        token = old.token if old else None
        left = (token.expires_at - writer.clock.now()) if token else None
        early = left is not None and token is not None and left > take_over_reserve(token.lifetime)
        if waited < PATIENCE - LEEWAY or early:
            self.broken.append(f"3: an intent was taken over after {waited:.0f} s, {left} before its token's end")

    def request(self, pod: Pod, token: str) -> None:
        """See one request leave a process."""
        intent = self._intents.get(pod.holder.instance)
        if intent is None or SecretText(token).fingerprint() != intent.fingerprint:
            self.broken.append("2: a token was sent without an intent that names it")
        if dropped := self._dropped.get(self._chains.get(token, "")):
            late = self.server.now() - dropped.at > STALE_SECONDS + LEEWAY
            if late or dropped.by is pod:
                self.broken.append("13: a token was sent though a new chain had replaced its own")
        wire = self._on_the_wire.setdefault(token, [])
        if any(not other.dead and not other.suspended for other in wire):
            self.broken.append("1: two requests with one refresh token at once")
        wire.append(pod)
        self._sent.add(token)

    def answered(self, pod: Pod, token: str) -> None:
        """See the request's end at the process."""
        self._on_the_wire[token].remove(pod)

    def replayed(self, pod: object, token: str) -> None:
        """See a spent token arrive at the server."""
        if not isinstance(pod, Pod):
            raise TypeError
        if pod.dead:  # sent while the token was good, and overtaken on the way by its successor's request
            self.server.rotations[token].excused = True
            return
        intent = self._intents.get(pod.holder.instance)
        if intent is None or not intent.doubt:
            self.broken.append("3: a spent token was sent without a recorded doubt")
        rotation = self.server.rotations[token]
        sender = rotation.sender
        if isinstance(sender, Pod) and (sender.name != pod.name or not rotation.delivered):
            rotation.excused = True  # taken over after patience, or nobody ever had the answer
        elif not rotation.excused:
            self.broken.append("5: a spent token was sent though its successor was in hand")
