"""Making and dropping databases on a server."""

import asyncpg


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def create_database(admin_url: str, name: str, *, template: str | None = None) -> None:
    """Create a database, as a copy of a template where one is named (nobody may be using it)."""
    copy_of = "" if template is None else f" TEMPLATE {_quoted(template)}"
    await _execute(admin_url, f"CREATE DATABASE {_quoted(name)}{copy_of}")


async def ensure_database(admin_url: str, name: str) -> None:
    """Create a database unless it is there; two that try at once agree."""
    try:
        await create_database(admin_url, name)
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return


async def drop_database(admin_url: str, name: str) -> None:
    """Drop a database, if it is there, and turn out whoever is still connected."""
    await _execute(admin_url, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")


async def _execute(admin_url: str, statement: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
