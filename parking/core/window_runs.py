"""A stay cut where the tariff's window changes."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from parking.core.wall_clock import wall_instant

_DAY = timedelta(days=1)


class Run(NamedTuple):
    """An unbroken time in one window."""

    window: int
    """Its place in the tariff's windows."""
    starts_at: datetime
    ends_at: datetime


def window_runs(
    starts: Sequence[int], starts_at: datetime, ends_at: datetime, zone: ZoneInfo
) -> Iterator[Run]:
    """Cut `[starts_at, ends_at)` at the windows' edges on the zone's wall clock, in order.

    `starts` are the minutes of the day at which windows begin, ascending; each lasts until the
    next one begins. Instants are UTC. A lone window is never cut, not even at midnight.
    """
    if len(starts) == 1:
        yield Run(0, starts_at, ends_at)
        return
    day, window = _window_at(starts, starts_at, zone)
    while starts_at < ends_at:
        day, following = _after(starts, day, window)
        edge = min(wall_instant(zone, day, starts[following]), ends_at)
        if edge > starts_at:
            yield Run(window, starts_at, edge)
            starts_at = edge
        window = following


def _window_at(starts: Sequence[int], instant: datetime, zone: ZoneInfo) -> tuple[date, int]:
    """Find the window that an instant is in, and the day on which that window began."""
    local = instant.astimezone(zone)
    day, window = local.date(), bisect_right(starts, local.hour * 60 + local.minute) - 1
    if window < 0:
        day, window = day - _DAY, len(starts) - 1
    # What the wall clock shows twice belongs where the first showing put the edge.
    while True:
        next_day, following = _after(starts, day, window)
        if wall_instant(zone, next_day, starts[following]) > instant:
            return day, window
        day, window = next_day, following


def _after(starts: Sequence[int], day: date, window: int) -> tuple[date, int]:
    window += 1
    return (day, window) if window < len(starts) else (day + _DAY, 0)
