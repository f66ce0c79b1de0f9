"""What billing needs of asyncpg, typed; and one transaction at a time."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import asyncpg

from parking.core.errors import DomainError
from parking.core.outages import passes_by_itself


class BooksUnavailableError(DomainError):
    """The database is stopped, full, or too busy; the same request may be sent again later."""

    retry_after_seconds = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database cannot answer now ({reason}); send the same again later")


class Row(Protocol):
    """One row of an answer."""

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - a column may be anything
        """Take a column by name."""
        ...


class Connection(Protocol):
    """A connection, usually inside a transaction."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement; answers its command tag."""
        ...

    async def executemany(self, command: str, args: Iterable[tuple[object, ...]]) -> None:
        """Run a statement for each tuple, in one go."""
        ...

    async def fetch(self, query: str, *args: object) -> list[Row]:
        """Fetch all rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Row | None:
        """Fetch the first row."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:  # noqa: ANN401 - may be anything
        """Fetch the first column of the first row."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Begin a transaction that commits at the end of its block."""
        ...


class Pool(Protocol):
    """A pool of connections, for example asyncpg's."""

    def acquire(self) -> AbstractAsyncContextManager[Any]:
        """Borrow a connection."""
        ...


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Open one connection and one transaction on it; commits at the end of the block.

    What says "not now", as opposed to "this is wrong", becomes BooksUnavailableError.
    """
    async with reading(pool) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """Open one connection for a single query, which needs no BEGIN and COMMIT around it.

    Raises BooksUnavailableError like `transaction`.
    """
    try:
        async with pool.acquire() as connection:
            yield connection
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        if _is_wrong(error):
            raise
        raise BooksUnavailableError(type(error).__name__) from error


def _is_wrong(error: Exception) -> bool:
    """Tell "this is wrong" from "not now".

    A ValueError among asyncpg's interface errors is its "this argument does not fit".
    """
    if isinstance(error, asyncpg.PostgresError):
        return not passes_by_itself(error.sqlstate)
    return isinstance(error, ValueError)


def rows_changed(command_tag: str) -> int:
    """Read the row count out of a command tag such as `UPDATE 3`."""
    return int(command_tag.rsplit(" ", 1)[-1])
