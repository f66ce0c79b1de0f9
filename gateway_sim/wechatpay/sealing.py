"""Signatures and encryption as WeChat Pay's API v3 has them."""

import base64
import binascii
import re
import secrets
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from gateway_sim.wechatpay.errors import SignError
from gateway_sim.wechatpay.keyring import Keyring, load_key, make_key
from gateway_sim.wechatpay.moments import rfc3339
from gateway_sim.wire import JsonObject, Request

SCHEME = "WECHATPAY2-SHA256-RSA2048"
AEAD = "AEAD_AES_256_GCM"
PROBE = "WECHATPAY/SIGNTEST/"
"""How signatures begin that WeChat sends to see whether anybody looks at them."""
WINDOW_S = 300
"""How far the time of a signature may be off."""
NONCE_BYTES = 12
SignedWith: TypeAlias = Literal["public_key", "certificate"]
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_FIELDS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


class Keys:
    """The keyring, ready for use."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._merchant = load_key(keyring.merchant.private_key).public_key()
        self._public_key = load_key(keyring.public_key_private)
        self._platform = {one.serial_no: load_key(one.private_key) for one in keyring.platform}
        self._forger: RSAPrivateKey | None = None

    def rotate(self) -> None:
        """Have a new platform certificate sign from now on."""
        self.keyring = self.keyring.rotated()
        for one in self.keyring.platform:
            self._platform.setdefault(one.serial_no, load_key(one.private_key))

    def check(self, request: Request, *, now: int) -> str:
        """Who signed a request: the merchant's number.

        Raises SignError.
        """
        given = _fields_of(request.headers.get("authorization", ""))
        if given["mchid"] != self.keyring.mchid:
            msg = "商户号不存在"
            raise SignError(msg, detail=_issue("mchid"))
        if given["serial_no"].upper() != self.keyring.merchant.serial_no:
            msg = "商户证书序列号有误。请使用签名私钥匹配的证书序列号"
            raise SignError(msg, detail=_issue("serial_no"))
        if not given["timestamp"].isdecimal() or abs(int(given["timestamp"]) - now) > WINDOW_S:
            msg = "Http头Authorization值格式错误或时间戳过期，请检查系统时间"
            raise SignError(msg, detail=_issue("timestamp"))
        target = request.raw_path + (f"?{request.query}" if request.query else "")
        head = (request.method, target, given["timestamp"], given["nonce_str"])
        text = "".join(f"{part}\n" for part in head).encode() + request.body + b"\n"
        if not self._is_merchants(text, given["signature"]):
            msg = "签名错误，请检查后再试"
            raise SignError(msg, detail={**_issue("signature"), "signed": text.decode("latin-1")})
        return given["mchid"]

    def _is_merchants(self, text: bytes, signature: str) -> bool:
        try:
            signed = base64.b64decode(signature, validate=True)
            self._merchant.verify(signed, text, PKCS1v15(), SHA256())
        except (binascii.Error, InvalidSignature):
            return False
        return True

    def headers(self, body: bytes, *, signed_with: SignedWith, at: int) -> dict[str, str]:
        """The headers that prove an answer or a notification to be the platform's."""
        if signed_with == "public_key":
            return _headers(body, self._public_key, serial=self.keyring.public_key_id, at=at)
        newest = self.keyring.platform[-1].serial_no
        return _headers(body, self._platform[newest], serial=newest, at=at)

    def forged_headers(self, body: bytes, *, signed_with: SignedWith, at: int) -> dict[str, str]:
        """Headers under the platform's serial number, signed by somebody else."""
        if self._forger is None:
            self._forger = load_key(make_key())
        genuine = self.headers(body, signed_with=signed_with, at=at)
        return _headers(body, self._forger, serial=genuine["Wechatpay-Serial"], at=at)

    def retired_headers(self, body: bytes, *, at: int) -> dict[str, str]:
        """Headers signed with a platform certificate that is in no list any more."""
        if self._forger is None:
            self._forger = load_key(make_key())
        return _headers(body, self._forger, serial=f"{0xDEAD:040X}", at=at)

    def certificates(self) -> list[JsonObject]:
        """The platform certificates as the merchant downloads them, encrypted."""
        return [
            {
                "serial_no": one.serial_no,
                **_validity(one.certificate),
                "encrypt_certificate": encrypt(
                    one.certificate.encode(), key=self.keyring.apiv3_key, about="certificate"
                ),
            }
            for one in self.keyring.platform
        ]

    def for_merchant(self, secret: str) -> str:
        """A secret that only the merchant's private key opens."""
        mask = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303
        return base64.b64encode(self._merchant.encrypt(secret.encode(), mask)).decode()


def _validity(pem: str) -> dict[str, str]:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return {
        "effective_time": rfc3339(certificate.not_valid_before_utc.timestamp()),
        "expire_time": rfc3339(certificate.not_valid_after_utc.timestamp()),
    }


def encrypt(text: bytes, *, key: str, about: str) -> JsonObject:
    """Encrypt for whoever has the key of 32 characters."""
    nonce = secrets.token_hex(NONCE_BYTES // 2)
    sealed = AESGCM(key.encode()).encrypt(nonce.encode(), text, about.encode())
    return {
        "algorithm": AEAD,
        "nonce": nonce,
        "associated_data": about,
        "ciphertext": base64.b64encode(sealed).decode(),
    }


def as_probe(headers: dict[str, str]) -> dict[str, str]:
    """With a signature that does not verify, marked as a test of the receiver."""
    return {**headers, "Wechatpay-Signature": PROBE + headers["Wechatpay-Signature"][len(PROBE) :]}


def _headers(body: bytes, key: RSAPrivateKey, *, serial: str, at: int) -> dict[str, str]:
    nonce = secrets.token_hex(16)
    signed = key.sign(f"{at}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    return {
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature": base64.b64encode(signed).decode(),
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": str(at),
    }


def _fields_of(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    given = dict(_FIELD.findall(rest))
    if scheme != SCHEME or given.keys() != _FIELDS:
        msg = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
        raise SignError(msg, detail=_issue("authorization"))
    return given


def _issue(field: str) -> JsonObject:
    return {"location": "authorization", "field": field, "issue": "sign not match"}


def secret_of_32() -> str:
    """A key of 32 characters, for one file."""
    return secrets.token_hex(16)
