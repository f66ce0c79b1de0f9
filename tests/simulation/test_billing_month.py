"""A seeded month of drivers who do everything at once, at providers that fail in every way.

Stays, corrections, cards and WeChat Pay parking, drivers who turn from the one to the other,
declines, advances and their repayment, plates that change hands, claims, appeals, pages,
settlements, payouts and their reversals, banks that take money back; answers lost before and after
the charge; webhooks and notifications lost, late, twice, in disorder and forged; reports that lie.
After every day every invariant holds, against both simulators' truth logs too; when the faults
stop, everything drains, and reconciliation finds exactly the lies. A failure names its seed:
SIMULATION_SEED runs it again, SIMULATION_SEEDS=200 runs as many (`make simulate`), and
SIMULATION_DRIVERS=200 has so many drivers do in a day what four do else, each.
"""

import os
from contextlib import closing

import pytest

from tests.seeds import fresh_seed
from tests.simulation.month import Month
from tests.simulation.month_world import MonthWorld, Simulators, open_month

pytestmark = pytest.mark.anyio

DAYS = int(os.environ.get("SIMULATION_DAYS", "2"))


def seeds() -> list[int]:
    if "SIMULATION_SEED" in os.environ:
        return [int(os.environ["SIMULATION_SEED"])]
    fresh = fresh_seed()
    return [
        20261123,
        *(fresh + number for number in range(int(os.environ.get("SIMULATION_SEEDS", "1")))),
    ]


@pytest.mark.parametrize("seed", seeds())
async def test_a_month_of_everything_keeps_every_invariant(database_url: str, seed: int) -> None:
    with closing(Simulators(seed, None)) as simulators:
        async with open_month(database_url, simulators, seed, payout_minimum_minor=1_000) as world:
            await live(world, seed)


async def live(world: MonthWorld, seed: int) -> None:
    month = Month(world, seed)
    await month.begin()
    world.faults()
    for _ in range(DAYS):
        await month.day()
        await world.assert_sound()
    await month.end()
    await world.assert_sound()
    refused = [name for name in month.done if name.startswith(("park:", "drive out:"))]
    assert not refused, "nobody is kept from leaving"
