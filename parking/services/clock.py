"""Where services get what only the edges may read: the time, and ids that begin with it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from parking.core.ids import uuid7

Clock: TypeAlias = Callable[[], datetime]
_RANDOM_BITS = 74


def system_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def new_id(now: datetime) -> UUID:
    """A new UUIDv7."""
    return uuid7(int(now.timestamp() * 1000), secrets.randbits(_RANDOM_BITS))
