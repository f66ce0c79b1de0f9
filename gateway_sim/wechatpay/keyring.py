"""The keys of both sides: made once, then kept with the state or in a folder.

Times of validity are real, since the merchant's library compares certificates with its own clock.
"""

import datetime as dt
import secrets
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from parking.core.errors import DomainError

_KEY_BITS = 2048
_CERTIFICATE_DAYS = 5 * 365
_FILE = "credentials.json"


class KeysError(DomainError):
    """The folder of keys cannot be read or written."""

    def __init__(self, folder: Path, reason: object) -> None:
        super().__init__(f"cannot use the keys in {folder}: {reason}")


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A key with the certificate over it, both as PEM."""

    serial_no: str
    """40 hexadecimal digits, upper case."""
    private_key: str
    certificate: str


class Keyring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the merchant is, and the keys of merchant and platform."""

    mchid: str = "1900000001"
    appid: str = "wxcbda96de0b165486"
    sub_mchid: str = "1900000109"
    sub_appid: str = "wxcbda96de0b165489"
    apiv3_key: str
    """32 characters that notifications and certificates are encrypted with."""
    merchant: Certificate
    platform: tuple[Certificate, ...]
    """Platform certificates, oldest first; the newest signs."""
    public_key_id: str
    public_key_private: str
    """The private half of the platform's public key (the newer way, without certificates)."""

    def rotated(self) -> "Keyring":
        """With a new platform certificate; the one before stays in the list for now."""
        return msgspec.structs.replace(
            self, platform=(*self.platform[-1:], make_certificate("Tenpay.com Root CA"))
        )


def make_key() -> str:
    """A new private key as PEM."""
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return _private_pem(key)


def _private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def load_key(pem: str) -> RSAPrivateKey:
    """Read a private key."""
    # The key is the simulator's own making: whether its primes are prime is not asked each time,
    # which takes longer than everything else at the start.
    key = serialization.load_pem_private_key(
        pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, RSAPrivateKey):
        msg = "the key is no RSA key"
        raise TypeError(msg)
    return key


def public_pem(private: str) -> str:
    """The public half of a private key."""
    return (
        load_key(private)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def make_certificate(common_name: str) -> Certificate:
    """A new key, certified by itself, valid from yesterday for five years."""
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    serial = secrets.randbits(156) | 1 << 156
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    begin = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=_CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        serial_no=f"{serial:040X}",
        private_key=_private_pem(key),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


def make_keyring() -> Keyring:
    """New keys for everybody."""
    return Keyring(
        apiv3_key=secrets.token_hex(16),
        merchant=make_certificate("1900000001"),
        platform=(make_certificate("Tenpay.com Root CA"),),
        public_key_id=f"PUB_KEY_ID_01{secrets.randbelow(10**30):030d}",
        public_key_private=make_key(),
    )


def keyring_in(folder: Path) -> Keyring:
    """The keys of a folder, made there when there are none.

    Raises KeysError.
    """
    try:
        if (folder / _FILE).is_file():
            return msgspec.json.decode((folder / _FILE).read_bytes(), type=Keyring)
        made = make_keyring()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_keyring(folder, made)
    except (OSError, msgspec.DecodeError) as error:
        raise KeysError(folder, error) from error
    return made


def write_keyring(folder: Path, keyring: Keyring) -> None:
    """Write everything as one file, and beside it each part that a merchant configures."""
    parts = {
        _FILE: msgspec.json.format(msgspec.json.encode(keyring), indent=2).decode(),
        "merchant_key.pem": keyring.merchant.private_key,
        "merchant_certificate.pem": keyring.merchant.certificate,
        "platform_certificate.pem": keyring.platform[-1].certificate,
        "platform_public_key.pem": public_pem(keyring.public_key_private),
    }
    for name, text in parts.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
