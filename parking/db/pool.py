"""Connections to PostgreSQL for hand-written SQL, and the promise that a commit is on disk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from parking.core.errors import DomainError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 30.0
_SERVER_SETTINGS = {
    # An acknowledged event must outlive the machine's power, whatever the server's default says.
    "synchronous_commit": "on",
    "timezone": "UTC",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60s",
}

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
)
"""What says "the database cannot take this now", as opposed to "this is wrong"."""


class DatabaseUnavailableError(DomainError):
    """The database is stopped, full, or too busy; the same request may be sent again later."""

    def __init__(self, reason: str, *, retry_after_s: int = 2) -> None:
        super().__init__(f"the database cannot answer now ({reason}); send the same again later")
        self.retry_after_s = retry_after_s


def unavailable(error: BaseException) -> DatabaseUnavailableError:
    """Name the reason without showing addresses or statements to the caller."""
    if isinstance(error, asyncpg.DiskFullError):
        return DatabaseUnavailableError("its disk is full", retry_after_s=30)
    return DatabaseUnavailableError(type(error).__name__)


async def open_pool(url: str, *, size_max: int = 10) -> Pool:
    """Open a pool; a server that is down raises DatabaseUnavailableError."""
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size_max,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_COMMAND_TIMEOUT_S,
            max_inactive_connection_lifetime=300,
            server_settings=_SERVER_SETTINGS,
        )
    except UNAVAILABLE as error:
        raise unavailable(error) from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One connection, one transaction; what says "not now" becomes DatabaseUnavailableError."""
    try:
        async with (
            pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            yield connection
    except UNAVAILABLE as error:
        raise unavailable(error) from error
