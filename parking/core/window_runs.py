"""A stay cut where the tariff's window changes."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
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
    starts: Sequence[int], starts_at: datetime, ends_at: datetime, shown: datetime
) -> list[Run]:
    """Cut `[starts_at, ends_at)` at the windows' edges on a zone's wall clock, in order.

    `starts` are the minutes of the day at which windows begin, ascending; each lasts until the
    next one begins. Instants are UTC; `shown` is the first one on the zone's wall clock. A lone
    window is never cut, not even at midnight.
    """
    if len(starts) == 1:
        return [Run(0, starts_at, ends_at)]
    zone = shown.tzinfo
    assert isinstance(zone, ZoneInfo)  # noqa: S101 - a tariff's own zone
    window = bisect_right(starts, shown.hour * 60 + shown.minute) - 1
    day = shown.date()
    if window < 0:
        day, window = day - _DAY, len(starts) - 1
    runs: list[Run] = []
    while starts_at < ends_at:
        following = window + 1
        if following == len(starts):
            day, following = day + _DAY, 0
        edge = wall_instant(zone, day, starts[following])
        # An edge that has passed is one that the wall clock shows for the second time.
        if edge > starts_at:
            if edge >= ends_at:
                runs.append(Run(window, starts_at, ends_at))
                break
            runs.append(Run(window, starts_at, edge))
            starts_at = edge
        window = following
    return runs
