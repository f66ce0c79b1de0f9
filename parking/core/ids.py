"""Identifiers: made where the thing happens, stored before they are sent, reused on a retry."""

from typing import NewType
from uuid import UUID

EventId = NewType("EventId", UUID)
"""A lane event's id: a UUIDv7 made on the gate box before the event is sent."""
StayId = NewType("StayId", UUID)
"""A stay's id: the id of its first fact."""
ObligationId = NewType("ObligationId", UUID)
PaymentId = NewType("PaymentId", UUID)
AccountId = NewType("AccountId", UUID)
EntryId = NewType("EntryId", UUID)

OperatorId = NewType("OperatorId", str)
LotId = NewType("LotId", str)
LaneId = NewType("LaneId", str)
DeviceId = NewType("DeviceId", str)
TariffId = NewType("TariffId", str)

SLUG_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$"
"""What operators, lots, lanes, devices and tariffs may be called: readable, safe in a path."""

_VERSION_7 = 7 << 76
_VARIANT = 2 << 62
_RANDOM_BITS = 74


def uuid7(unix_ms: int, random_bits: int) -> UUID:
    """Build a UUIDv7 (RFC 9562, 5.7) from a Unix time in milliseconds and 74 random bits."""
    if not 0 <= unix_ms < 1 << 48:
        msg = f"unix_ms must fit 48 bits, not {unix_ms}"
        raise ValueError(msg)
    rand_a, rand_b = divmod(random_bits & ((1 << _RANDOM_BITS) - 1), 1 << 62)
    return UUID(int=unix_ms << 80 | _VERSION_7 | rand_a << 64 | _VARIANT | rand_b)


def uuid7_unix_ms(value: UUID) -> int:
    """The Unix time in milliseconds that a UUIDv7 carries."""
    return value.int >> 80
