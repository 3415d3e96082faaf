"""Stand-ins for the systems around Citrix that check what they are shown; they share no code with the product.

`citrix_cloud/` and `storefront/` are larger systems of their own. Here is what the others have in common: a client is
registered with one proof, each request is judged by it, tokens cannot be guessed, and an API takes only these.
"""

from tests.standins.systems.kinds import CLAIMS, CUSTOMER, TENANT, Adfs, CitrixCloudApi, Entra, NetScaler
from tests.standins.systems.proofs import (
    CertificateOfConnection,
    Proof,
    SecretInForm,
    SecretInHeader,
    SignedAssertion,
)
from tests.standins.systems.system import API, WORDS, System
from tests.standins.systems.web import serve

__all__ = [
    "API",
    "CLAIMS",
    "CUSTOMER",
    "TENANT",
    "WORDS",
    "Adfs",
    "CertificateOfConnection",
    "CitrixCloudApi",
    "Entra",
    "NetScaler",
    "Proof",
    "SecretInForm",
    "SecretInHeader",
    "SignedAssertion",
    "System",
    "serve",
]
