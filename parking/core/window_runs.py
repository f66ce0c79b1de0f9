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
    day, window = _shown_at(starts, starts_at, zone)
    while starts_at < ends_at:
        day, following = (day, window + 1) if window + 1 < len(starts) else (day + _DAY, 0)
        edge = wall_instant(zone, day, starts[following])
        # An edge that has passed is one that the wall clock shows for the second time.
        if edge > starts_at:
            yield Run(window, starts_at, min(edge, ends_at))
            starts_at = edge
        window = following


def _shown_at(starts: Sequence[int], instant: datetime, zone: ZoneInfo) -> tuple[date, int]:
    """Find the window that the wall clock shows at an instant, and the day on which it began."""
    local = instant.astimezone(zone)
    window = bisect_right(starts, local.hour * 60 + local.minute) - 1
    return (local.date(), window) if window >= 0 else (local.date() - _DAY, len(starts) - 1)
