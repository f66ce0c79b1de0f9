"""Where services get what only the edges may read: the time, and ids that begin with it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from parking.core.ids import uuid7

Clock: TypeAlias = Callable[[], datetime]
_RANDOM_BITS = 74
_RANDOM_BYTES = 10


def system_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def new_id(now: datetime) -> UUID:
    """A new UUIDv7."""
    return uuid7(int(now.timestamp() * 1000), secrets.randbits(_RANDOM_BITS))


def new_ids(now: datetime, count: int) -> list[UUID]:
    """Many new UUIDv7, of one draw of random bits."""
    unix_ms = int(now.timestamp() * 1000)
    drawn = secrets.token_bytes(count * _RANDOM_BYTES)
    return [
        uuid7(unix_ms, int.from_bytes(drawn[start : start + _RANDOM_BYTES], "big"))
        for start in range(0, len(drawn), _RANDOM_BYTES)
    ]
