"""Which database errors pass by themselves, by the driver's own list of them."""

import asyncpg
import pytest

from parking.core.outages import passes_by_itself
from parking.db.pool import UNAVAILABLE, is_unavailable


def test_a_database_that_is_away_busy_or_full_passes() -> None:
    passing = (
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.DiskFullError,
        asyncpg.TooManyConnectionsError,
        asyncpg.DeadlockDetectedError,
        asyncpg.SerializationError,
        asyncpg.LockNotAvailableError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.ConnectionDoesNotExistError,
    )
    for error in passing:
        assert passes_by_itself(error.sqlstate), error
        assert issubclass(error, UNAVAILABLE)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError,
        asyncpg.CheckViolationError,
        asyncpg.UndefinedTableError,
        asyncpg.DataError,
        asyncpg.InternalServerError,
        asyncpg.RestrictViolationError,
    ],
)
def test_what_is_wrong_stays_wrong(error: type[asyncpg.PostgresError]) -> None:
    assert not passes_by_itself(error.sqlstate)
    assert not is_unavailable(error("no"))
    assert not passes_by_itself(None)
