"""SIGKILL for PostgreSQL in the middle of settling: all of it, or one process, at any boundary.

The real worker loop settles for drivers while the server dies under it, before, within or after one
of its uses of a connection, and is started again as `parking work` does. Nobody is charged twice,
nobody is forgotten, and nothing waits for ever: neither the worker, nor its pool, nor the server.
"""

import asyncio
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from billing.worker import run_worker
from parking.db.closing import close_pool
from parking.db.migrate import upgrade_async
from parking.db.pool import UNAVAILABLE, Pool, open_pool
from parking.postgres import RunningServer, create_database, ensure_running, postmaster, stop
from tests.gateway_sim.payments.harness import Simulator
from tests.integration.billing.world import BillingWorld, settings_for
from tests.seeds import fresh_seed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FAST = {"fsync": "off"}
"""A killed server does not need it; a power cut would."""
PLATES = [f"浙A8B7{number:02d}" for number in range(4)]
DEATHS = 3
BOUNDARIES_MAX = 90
"""So many uses of a connection settle four payments and find out that nothing is left, about."""


@pytest.fixture
def own_server() -> Iterator[RunningServer]:
    """A server that this test may ill-treat."""
    folder = Path(tempfile.mkdtemp(prefix="leave-first-killed-"))
    folder.chmod(0o711)
    try:
        yield ensure_running(folder / "postgres", overrides=FAST)
        stop(folder / "postgres")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def kill_all(server: RunningServer, chance: random.Random) -> None:
    """As a machine dies, with all that runs on it."""
    del chance
    for pid in postmaster.processes_of(server.data_dir / "cluster"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_the_first(server: RunningServer, chance: random.Random) -> None:
    """The others find themselves alone and go."""
    del chance
    os.kill(server.pid, signal.SIGKILL)


def kill_another(server: RunningServer, chance: random.Random) -> None:
    """The first one turns all the others out, recovers and goes on by itself."""
    others = {*postmaster.processes_of(server.data_dir / "cluster")} - {server.pid}
    with suppress(ProcessLookupError):
        os.kill(chance.choice(sorted(others)), signal.SIGKILL)


class DeadlyPool:
    """A pool whose server dies at one of the boundaries of what is done with its connections."""

    def __init__(self, pool: Pool, boundary: int, kill: Callable[[], None]) -> None:
        self._pool = pool
        self._left = boundary
        self._kill = kill
        self.dead = asyncio.Event()

    async def _pass(self) -> None:
        self._left -= 1
        if self._left == 0:
            await asyncio.to_thread(self._kill)
            self.dead.set()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        await self._pass()
        async with self._pool.acquire() as connection:
            await self._pass()
            yield connection
        await self._pass()


async def until_settled(world: BillingWorld) -> None:
    """Wait until nothing is in the air, and every driver has been gathered from."""
    while True:
        with suppress(*UNAVAILABLE):
            waiting = await world.waiting()
            owed = await world.pool.fetchval(
                "SELECT count(*) FROM billing.obligation WHERE state IN ('due', 'collecting')"
            )
            if not (owed or waiting.messages or waiting.payments or waiting.fees):
                return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kill", [kill_all, kill_the_first, kill_another])
async def test_killed_while_settling(
    own_server: RunningServer,
    simulator: Simulator,
    kill: Callable[[RunningServer, random.Random], None],
) -> None:
    seed = fresh_seed()
    chance = random.Random(f"{seed} {kill.__name__}")
    await create_database(own_server.url(), "killed")
    url = own_server.url("killed")
    await upgrade_async(url)
    pool = await open_pool(url)
    world = BillingWorld(pool, simulator, settings_for(simulator.address, attempt_lease_seconds=1))
    world.wait_for_noon()
    ahead = world.ahead
    for plate in PLATES:
        await world.driver(plate)
    async with asyncio.timeout(120):
        for _ in range(DEATHS):
            boundary = chance.randint(1, BOUNDARIES_MAX)
            deadly = DeadlyPool(pool, boundary, partial(kill, own_server, chance))
            ended = asyncio.Event()
            await world.publish(*(world.priced(plate, 1_000) for plate in PLATES))
            working = asyncio.create_task(
                run_worker(
                    deadly,
                    world.gateway,
                    world.settings,
                    lambda: datetime.now(UTC) + ahead,
                    ended,
                )
            )
            await deadly.dead.wait()
            own_server = await asyncio.to_thread(
                ensure_running, own_server.data_dir, port=own_server.port, overrides=FAST
            )
            await until_settled(world)
            ended.set()
            await working
        world.now = datetime.now(UTC) + ahead
        await world.settle()
        await world.gateway.close()
        assert sum(amount for _, amount in world.charges()) == DEATHS * len(PLATES) * 1_000
        assert (await world.statement()).outstanding_minor == 0
        await world.assert_sound()
        await close_pool(pool)
