"""The key pair with which a client proves itself without sending a secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from .secrecy import SecretText, StaysHere


@dataclass(frozen=True, slots=True)
class ClientKey(StaysHere):
    """A private key of the credentials Secret, and what belongs to it.

    Attributes:
        private_key: PEM.
        certificate: PEM, its own one first; empty where the server knows the bare key.
        key_id: under which the server knows the key; empty where it has one only, or knows its certificate.
    """

    private_key: SecretText
    certificate: str = field(default="", repr=False)
    key_id: str = ""

    @property
    def fingerprint(self) -> str:
        """Tell one key from another; a renewed certificate of the same key is another proof, too."""
        return SecretText(f"{self.private_key.reveal()}\n{self.certificate}\n{self.key_id}").fingerprint(64)
