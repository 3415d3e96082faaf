"""People who sign in: codes, and id_tokens that are really signed, with the keys to check them."""

import json
from collections.abc import Mapping
from datetime import timedelta

from joserfc import jws
from joserfc.jwk import ECKey

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.wire.raw import RawAnswer

ISSUER, KEYS = "https://accounts.example", "https://accounts.example/keys"
ENDPOINTS = Endpoints(token="https://accounts.example/token", keys=KEYS, issuer=ISSUER)
NONCE = "CANARY-nonce-0123456789"
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})


def hand_over(code: str = "CANARY-code-1") -> SignIn:
    """Return a sign-in as CLI and portal hand it over."""
    verifier = SecretText("CANARY-verifier-" + "v" * 43)
    return SignIn(SecretText(code), verifier, "http://localhost:7182/callback", NONCE, ENDPOINTS.token)


def claims(clock: Clock, **changed: object) -> dict[str, object]:
    """Return the claims of a good id_token; None leaves one out."""
    now = clock.now()
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": "id==",
        "sub": "ada",
        "nonce": NONCE,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(content: Mapping[str, object], key: ECKey = KEY) -> str:
    """Return an id_token."""
    header = {"alg": "ES256", "kid": "k1"}
    return jws.serialize_compact(header, json.dumps(content), key, algorithms=["ES256"])


class Keys:
    """The server's JWK Set, on a transport that counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: RawAnswer | NotSent | Uncertain = key_set(KEY)

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Return what was set."""
        del url, headers, reach
        self.asked += 1
        return self.answer


def key_set(*keys: ECKey) -> RawAnswer:
    """Return the answer that holds the public halves of some keys."""
    return RawAnswer(200, {}, json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode())
