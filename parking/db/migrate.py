"""Bring a database to the newest schema, from a clone of the project or from an installed wheel."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from parking.core.errors import DomainError

_CLONE = Path(__file__).resolve().parents[2] / "alembic"
_ONE_AT_A_TIME = threading.Lock()
"""alembic keeps its context in globals. Between processes env.py takes a lock in the database."""
_INSTALLED = Path(sys.prefix) / "share" / "leave-first" / "alembic"


class MigrationsNotFoundError(DomainError):
    """The folder with the migrations is neither in the clone nor beside the installed wheel."""

    def __init__(self, places: Sequence[Path]) -> None:
        super().__init__(f"no migrations found in {' or '.join(map(str, places))}")


def migrations_folder() -> Path:
    """Find the folder that holds env.py and versions/."""
    for folder in (_CLONE, _INSTALLED):
        if (folder / "env.py").is_file():
            return folder
    raise MigrationsNotFoundError((_CLONE, _INSTALLED))


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


@cache
def newest_revision() -> str:
    """The revision that `upgrade` brings a database to."""
    head = ScriptDirectory.from_config(alembic_config("")).get_current_head()
    if head is None:
        raise MigrationsNotFoundError((migrations_folder(),))
    return head
