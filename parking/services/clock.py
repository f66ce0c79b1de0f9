"""Where services get what only the edges may read: the time, and ids that begin with it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from asyncpg.pgproto import pgproto

from parking.core.ids import uuid7

Clock: TypeAlias = Callable[[], datetime]
_RANDOM_BITS = 74
_RANDOM_BYTES = 10
_VERSION, _VARIANT = 0x70, 0x80
"""Of a UUIDv7, in the first and third byte after its time (RFC 9562, 5.7)."""


def system_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def new_id(now: datetime) -> UUID:
    """A new UUIDv7."""
    return uuid7(int(now.timestamp() * 1000), secrets.randbits(_RANDOM_BITS))


def new_ids(now: datetime, count: int) -> list[UUID]:
    """Many new UUIDv7, of one draw of random bits: the driver's own, made of bytes."""
    unix_ms = int(now.timestamp() * 1000).to_bytes(6, "big")
    drawn = bytearray(secrets.token_bytes(count * _RANDOM_BYTES))
    for start in range(0, len(drawn), _RANDOM_BYTES):
        drawn[start] = drawn[start] & 0x0F | _VERSION
        drawn[start + 2] = drawn[start + 2] & 0x3F | _VARIANT
    return [
        pgproto.UUID(unix_ms + drawn[start : start + _RANDOM_BYTES])
        for start in range(0, len(drawn), _RANDOM_BYTES)
    ]
