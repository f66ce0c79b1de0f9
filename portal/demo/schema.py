"""A fresh database for each demo, copied from one that has the schema: migrating takes longer."""

import hashlib
import secrets
from datetime import datetime

import asyncpg

from parking.db.migrate import upgrade_async
from parking.db.revisions import migrations_folder
from parking.postgres import RunningServer, create_database, drop_database

_PREFIX = "demo_"
_SCHEMA_PREFIX = "schema_of_demo_"
_UNUSED = (
    "SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2 "
    "AND datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL)"
)


async def fresh_database(server: RunningServer, *, now: datetime) -> str:
    """Make a database with the newest schema and nothing in it, and let old ones go.

    Answers its name.
    """
    schema = _schema_name(now)
    await _drop_unused(server.url(), _PREFIX)
    await _drop_unused(server.url(), _SCHEMA_PREFIX, but=schema)
    if not await _exists(server.url(), schema):
        await _make_schema(server, schema)
    name = f"{_PREFIX}{now:%Y%m%d_%H%M%S_%f}"
    await create_database(server.url(), name, template=schema)
    return name


def _schema_name(now: datetime) -> str:
    """Name the migrations, to the byte, and the month, since they make its partitions."""
    made_from = hashlib.sha256()
    for path in sorted(migrations_folder().rglob("*.py")):
        made_from.update(path.read_bytes())
    return f"{_SCHEMA_PREFIX}{now:%Y%m}_{made_from.hexdigest()[:16]}"


async def _make_schema(server: RunningServer, name: str) -> None:
    """Migrate beside the place and rename: who is killed here leaves nothing half-made behind."""
    unfinished = f"{_PREFIX}{secrets.token_hex(8)}"
    await create_database(server.url(), unfinished)
    await upgrade_async(server.url(unfinished))
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    except asyncpg.DuplicateDatabaseError:
        await drop_database(server.url(), unfinished)  # another demo was quicker
    finally:
        await connection.close()


async def _exists(admin_url: str, name: str) -> bool:
    connection = await asyncpg.connect(admin_url)
    try:
        found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
    finally:
        await connection.close()
    return found is not None


async def _drop_unused(admin_url: str, prefix: str, *, but: str = "") -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch(_UNUSED, prefix, but)
    finally:
        await connection.close()
    for row in rows:
        await drop_database(admin_url, row["datname"])
