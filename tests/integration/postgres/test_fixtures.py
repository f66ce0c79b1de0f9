"""The databases that all other tests stand on."""

import asyncpg
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.both_postgres
async def test_each_test_gets_an_empty_database_of_its_own(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        tables = await connection.fetchval(
            "SELECT count(*) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        await connection.execute("CREATE TABLE left_behind ()")
    finally:
        await connection.close()
    assert tables == 0


@pytest.mark.both_postgres
async def test_another_test_does_not_see_it(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        seen = await connection.fetchval("SELECT to_regclass('left_behind')")
    finally:
        await connection.close()
    assert seen is None
