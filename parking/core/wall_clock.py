"""When a zone's wall clock shows a time: the hinge between tariff windows and instants.

Twice a year, where the clock is changed, a time is shown twice or never. A time shown twice counts
from its first showing; a time never shown counts from the moment the clock jumped over it. So the
instants of one day's times never run backwards.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_ONE_SECOND: Final = timedelta(seconds=1)


@lru_cache(maxsize=8192)
def wall_instant(zone: ZoneInfo, day: date, minute_of_day: int) -> datetime:
    """The UTC instant at which the zone's clock reaches a time of a day (0 to 1439 minutes)."""
    at = time(minute_of_day // 60, minute_of_day % 60)
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _jump(zone, before=local.replace(fold=1).astimezone(UTC), after=instant)


def _jump(zone: ZoneInfo, *, before: datetime, after: datetime) -> datetime:
    """Find the second, later than `before`, at which the clock took on the offset of `after`."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > _ONE_SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
