"""Connections to PostgreSQL for hand-written SQL, and the promise that a commit is on disk."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from parking.core.errors import DomainError
from parking.core.outages import passes_by_itself

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
    asyncpg.InterfaceError,
    *(
        error
        for error in vars(asyncpg).values()
        if isinstance(error, type)
        and issubclass(error, asyncpg.PostgresError)
        and passes_by_itself(getattr(error, "sqlstate", None))
    ),
)
"""What a database raises that is stopped, full, or too busy. See `is_unavailable`."""


class DatabaseUnavailableError(DomainError):
    """The database is stopped, full, or too busy; the same request may be sent again later."""

    def __init__(self, reason: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(f"the database cannot answer now ({reason}); send the same again later")
        self.retry_after_seconds = retry_after_seconds


def is_unavailable(error: BaseException) -> bool:
    """Tell "the database cannot take this now" from "this is wrong".

    A ValueError among asyncpg's interface errors is its "this argument does not fit".
    """
    return isinstance(error, UNAVAILABLE) and not isinstance(error, ValueError)


def unavailable(error: BaseException) -> DatabaseUnavailableError:
    """Name the reason without showing addresses or statements to the caller."""
    if isinstance(error, asyncpg.DiskFullError):
        return DatabaseUnavailableError("its disk is full", retry_after_seconds=30)
    return DatabaseUnavailableError(type(error).__name__)


async def open_pool(url: str, *, size_max: int = 10) -> Pool:
    """Open a pool; a server that is down raises DatabaseUnavailableError."""
    with _translated():
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size_max,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_COMMAND_TIMEOUT_S,
            server_settings=_SERVER_SETTINGS,
            reset=_reset,
        )


async def _reset(connection: Connection) -> None:
    """Spare the usual round trip on release: nothing here changes a session's state.

    A connection that comes back in the middle of a transaction has lost its server: away with it.
    """
    if connection.is_in_transaction():
        connection.terminate()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise unavailable(error) from error
        raise


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """A connection without a transaction; "not now" becomes DatabaseUnavailableError."""
    with _translated():
        async with pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
            yield connection


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One connection, one transaction; "not now" becomes DatabaseUnavailableError."""
    with _translated():
        async with (
            pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            yield connection


@asynccontextmanager
async def transaction_begun_with(pool: Pool, statements: str) -> AsyncIterator[Connection]:
    """A transaction whose first statements go over the wire together with its beginning.

    They take no parameters and their answers are not read. "Not now" becomes
    DatabaseUnavailableError.
    """
    with _translated():
        async with pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
            try:
                await connection.execute(f"begin; {statements}")
                yield connection
                await connection.execute("commit")
            except BaseException:
                await _roll_back(connection)
                raise


async def _roll_back(connection: Connection) -> None:
    """Leave a transaction that failed; a connection that cannot even do that is of no use."""
    try:
        if connection.is_in_transaction():
            await connection.execute("rollback")
    except Exception:  # noqa: BLE001 - the error that brought us here is the one to tell
        connection.terminate()
