"""Which PostgreSQL to use: the one of DATABASE_URL, or the embedded one, which is kept running."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import asyncpg
import structlog

from parking.core.errors import DomainError
from parking.db.pool import UNAVAILABLE
from parking.postgres import PostgresError, ensure_database, ensure_running, find_running
from portal.settings import DatabaseSettings

_LOG = structlog.get_logger("portal.database")
_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 2.0
_CONNECT_TIMEOUT_SECONDS = 5.0
_VERSION_MIN = 15


class DatabaseUnreachableError(DomainError):
    """Nobody answers at the database's address, or it does not let us in."""

    def __init__(self, url: str, reason: str) -> None:
        parts = urlsplit(url)
        where = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
        super().__init__(f"the database at {where} cannot be reached: {reason} (DATABASE_URL)")


class DatabaseTooOldError(DomainError):
    """The server is older than the oldest that has what we use."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"the database is PostgreSQL {version}; version {_VERSION_MIN} or later is needed"
        )


def _tell(text: str) -> None:
    _LOG.info(text)


async def database_url(settings: DatabaseSettings) -> str:
    """The address of the database; starts the embedded server and makes the database if need be.

    Raises a PostgresError when the embedded server cannot be had.
    """
    if settings.url:
        return settings.url.reveal()
    server = await asyncio.to_thread(ensure_running, settings.data_dir, progress=_tell)
    await ensure_database(server.url(), settings.name)
    return server.url(settings.name)


async def require_reachable(url: str) -> None:
    """Raise DatabaseUnreachableError or DatabaseTooOldError unless the server can be used."""
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_SECONDS)
    except (*UNAVAILABLE, asyncpg.PostgresError, ValueError) as error:
        raise DatabaseUnreachableError(url, str(error) or type(error).__name__) from None
    try:
        major = connection.get_server_version().major
    finally:
        await connection.close()
    if major < _VERSION_MIN:
        raise DatabaseTooOldError(major)


async def ready_database(settings: DatabaseSettings) -> str:
    """The address of a database that answers.

    The embedded one belongs to this project alone, so it is migrated on the way; a server of the
    user's own is migrated when they say so (`parking migrate`).
    """
    url = await database_url(settings)
    await require_reachable(url)
    if not settings.url:
        from parking.db.migrate import upgrade_async

        await upgrade_async(url)
    return url


async def keep_running(
    settings: DatabaseSettings, *, say: Callable[[str], None] | None = None
) -> None:
    """Start the embedded server again whenever it has gone, until cancelled.

    Does nothing for a server of the user's own. Several processes may do this at once: starting
    is under a lock, and whoever comes second adopts what the first has started. The port stays
    the same, because the connections' address does.
    """
    if settings.url:
        return
    port: int | None = None
    while True:
        server = await asyncio.to_thread(find_running, settings.data_dir)
        if server is None:
            try:
                server = await asyncio.to_thread(ensure_running, settings.data_dir, port=port)
            except PostgresError as error:
                _LOG.warning("the embedded PostgreSQL cannot be started", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            _LOG.warning("the embedded PostgreSQL had gone and runs again", pid=server.pid)
            if say is not None:
                say("PostgreSQL had gone and runs again")
        port = server.port
        await asyncio.sleep(_LOOK_SECONDS)
