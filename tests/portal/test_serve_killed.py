"""SIGKILL for `parking serve` at the steps of its requests, while money is on its way.

Drivers pay by hand, bind plates and contest fees, gates post cars, an operator decides appeals,
the provider's webhooks come in, and the worker charges and gives back, all at once. The server is
killed in the middle of one of these, started again, and killed at the next boundary; whoever got no
answer asks again, as people, gates and providers do. In the end everything has settled, and the
audit finds nothing wrong in our books or against the provider's truth log; what was answered with
success has happened, and happened once.

`SERVE_KILLED=all` goes through every step of every kind of request (`make simulate` does).
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from billing.db import queries
from billing.standings import BillingStandings
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options
from parking.core.limits import IngestLimits
from parking.services.bundle import ParkingServices
from parking.services.clock import system_clock
from portal.audit import audit
from portal.correcting import StayCorrector
from tests.gateway_sim.payments.harness import Simulator, running
from tests.integration.billing.world import SECRET, BillingWorld, settings_for
from tests.portal.besieged import CHECKOUT, FEE, HOOK, ROUTES, House, Stay
from tests.portal.killed_server import Boundary
from tests.portal.test_serving import free_port
from tests.seeds import fresh_seed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FIXED = (Boundary(HOOK, 4), Boundary(CHECKOUT, 13))
"""A webhook is stored and its sender not told; a page is made and nobody here knows its address."""
STEPS_MAX = 60
PAUSE_S = 0.05
SETTLED = {"by hand": "paid", "bound late": "paid", "contested": "void", "owing": "due"}
ONLY_COME = {"by hand": "due", "bound late": "due", "contested": "paid", "owing": "due"}
PATIENT = {"attempt_lease_seconds": 1, "poll_seconds": 3_600}
"""Settings by which news come by webhooks or not at all."""


@asynccontextmanager
async def working(world: BillingWorld) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The worker, with the real corrector of facts, at work by the real clock until it is told."""
    parking = ParkingServices.build(
        pool=world.pool,
        standings=BillingStandings(world.pool, world.settings, clock=system_clock),
        clock=system_clock,
        limits=IngestLimits(),
    )
    corrector = StayCorrector(world.pool, parking.amendments)
    world.worker = BillingWorker(
        world.pool, world.gateway, world.settings, notifier=world.phones, corrector=corrector
    )

    over = asyncio.Event()

    async def work() -> None:
        while not over.is_set():
            if await world.worker.step(datetime.now(UTC)) == 0:
                await asyncio.sleep(PAUSE_S)

    task = asyncio.create_task(work())

    async def stop() -> None:
        over.set()
        await task

    try:
        yield stop
    finally:
        await stop()
        await parking.close()


@asynccontextmanager
async def open_house(
    database_url: str, simulator: Simulator, folder: Path, *, port: int, seed: int
) -> AsyncIterator[House]:
    """All of it by the real clock, as the server has no other."""
    pool = await asyncpg.create_pool(database_url, min_size=1, max_size=12)
    world = BillingWorld(pool, simulator, settings_for(simulator.address, **PATIENT))
    house = House(world, database_url, folder, port=port, seed=seed)
    try:
        yield house
    finally:
        await house.close()
        await world.gateway.close()
        await pool.close()


async def die(house: House, seed: int) -> None:
    """Life after life: at a few chosen steps, or at all there are."""
    chance = random.Random(seed)
    if os.environ.get("SERVE_KILLED") != "all":
        for boundary in (*FIXED, Boundary(chance.choice(ROUTES), chance.randint(1, 12))):
            await house.live(boundary)
        return
    for route in chance.sample(ROUTES, len(ROUTES)):
        for step in range(1, STEPS_MAX):
            if not await house.live(Boundary(route, step)):
                break


async def test_killed_at_its_steps(database_url: str, tmp_path: Path) -> None:
    seed, port = fresh_seed(), free_port()
    options = Options(
        seed=seed,
        state=tmp_path / "stripe",
        webhook_url=f"http://127.0.0.1:{port}/v1/webhooks/stripe",
        webhook_secret=SECRET,
    )
    with running(options) as simulator:
        async with open_house(database_url, simulator, tmp_path, port=port, seed=seed) as house:
            try:
                async with working(house.world) as stop_working:
                    await house.prepare()
                    await die(house, seed)
                    await house.end()
                    await stop_working()
                    await assert_all_of_it_happened_once(house)
            except BaseException as error:
                error.add_note(f"SIMULATION_SEED={seed} chose where: {house.deaths}")
                raise


async def assert_all_of_it_happened_once(house: House) -> None:
    """What was answered with success, what the provider did, and what our books say of both."""
    world = house.world
    world.now = datetime.now(UTC)
    await world.settle()
    *acted, last = house.rounds
    assert [await states(world, stays) for stays in acted] == [SETTLED] * len(acted)
    assert await states(world, last) == ONLY_COME
    truth = world.truth()
    assert sum(each.amount for each in truth.charges) == FEE * (3 * len(acted) + 1)
    assert [each.amount for each in truth.refunds] == [FEE] * len(acted)
    assert any(attempts > 1 for _, _, attempts in house.hooks()), "what died unanswered came again"
    assert await audit(world.pool, now=world.now, truth_urls=[world.simulator.address]) == []


async def states(world: BillingWorld, stays: dict[str, Stay]) -> dict[str, str]:
    async with world.pool.acquire() as db:
        found = await queries.obligations_of_stays(db, [stay.stay_id for stay in stays.values()])
    return {what: found[stay.stay_id].state for what, stay in stays.items()}
