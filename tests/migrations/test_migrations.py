"""The schema: up, down and up again, equal to what the code believes, and on guard by itself."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import asyncpg
import pytest

from parking.db import migrate, partitions
from parking.db.pool import open_pool
from tests.integration.parking.world import open_world

both = pytest.mark.both_postgres


@both
def test_migrations_go_up_down_and_up_again(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    migrate.downgrade(empty_database_url, "base")
    left = asyncio.run(
        _value(
            empty_database_url,
            "select count(*) from pg_namespace where nspname in ('parking', 'billing')",
        )
    )
    assert left == 0
    migrate.upgrade(empty_database_url)


@both
def test_the_tables_in_code_are_those_of_the_migrations(database_url: str) -> None:
    migrate.check(database_url)


def test_two_processes_may_migrate_at_once(empty_database_url: str) -> None:
    program = "import sys; from parking.db.migrate import upgrade; upgrade(sys.argv[1])"
    command = [sys.executable, "-c", program, empty_database_url]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    migrate.check(empty_database_url)


@pytest.mark.parametrize(
    "table", ["lane_event", "amendment", "misread", "corrected", "tariff_version"]
)
@pytest.mark.parametrize(
    "change",
    [
        "update parking.{} set lot_id = lot_id",
        "delete from parking.{}",
        "truncate parking.{} cascade",
    ],
)
@pytest.mark.anyio
async def test_facts_refuse_to_be_changed(database_url: str, table: str, change: str) -> None:
    async with open_world(database_url) as world:
        entry = world.entered("浙A8B762")
        await world.post([entry, world.corrected(entry, "浙A88888")])
        column = "tariff_id" if table == "tariff_version" else "lot_id"
        sql = change.replace("lot_id", column)
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await world.pool.execute(sql.format(table))


@pytest.mark.anyio
async def test_each_partition_refuses_to_be_emptied(database_url: str) -> None:
    pool = await open_pool(database_url)
    try:
        names = await pool.fetch(
            "select inhrelid::regclass::text as name from pg_inherits"
            " where inhparent = 'parking.lane_event'::regclass"
        )
        assert len(names) >= 7
        for row in names:
            with pytest.raises(asyncpg.RestrictViolationError):
                await pool.execute(f"truncate {row['name']} cascade")
    finally:
        await pool.close()


@both
@pytest.mark.anyio
async def test_partitions_are_made_ahead_once(database_url: str) -> None:
    pool = await open_pool(database_url)
    try:
        async with pool.acquire() as connection:
            far = datetime(2031, 12, 15, tzinfo=UTC)
            made = await partitions.ensure(connection, now=far)
            assert made == tuple(
                f"lane_event_{month}" for month in ("2031_12", "2032_01", "2032_02", "2032_03")
            )
            assert await partitions.ensure(connection, now=far) == ()
    finally:
        await pool.close()


@pytest.mark.anyio
async def test_events_outside_the_partitions_are_kept_all_the_same(database_url: str) -> None:
    async with open_world(database_url) as world:
        world.clock.now = datetime(2035, 1, 31, 23, 59, tzinfo=UTC)
        assert (await world.post(world.entered("浙A8B762"))).status_code == 201
        stored = await world.pool.fetchval("select count(*) from parking.lane_event_default")
        assert stored == 1
        async with world.pool.acquire() as connection:
            made = await partitions.ensure(connection, now=world.clock.now)
        assert "lane_event_2035_01" not in made


_BAD_ROWS = {
    "a second open stay of a plate in a lot": """
        insert into parking.stay (stay_id, lot_id, plate, colour, state, entered_at, trace_id,
          last_seen_at, tariff_id, updated_at)
        select gen_random_uuid(), lot_id, plate, colour, state, entered_at, trace_id, last_seen_at,
          tariff_id, updated_at from parking.stay""",
    "a closed stay without a fee": "update parking.stay set state = 'closed', left_at = now()",
    "an unknown state": "update parking.stay set state = 'gone'",
    "an unknown colour": "update parking.stay set colour = 'pink'",
    "a negative fee": "update parking.stay set fee_minor = -1",
    "an unknown lot": "update parking.stay set lot_id = 'nowhere'",
    "an operator whose id is no slug": "insert into parking.operator values ('Bad Id', 'x', 'x')",
    "a lane of an unknown direction": "update parking.lane set direction = 'up'",
    "a lot with a negative size": "update parking.lot set spaces = -1",
    "a device key without a device": "update parking.api_key set device_id = null",
    "a key hash of another length": "update parking.api_key set key_sha256 = 'x'",
}


@pytest.mark.parametrize("sql", _BAD_ROWS.values(), ids=_BAD_ROWS.keys())
@pytest.mark.anyio
async def test_the_database_refuses(database_url: str, sql: str) -> None:
    async with open_world(database_url) as world:
        await world.post(world.entered("浙A8B762"))
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await world.pool.execute(sql)


async def _value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
