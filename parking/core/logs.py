"""Masking for logs: plates, phone numbers, cards and secrets never leave the process in clear.

A structlog processor is a plain function over an event's dictionary, so this one is pure. It looks
into nested values and into the middle of texts, because an exception's message or an address gives
away as much as a field does. It goes last, just before the renderer.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from parking.core.plate import mask_plate

MASK = "***"
_DEPTH_MAX = 12

_SECRET_FIELD = re.compile(
    r"(^|_)(key|token|secret|password|passwd|authorization|cookie|signature|cvc)s?$", re.IGNORECASE
)
_HARMLESS_FIELDS = frozenset({"idempotency_key"})
_PLATE_FIELD = re.compile(r"(^|_)plates?$", re.IGNORECASE)
_PHONE_FIELD = re.compile(r"(^|_)(phone|mobile)s?$", re.IGNORECASE)

_SEPARATOR = r"[\s·•・.\-_]?"
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]"
    rf"{_SEPARATOR}[A-Za-z]{_SEPARATOR}[0-9A-Za-z]{{4,6}}[学警港澳挂领使]?(?![0-9A-Za-z])"
)
_PHONE = re.compile(
    r"(?<![0-9A-Za-z-])((?:\+?86[\s-]?)?1[3-9]\d)[\s-]?\d{4}[\s-]?(\d{4})(?![0-9A-Za-z])"
)
_FOREIGN_PHONE = re.compile(r"(?<![0-9A-Za-z])(\+\d{1,3})[\s-]?(?:\d[\s-]?){5,10}(\d{2})(?!\d)")
_CARD = re.compile(r"(?<![0-9A-Za-z-])(?:\d[ -]?){12,18}\d(?![0-9A-Za-z])")
_CREDENTIALS = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_GATEWAY_SECRET = re.compile(r"\b(sk|rk|whsec)_[A-Za-z0-9_]{6,}")
_ADDRESS_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")

Event = MutableMapping[str, Any]


def mask_event(_logger: object, _method: str, event: Event) -> Event:
    """Mask a whole event (a structlog processor)."""
    return {name: mask_value(value, field=name) for name, value in event.items()}


def mask_value(value: object, *, field: str = "", depth: int = 0) -> object:
    """Mask a value, given the name of the field it is in; containers are copied, never changed."""
    if value is None or isinstance(value, (bool, int, float)):
        return MASK if _is_secret(field) and value is not None else value
    if depth > _DEPTH_MAX:
        return "…"
    if isinstance(value, Mapping):
        return {
            mask_text(str(name)): mask_value(inner, field=str(name), depth=depth + 1)
            for name, inner in cast("Mapping[object, object]", value).items()
        }
    if isinstance(value, (Sequence, AbstractSet)) and not isinstance(
        value, (str, bytes, bytearray)
    ):
        items = cast("Sequence[object]", value)
        return [mask_value(inner, field=field, depth=depth + 1) for inner in items]
    return _mask_leaf(value, field)


def _mask_leaf(value: object, field: str) -> str:
    text = _as_text(value)
    if _is_secret(field):
        return MASK if text else ""
    if _PLATE_FIELD.search(field):
        return mask_plate(text)
    if _PHONE_FIELD.search(field):
        return mask_phone(text)
    return text if isinstance(value, (UUID, date, timedelta)) else mask_text(text)


def _as_text(value: object) -> str:
    """Write a value as text; what a renderer would show by repr is masked as that."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (str, UUID, date, timedelta, Path, BaseException)):
        return str(value)
    return repr(value)


def _is_secret(field: str) -> bool:
    return field not in _HARMLESS_FIELDS and _SECRET_FIELD.search(field) is not None


def mask_phone(text: str) -> str:
    """Keep the first three digits (and the country) and the last two or four."""
    masked = mask_text(text)
    if masked != text:
        return masked
    return MASK if len(text) <= len("1380013") else f"{text[:3]}****{text[-2:]}"


def mask_text(text: str) -> str:
    """Mask what looks like a plate, a phone or card number, or a secret inside a text."""
    text = _ADDRESS_PASSWORD.sub(rf"\1:{MASK}@", text)
    text = _CREDENTIALS.sub(rf"\1 {MASK}", text)
    text = _GATEWAY_SECRET.sub(rf"\1_{MASK}", text)
    text = _PLATE.sub(lambda found: mask_plate(found[0]), text)
    text = _PHONE.sub(r"\1****\2", text)
    text = _CARD.sub(lambda found: _mask_card(found[0]), text)
    return _FOREIGN_PHONE.sub(r"\1****\2", text)


def _mask_card(text: str) -> str:
    """Mask a card number but for its last four digits; other long numbers stay."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [
        digit if place % 2 == 0 else (2 * digit) // 10 + (2 * digit) % 10
        for place, digit in enumerate(reversed(digits))
    ]
    return f"****{text[-4:]}" if sum(doubled) % 10 == 0 else text
