"""The database stopped, killed and full in the middle of the work: clear answers, nothing lost."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from parking.core.limits import IngestLimits
from parking.db.closing import close_pool
from parking.db.migrate import upgrade_async
from parking.db.pool import open_pool
from parking.postgres import RunningServer, create_database, ensure_running, postmaster, stop
from tests.integration.parking.world import World, open_world

if TYPE_CHECKING:
    import httpx

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FAST = {"fsync": "off"}
"""A killed server does not need it; a power cut would."""


@pytest.fixture
def own_server() -> Iterator[RunningServer]:
    """A server that this test may ill-treat."""
    folder = Path(tempfile.mkdtemp(prefix="leave-first-trouble-"))
    folder.chmod(0o711)
    try:
        yield ensure_running(folder / "postgres", overrides=FAST)
        stop(folder / "postgres")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop(server: RunningServer) -> None:
    stop(server.data_dir)


def _kill(server: RunningServer) -> None:
    os.kill(server.pid, signal.SIGKILL)


class Gate:
    """Sends each event until it is acknowledged, as a gate box does; remembers what it was told."""

    def __init__(self, world: World, events: list[dict[str, Any]]) -> None:
        self._world = world
        self._events = events
        self.acknowledged: set[str] = set()
        self.under_way = asyncio.Event()
        """Set once some are acknowledged and most are not."""
        self.turned_away: list[httpx.Response] = []

    async def send(self, *, tries: int) -> None:
        """Post everything that is not acknowledged, 20 at once, alone and in batches."""
        for _ in range(tries):
            left = [e for e in self._events if str(e["event_id"]) not in self.acknowledged]
            if not left:
                return
            singles, rest = left[: len(left) // 2], left[len(left) // 2 :]
            posts = [self._post([event], event) for event in singles]
            posts += [
                self._post(rest[start : start + 25], rest[start : start + 25])
                for start in range(0, len(rest), 25)
            ]
            limit = asyncio.Semaphore(20)

            async def one(post: Awaitable[None], limit: asyncio.Semaphore = limit) -> None:
                async with limit:
                    await post

            await asyncio.gather(*map(one, posts))

    async def _post(self, events: list[dict[str, Any]], body: object) -> None:
        reply = await self._world.post(body)
        if reply.status_code == 503:
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json()["type"] == "urn:leave-first:problem:database-unavailable"
            self.turned_away.append(reply)
            return
        assert reply.status_code in {200, 201}, reply.text
        results = reply.json().get("results", [reply.json()])
        assert {each["status"] for each in results} <= {"accepted", "duplicate"}
        self.acknowledged |= {str(event["event_id"]) for event in events}
        if len(self.acknowledged) >= 40:
            self.under_way.set()


def _overlook_what_the_driver_left_behind() -> None:
    """Overlook the answer that asyncpg's COPY waits for no more when its server dies under it.

    Where writing fails, `copy_in` raises that error, which is what callers are told, and nobody
    looks at the answer it had begun to wait for; the event loop then complains of it.
    """
    loop = asyncio.get_running_loop()
    told = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        left_behind = context["message"] == "Future exception was never retrieved" and isinstance(
            context.get("exception"), asyncpg.ConnectionDoesNotExistError
        )
        if not left_behind and told is not None:
            told(loop, context)

    loop.set_exception_handler(handle)


@pytest.mark.parametrize("end", [_stop, _kill], ids=["stopped", "killed"])
async def test_a_server_that_ends_in_mid_batch_costs_nothing_acknowledged(
    own_server: RunningServer, end: Callable[[RunningServer], None]
) -> None:
    await create_database(own_server.url(), "trouble")
    url = own_server.url("trouble")
    await upgrade_async(url)
    limits = IngestLimits(key_cache_seconds=60, place_cache_seconds=60)
    _overlook_what_the_driver_left_behind()
    async with open_world(url, limits=limits) as world:
        plates = [f"浙A{number:05d}" for number in range(300)]
        events = [world.entered(plate) for plate in plates]
        world.clock.move(hours=1)
        events += [world.exited(plate) for plate in plates]
        gate = Gate(world, events)
        sending = asyncio.create_task(gate.send(tries=1))
        await gate.under_way.wait()
        await asyncio.to_thread(end, own_server)
        await sending
        assert gate.turned_away
        before = set(gate.acknowledged)
        await asyncio.to_thread(ensure_running, own_server.data_dir, overrides=FAST)
        stored = {
            str(row[0]) for row in await _fetch(url, "select event_id from parking.lane_event")
        }
        assert before <= stored
        await gate.send(tries=20)
        assert len(gate.acknowledged) == len(events)
        count = await _fetch(url, "select count(*) from parking.lane_event")
        assert count[0][0] == len(events)
        assert [stay["state"] for stay in await world.stays()] == ["closed"] * len(plates)
        assert list((await world.owed()).values()) == [500] * len(plates)
        assert len(await world.outbox()) == len(plates)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 40 MB; needs the right to mount one."""
    folder = Path(tempfile.mkdtemp(prefix="leave-first-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m,mode=777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a small file system to fill up")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


async def test_a_full_disk_is_told_and_costs_nothing_acknowledged(
    small_disk: Path, own_server: RunningServer
) -> None:
    connection = await asyncpg.connect(own_server.url())
    place = small_disk / "tablespace"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    await connection.execute(f"create tablespace small location '{place}'")
    await connection.execute("create database filled tablespace small")
    await connection.close()
    url = own_server.url("filled")
    await upgrade_async(url)
    async with open_world(url) as world:
        await _fill(url)
        acknowledged = []
        event = world.entered("京A00000")
        while (refusal := await world.post(event)).status_code == 201:
            acknowledged.append(event["event_id"])
            event = world.entered(f"京A{len(acknowledged):05d}")
        assert refusal.status_code == 503, refusal.text
        assert refusal.headers["retry-after"] == "30"
        assert "its disk is full" in refusal.json()["detail"]
        assert (await world.post([world.entered("京B00001")])).status_code == 503
        await _fetch(url, "drop table filler")
        assert (await world.post(event)).status_code == 201
        stored = {row[0] for row in await _fetch(url, "select event_id from parking.lane_event")}
        assert {*acknowledged, event["event_id"]} <= stored
    stop(own_server.data_dir)


async def _fill(url: str) -> None:
    """Take what is left of the disk, in smaller and smaller pieces."""
    connection = await asyncpg.connect(url)
    await connection.execute("create table filler (junk text)")
    await connection.execute("alter table filler alter junk set storage plain")
    for rows in (500, 20, 1):
        with pytest.raises(asyncpg.DiskFullError):
            await _insert_for_ever(connection, rows)
    await connection.close()


async def _insert_for_ever(connection: "asyncpg.Connection[Any]", rows: int) -> None:
    sql = "insert into filler select repeat('x', 8000) from generate_series(1, $1)"
    while True:
        await connection.execute(sql, rows)


async def _fetch(url: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_a_frozen_server_does_not_keep_us_from_ending(own_server: RunningServer) -> None:
    pool = await open_pool(own_server.url())
    await pool.fetchval("select 1")
    backends = set(postmaster.processes_of(own_server.data_dir / "cluster"))
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            await close_pool(pool, seconds=0.2)
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
