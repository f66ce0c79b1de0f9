"""Monthly partitions of `lane_event`, made ahead of time by the migration and by the worker."""

from datetime import datetime, timedelta

from parking.db.pool import Connection

MONTHS_AHEAD = 3
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


def _months(now: datetime) -> tuple[datetime, ...]:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [first]
    for _ in range(MONTHS_AHEAD):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    return tuple(months)
