"""A seed lives the same month again: every act, every fault, every row, down to ids and times.

That is what a failure's seed is worth. Whatever may differ between two runs is named here, and
nowhere else.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest

from parking.postgres import RunningServer, drop_database
from tests.conftest import run_in_own_loop
from tests.seeds import fresh_seed
from tests.simulation.month import Month
from tests.simulation.month_world import MonthWorld, Simulators, open_month

pytestmark = pytest.mark.anyio

MAY_DIFFER = {
    ("driver_token", "token_sha256"),
    ("phone_code", "code_hash"),
    ("phone_code", "salt"),
}
"""Secrets: (table, column). Beside them only the simulators' ports, which are any free ones."""
DAYS = int(os.environ.get("SIMULATION_DAYS", "2"))
_TABLES = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'billing' AND table_type = 'BASE TABLE' GROUP BY table_name ORDER BY table_name
"""
Databases = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def fresh_database(postgres_server: RunningServer, postgres_servers: Any) -> Databases:
    template = postgres_servers.migrated_template("embedded")

    @contextmanager
    def make() -> Iterator[str]:
        name = postgres_servers.new_database(postgres_server, template)
        yield postgres_server.url(name)
        run_in_own_loop(lambda: drop_database(postgres_server.url(), name))

    return make


async def lived(database_url: str, seed: int) -> dict[str, list[str]]:
    """A day of everything, the night and the reports after it, and all that is known then."""
    with closing(Simulators(seed, None)) as simulators:
        async with open_month(database_url, simulators, seed, payout_minimum_minor=1_000) as world:
            month = Month(world, seed)
            await month.begin()
            world.faults()
            for _ in range(DAYS):
                await month.day()
            await month.pass_time(hours=31)
            await world.drain()
            found = [*await world.reconcile(), *await world.reconcile_wechat()]
            return {
                "acts": month.story,
                "faults": _struck(world),
                "truth": _truth(world),
                "findings": [repr(each) for each in found],
                **await _rows(world),
            }


def _struck(world: MonthWorld) -> list[str]:
    """How often each fault struck."""
    both = (world.simulator, world.wechat)
    return [str(each.http.get("/_sim/faults").json()["struck"]) for each in both]


def _truth(world: MonthWorld) -> list[str]:
    """What both providers really did."""
    return [
        f"{what}: {each}"
        for log in (world.simulator.truth(), world.wechat.truth())
        for what, happened in log.items()
        for each in happened
    ]


async def _rows(world: MonthWorld) -> dict[str, list[str]]:
    """Every row of billing's tables, in an order that follows from what is in them."""
    rows = {}
    for table, columns in await world.pool.fetch(_TABLES):
        kept = ", ".join(f'"{name}"' for name in columns if (table, name) not in MAY_DIFFER)
        query = f"SELECT ROW({kept})::text AS row FROM billing.{table}"  # noqa: S608 - our names
        found = [row["row"] for row in await world.pool.fetch(query)]
        rows[table] = sorted(it.replace(world.simulator.address, "stripe") for it in found)
    return rows


async def test_a_seed_lives_the_same_month_again(fresh_database: Databases) -> None:
    seed = fresh_seed()
    with fresh_database() as first, fresh_database() as second:
        before, again = await lived(first, seed), await lived(second, seed)
    for what, lines in before.items():
        assert again[what] == lines, what


async def test_all_clocks_say_the_same(database_url: str) -> None:
    """Drawn apart by a moment, a webhook that falls into it is waited for in vain (seed 8113)."""
    with closing(Simulators(1, None)) as simulators:
        async with open_month(database_url, simulators, 1) as world:
            for pass_time in (world.later, world.pass_time):
                await pass_time(seconds=0.1)
                both = (world.simulator, world.wechat)
                told = [each.http.get("/_sim/clock").json()["now"] for each in both]
                assert told == [world.now.timestamp()] * 2
