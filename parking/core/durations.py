"""Lengths of time by their number, made once: the hot path asks for the same few all the time."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_REMEMBERED: Final = 1_024
EVER: Final = datetime.min.replace(tzinfo=UTC)
"""Since ever: before all that is recorded."""


@lru_cache(maxsize=_REMEMBERED)
def seconds(count: int) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=count)


@lru_cache(maxsize=_REMEMBERED)
def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


@lru_cache(maxsize=_REMEMBERED)
def hours(count: int) -> timedelta:
    """So many hours."""
    return timedelta(hours=count)
