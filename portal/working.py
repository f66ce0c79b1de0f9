"""`parking work`: everything that happens by itself, each on its own beat, none in another's way.

Several workers may run side by side: each task locks what it takes. A database or gateway that is
away is waited for; the process itself ends only when told to.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import structlog

from billing.gateways import Providers
from billing.providers import open_providers
from billing.standings import BillingStandings
from billing.worker import run_worker
from parking.db.closing import close_pool
from parking.db.partitions import ensure
from parking.db.pool import UNAVAILABLE, DatabaseUnavailableError, Pool, open_pool
from parking.services.bundle import ParkingServices
from parking.services.clock import system_clock
from parking.services.confirm_near_misses import NearMissClock
from parking.services.occupancy import learn_habits
from parking.services.place_book import PlaceBook
from parking.services.sweep_overstays import OverstaySweeper
from parking.services.watch_clones import CloneWatch
from portal import logs
from portal.correcting import StayCorrector
from portal.database import keep_running, ready_database
from portal.settings import Settings
from portal.witnessing import StayBook

_LOG = structlog.get_logger("portal.work")
_RETRY_SECONDS = 1.0


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT.

    Raises DatabaseUnreachableError or a PostgresError when there is no database to begin with.
    """
    logs.configure(level=settings.log_level)
    providers = open_providers(settings.billing)
    url = await ready_database(settings.database)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    pool = await open_pool(url, size_max=settings.database.pool_size)
    _LOG.info("the worker works")
    try:
        await _work_until(stop, settings, pool, providers)
    finally:
        await close_pool(pool)
        _LOG.info("the worker has ended")


async def _work_until(
    stop: asyncio.Event, settings: Settings, pool: Pool, providers: Providers
) -> None:
    paces = settings.work
    book = PlaceBook(pool, ttl_seconds=settings.ingest.place_cache_seconds)
    near_misses, overstays = NearMissClock(pool, book=book), OverstaySweeper(pool, book=book)
    clones = CloneWatch(pool, book=book, rules=settings.clones)
    parking = ParkingServices.build(
        pool=pool,
        standings=BillingStandings(pool, settings.billing, clock=system_clock),
        clock=system_clock,
        limits=settings.ingest,
    )
    keeper = asyncio.create_task(keep_running(settings.database))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                run_worker(
                    pool=pool,
                    gateway=providers,
                    settings=settings.billing,
                    clock=system_clock,
                    stop=stop,
                    corrector=StayCorrector(pool, parking.amendments),
                    witness=StayBook(pool),
                )
            )
            tasks.create_task(
                _on_beat(
                    stop, "near misses", paces.near_miss_seconds, near_misses.confirm_near_misses
                )
            )
            tasks.create_task(
                _on_beat(stop, "overstays", paces.sweep_seconds, overstays.sweep_overstays)
            )
            tasks.create_task(_on_beat(stop, "clones", paces.clone_seconds, clones.watch_clones))
            tasks.create_task(
                _on_beat(stop, "habits", paces.habit_seconds, partial(learn_habits, pool))
            )
            tasks.create_task(
                _on_beat(stop, "partitions", paces.partition_seconds, _partitions_of(pool))
            )
    finally:
        keeper.cancel()
        await parking.close()


def _partitions_of(pool: Pool) -> Callable[[datetime], Awaitable[int]]:
    async def make(now: datetime) -> int:
        async with pool.acquire() as connection:
            return len(await ensure(connection, now=now))

    return make


async def _on_beat(
    stop: asyncio.Event, name: str, seconds: float, task: Callable[[datetime], Awaitable[int]]
) -> None:
    """Do a task again and again until told to stop; what is away for now is tried again soon."""
    while not stop.is_set():
        pause = seconds
        try:
            done = await task(datetime.now(UTC))
        except (DatabaseUnavailableError, *UNAVAILABLE) as error:
            _LOG.warning("the database is away", task=name, reason=str(error))
            pause = _RETRY_SECONDS
        else:
            if done:
                _LOG.info("done", task=name, count=done)
        await _sleep(stop, pause)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
