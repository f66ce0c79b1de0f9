"""How alembic reaches the database: one connection, one transaction a migration, one at a time."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, ForeignKeyConstraint, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import SchemaItem

from billing.db.tables import METADATA as BILLING
from parking.db.tables import METADATA as PARKING
from parking.db.url import sqlalchemy_url

_ONE_AT_A_TIME = 7_201_000_001
"""Advisory lock: several processes may start and migrate at once."""


_PARTITION = "lane_event_"


def _include_object(
    item: SchemaItem, name: str | None, type_: str, reflected: bool, _compare_to: object
) -> bool:
    """Leave the monthly partitions out of comparisons: they come and go with the calendar.

    PostgreSQL also lists a foreign key to a partitioned table once for each of its partitions.
    """
    if isinstance(item, ForeignKeyConstraint):
        return not item.elements[0].target_fullname.startswith(f"parking.{_PARTITION}")
    return not (type_ == "table" and reflected and (name or "").startswith(_PARTITION))


def _database_url() -> str:
    url = context.config.attributes.get("database_url") or os.environ.get("DATABASE_URL")
    if not url:
        msg = "set DATABASE_URL, for example postgresql://user@localhost:5432/parking"
        raise SystemExit(msg)
    return sqlalchemy_url(str(url))


def _migrate(connection: Connection) -> None:
    # A role named `parking` would have the schema of that name in front, and tables without one.
    connection.execute(text("set search_path = public"))
    connection.execute(text("select pg_advisory_lock(:key)"), {"key": _ONE_AT_A_TIME})
    connection.commit()
    connection.dialect.default_schema_name = "public"
    context.configure(
        connection=connection,
        target_metadata=[PARKING, BILLING],
        include_schemas=True,
        include_object=_include_object,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _ONE_AT_A_TIME})
    connection.commit()


async def _run() -> None:
    engine = create_async_engine(_database_url(), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(url=_database_url(), target_metadata=[PARKING, BILLING], literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(_run())
