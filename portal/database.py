"""Which PostgreSQL to use: the one of DATABASE_URL, or the embedded one, which is kept running."""

import asyncio

import structlog

from parking.postgres import PostgresError, ensure_database, ensure_running, find_running
from portal.settings import DatabaseSettings

_LOG = structlog.get_logger("portal.database")
_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 5.0


async def database_url(settings: DatabaseSettings) -> str:
    """The address of the database; starts the embedded server and makes the database if need be.

    Raises a PostgresError when the embedded server cannot be had.
    """
    if settings.url:
        return settings.url.reveal()
    server = await asyncio.to_thread(
        ensure_running, settings.data_dir, progress=lambda text: _LOG.info(text)
    )
    await ensure_database(server.url(), settings.name)
    return server.url(settings.name)


async def keep_running(settings: DatabaseSettings) -> None:
    """Start the embedded server again whenever it has gone, until cancelled.

    Does nothing for a server of the user's own. Several processes may do this at once: starting
    is under a lock, and whoever comes second adopts what the first has started.
    """
    if settings.url:
        return
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if find_running(settings.data_dir) is not None:
            continue
        try:
            server = await asyncio.to_thread(ensure_running, settings.data_dir)
        except PostgresError as error:
            _LOG.error("the embedded PostgreSQL cannot be started again", reason=str(error))  # noqa: TRY400 - told in one line
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            _LOG.warning("the embedded PostgreSQL had gone and runs again", pid=server.pid)
