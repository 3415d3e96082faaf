"""Key pairs and certificates, as people put them into credentials Secrets; made once, for making costs seconds."""

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
END = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return an RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Return a key of curve P-256; another number, another key."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: PrivateKey, passphrase: bytes | None = None) -> str:
    """Return it as PKCS #8."""
    cipher = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher).decode()


@cache
def certificate(key: PrivateKey, name: str = "reports") -> x509.Certificate:
    """Return a certificate that the key has signed for itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    unsigned = x509.CertificateBuilder(subject, subject, key.public_key(), 4711, datetime(2020, 1, 1, tzinfo=UTC), END)
    return unsigned.sign(key, hashes.SHA256())


def certificate_pem(key: PrivateKey, name: str = "reports") -> str:
    """Return it as PEM."""
    return certificate(key, name).public_bytes(serialization.Encoding.PEM).decode()
