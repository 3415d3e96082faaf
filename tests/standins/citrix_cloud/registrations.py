"""The clients registered at the stand-in. The same values stand in clients.mjs: a wrong one here fails to sign in."""

from dataclasses import dataclass
from typing import Literal

SECRET = "c3RhbmQtaW4+secret/with%25percent:colon=="
APPLICATION_ID = "0a9b8c7d-1111-4222-8333-444455556666"
CUSTOMER_ID = "acmecust01"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client and how it authenticates at the token endpoint."""

    id: str
    secret: str | None = None
    authentication: Literal["none", "client_secret_post", "client_secret_basic"] = "none"


PUBLIC = Client("public-client==")
PUBLIC_ONLINE = Client("public-online==")  # registered without Offline Access: no refresh token, ever
PRIVATE_POST = Client("private/post+1==", SECRET, "client_secret_post")
PRIVATE_BASIC = Client("private:basic%1==", SECRET, "client_secret_basic")
MACHINE_POST = Client("machine/post+1==", SECRET, "client_secret_post")  # client_credentials only
MACHINE_BASIC = Client("machine:basic%1==", SECRET, "client_secret_basic")
SERVICE_PRINCIPAL = Client("5e1f0c1e-0000-4000-8000-00000000cafe", "c2VydmljZQ+/%3A:principal==", "client_secret_post")

BY_ID = {
    client.id: client for client in (PUBLIC, PUBLIC_ONLINE, PRIVATE_POST, PRIVATE_BASIC, MACHINE_POST, MACHINE_BASIC)
}
