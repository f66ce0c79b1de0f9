"""Bring a database to the newest schema, from a clone of the project or from an installed wheel.

alembic takes seconds to import, so it is imported only where there is something to do.
"""

import asyncio
import threading
from typing import TYPE_CHECKING

import asyncpg

from parking.db.revisions import migrations_folder, newest_revision

if TYPE_CHECKING:
    from alembic.config import Config

_ONE_AT_A_TIME = threading.Lock()
"""alembic keeps its context in globals. Between processes env.py takes a lock in the database."""


def alembic_config(database_url: str) -> "Config":
    """Alembic's configuration without a file, so that it works from anywhere."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate up. Blocks; several processes and threads may call it at once.

    Not from inside an event loop: see `upgrade_async`.
    """
    from alembic import command

    with _ONE_AT_A_TIME:
        command.upgrade(alembic_config(database_url), revision)


async def upgrade_async(database_url: str) -> None:
    """Migrate up from inside an event loop; a quick look where nothing is to be done."""
    if await _revision(database_url) != newest_revision():
        await asyncio.to_thread(upgrade, database_url)


async def _revision(database_url: str) -> str | None:
    """Ask which revision a database is at; None for one without our schema."""
    connection = await asyncpg.connect(database_url)
    try:
        found: str | None = await connection.fetchval(
            "select version_num from public.alembic_version"
        )
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found


def downgrade(database_url: str, revision: str) -> None:
    """Migrate down to a revision, or to `base`, which removes everything."""
    from alembic import command

    with _ONE_AT_A_TIME:
        command.downgrade(alembic_config(database_url), revision)


def check(database_url: str) -> None:
    """Raise when the tables that the code believes in differ from what the migrations made."""
    from alembic import command

    with _ONE_AT_A_TIME:
        command.check(alembic_config(database_url))
