"""Bring a database to the newest schema, from a clone of the project or from an installed wheel."""

import asyncio
import threading

from alembic import command
from alembic.config import Config

from parking.db.revisions import migrations_folder

_ONE_AT_A_TIME = threading.Lock()
"""alembic keeps its context in globals. Between processes env.py takes a lock in the database."""


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration without a file, so that it works from anywhere."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate up. Blocks; several processes and threads may call it at once.

    Not from inside an event loop: see `upgrade_async`.
    """
    with _ONE_AT_A_TIME:
        command.upgrade(alembic_config(database_url), revision)


async def upgrade_async(database_url: str) -> None:
    """Migrate up from inside an event loop."""
    await asyncio.to_thread(upgrade, database_url)


def downgrade(database_url: str, revision: str) -> None:
    """Migrate down to a revision, or to `base`, which removes everything."""
    with _ONE_AT_A_TIME:
        command.downgrade(alembic_config(database_url), revision)


def check(database_url: str) -> None:
    """Raise when the tables that the code believes in differ from what the migrations made."""
    with _ONE_AT_A_TIME:
        command.check(alembic_config(database_url))
