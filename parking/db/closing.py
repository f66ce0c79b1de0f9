"""Letting go of connections, whatever has become of the server at their other end."""

import asyncio

import structlog

from parking.db.pool import Pool

_LOG = structlog.get_logger("parking.db")
_SECONDS = 5.0


async def close_pool(pool: Pool, *, seconds: float = _SECONDS) -> None:
    """Close a pool; what a server does not let go of in this time is cut off.

    asyncpg says goodbye on each connection and waits for the server to hang up: one that is frozen,
    or cut off by its network, never does.
    """
    try:
        async with asyncio.timeout(seconds):
            await pool.close()
    except TimeoutError:
        _LOG.warning("the database does not let go: its connections are cut off", seconds=seconds)
    except OSError as error:
        _LOG.warning("the database was gone before its connections", reason=str(error))
