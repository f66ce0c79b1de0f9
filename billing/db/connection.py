"""What billing needs of asyncpg, typed; and one transaction at a time."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol


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
    """Open one connection and one transaction on it; commits at the end of the block."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection


def rows_changed(command_tag: str) -> int:
    """Read the row count out of a command tag such as `UPDATE 3`."""
    return int(command_tag.rsplit(" ", 1)[-1])
