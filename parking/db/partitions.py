"""Monthly partitions of `lane_event`, made ahead of time by the migration and by the worker."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from parking.core.ids import uuid7_unix_ms
from parking.db.pool import Connection

MONTHS_AHEAD = 3
_SECOND_MS: Final = 1_000
_NAMED_UNTIL: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp() * _SECOND_MS
_LOCK_TIMEOUT = "set local lock_timeout = '2s'"
_ENSURE = "select parking.ensure_lane_event_partition($1)"


async def ensure(connection: Connection, *, now: datetime) -> tuple[str, ...]:
    """Make what is missing of this month's and the next months' partitions; answer the new ones.

    Events beyond them go to the default partition, so a late call costs speed, not events. Waits
    at most 2 s for running transactions: asyncpg's LockNotAvailableError means "try again later".
    """
    made: list[str] = []
    for month in _months(now):
        async with connection.transaction():
            await connection.execute(_LOCK_TIMEOUT)
            name = await connection.fetchval(_ENSURE, month)
        if name is not None:
            made.append(name)
    return tuple(made)


def common_partition(first: UUID, last: UUID) -> str | None:
    """The month's partition that ids between these two belong to, if it is there and one.

    COPY into the partition itself writes many rows at once; into its parent, which has a trigger
    for statements, one by one.
    """
    if uuid7_unix_ms(last) >= _NAMED_UNTIL:
        return None
    months = {
        datetime.fromtimestamp(uuid7_unix_ms(each) // _SECOND_MS, UTC).strftime("%Y_%m")
        for each in (first, last)
    }
    return f"lane_event_{months.pop()}" if len(months) == 1 else None


def _months(now: datetime) -> tuple[datetime, ...]:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [first]
    for _ in range(MONTHS_AHEAD):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    return tuple(months)
