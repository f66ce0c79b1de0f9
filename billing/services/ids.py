"""Where billing's ids are made: once, before anything is stored or sent."""

import secrets
from datetime import datetime
from uuid import UUID

from parking.core.ids import uuid7

_RANDOM_BITS = 74


def new_id(now: datetime) -> UUID:
    """Make an id that sorts by time."""
    return uuid7(int(now.timestamp() * 1000), secrets.randbits(_RANDOM_BITS))
