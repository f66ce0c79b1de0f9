"""Our names of things at WeChat: letters and digits only, at most 32, and unique to a merchant.

A name holds the id of what it names, so that a notification leads back to it. Pure.
"""

from base64 import b32decode, b32encode
from uuid import UUID

_LETTERS = 26
"""Of a UUID's 128 bits in base 32, without padding."""
_PADDING = "======"


def out_trade_no(payment_id: UUID, attempt: int) -> str:
    """Name an order: a new attempt after a definite failure is a new order."""
    return f"{_named(payment_id)}{attempt:04d}"


def payment_of(name: str) -> UUID | None:
    """Read which payment an order is for; None where it is none of ours."""
    return _read(name) if name[_LETTERS:].isdecimal() else None


def out_refund_no(refund_id: UUID) -> str:
    """Name a refund."""
    return f"{_named(refund_id)}R"


def refund_of(name: str) -> UUID | None:
    """Read which refund it is; None where it is none of ours."""
    return _read(name) if name[_LETTERS:] == "R" else None


def out_parking_no(registration_id: UUID) -> str:
    """Name a registered stay."""
    return f"{_named(registration_id)}P"


def registration_of(name: str) -> UUID | None:
    """Read which registration it is; None where it is none of ours."""
    return _read(name) if name[_LETTERS:] == "P" else None


def _named(it: UUID) -> str:
    return b32encode(it.bytes).decode().rstrip("=")


def _read(name: str) -> UUID | None:
    try:
        return UUID(bytes=b32decode(name[:_LETTERS] + _PADDING))
    except ValueError:
        return None
