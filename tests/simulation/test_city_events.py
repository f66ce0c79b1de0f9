"""A seeded city without pixels: whatever the network does to its events, its stays are the truth.

Every gate of four lots posts a day over HTTP to the real API on a real PostgreSQL: triggers
repeat, requests are sent again, events arrive hours late and overtaken, clocks differ, exits are
missed, dirty plates read as others. A failure names its seed; SIMULATION_SEED runs that one alone.
"""

import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx
import pytest
import structlog
import uvicorn

from billing.settings import BillingSettings
from gateway_sim.gates.city_day import LotPlan, city_day
from gateway_sim.gates.fleet import (
    ExpectedStay,
    FleetFaults,
    expected_stays,
    postings,
)
from gateway_sim.gates.fleet_uplink import post_all
from gateway_sim.gates.scenario import Mishap, Scenario
from parking.core.secret import Secret
from parking.core.stay import StayState
from parking.db.pool import open_pool
from parking.services.confirm_near_misses import NearMissClock
from parking.services.place_book import PlaceBook
from portal.app import create_app
from portal.audit import audit
from portal.listening import listen
from portal.settings import DatabaseSettings, Settings
from tests.seeds import fresh_seed

pytestmark = pytest.mark.anyio

ADMIN_KEY = "an-admin-key-for-tests-only"
ZONE = "Asia/Shanghai"
LOTS = (
    LotPlan(lot="riverside", entries=("in", "in-2"), exits=("out", "out-2")),
    LotPlan(lot="old-town"),
    LotPlan(lot="station", entries=("in", "in-2"), exits=("out",)),
    LotPlan(lot="museum"),
)
CARS, DRIVE_THROUGHS = 70, 12
SEEDS = (2, 5, 8)
"""Together they have everything that can go wrong, some cars still inside at the end of the day."""
FAULTS = FleetFaults()
HOUR_PRICE_MINOR = 300
TARIFF = {
    "tariff_id": "three-an-hour",
    "version": 1,
    "name_zh": "每小时三元",
    "name_en": "3 an hour",
    "zone": ZONE,
    "windows": [
        {
            "from": "00:00",
            "until": "24:00",
            "rate": {
                "type": "units",
                "steps": [{"price_minor": HOUR_PRICE_MINOR, "unit_minutes": 60}],
            },
        }
    ],
}
STAYS = """
SELECT lot_id, plate, state, entered_at, left_at, fee_minor FROM parking.stay WHERE NOT dissolved
"""


def seeds() -> list[int]:
    """Those that always run, and one that nobody has tried yet; its number is the test's name."""
    chosen = os.environ.get("SIMULATION_SEED")
    return [int(chosen)] if chosen else [*SEEDS, fresh_seed()]


def made_up(seed: int) -> Scenario:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    return city_day(
        seed=seed, day=yesterday, zone=ZONE, lots=LOTS, cars=CARS, drive_throughs=DRIVE_THROUGHS
    )


@pytest.fixture
async def api(database_url: str, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """The real application behind a real port."""
    settings = Settings(
        database=DatabaseSettings(url=Secret(database_url), pool_size=6),
        billing=BillingSettings(
            stripe_api_key=Secret("sk_test_x"),
            stripe_api_url="http://127.0.0.1:9",
            stripe_webhook_secret=Secret("whsec_x"),
        ),
        admin_key=Secret(ADMIN_KEY),
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, lifespan="on"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: server._serve([listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn says it in no other way
            await anyio.sleep(0.01)
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:
            yield client
        server.should_exit = True
    structlog.reset_defaults()


async def registered(api: httpx.AsyncClient) -> Mapping[str, str]:
    """Put the city in place as an admin does; answers each lot's device key."""
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}

    async def put(path: str, body: object) -> None:
        reply = await api.put(path, json=body, headers=headers)
        assert reply.is_success, reply.text

    await put("/v1/operators/quay", {"name_zh": "码头", "name_en": "Quay"})
    since = (datetime.now(UTC) - timedelta(days=60)).isoformat()
    path = f"/v1/tariffs/{TARIFF['tariff_id']}/versions/1"
    await put(path, {"effective_from": since, "tariff": TARIFF})
    keys = {}
    for plan in LOTS:
        await put(f"/v1/lots/{plan.lot}", _lot(plan))
        for lane in (*plan.entries, *plan.exits):
            direction = "entry" if lane in plan.entries else "exit"
            await put(f"/v1/lots/{plan.lot}/lanes/{lane}", {"direction": direction, "name": lane})
        await put(f"/v1/lots/{plan.lot}/devices/box", {"name": "box"})
        reply = await api.post(f"/v1/lots/{plan.lot}/devices/box/keys", json={}, headers=headers)
        keys[plan.lot] = str(reply.json()["key"])
    return keys


def _lot(plan: LotPlan) -> dict[str, Any]:
    return {
        "operator_id": "quay",
        "name_zh": plan.lot,
        "name_en": plan.lot,
        "zone": ZONE,
        "spaces": 100,
        "tariff_id": TARIFF["tariff_id"],
    }


async def confirm_near_misses(database_url: str) -> None:
    """Let the worker match what arrived late, and then let every hold pass without a no."""
    pool = await open_pool(database_url, size_max=2)
    try:
        clock = NearMissClock(pool, book=PlaceBook(pool, ttl_seconds=0))
        # A near miss whose entry turned out to be an earlier trigger is asked anew, and held anew.
        for hours in (0, 25, 50):
            now = datetime.now(UTC) + timedelta(hours=hours)
            while await clock.confirm_near_misses(now):
                pass
    finally:
        await pool.close()


async def stays_of(database_url: str) -> dict[ExpectedStay, int | None]:
    """The stays that stand, each with its fee."""
    pool = await open_pool(database_url, size_max=2)
    try:
        rows = await pool.fetch(STAYS)
    finally:
        await pool.close()
    return {
        ExpectedStay(
            lot_id=row["lot_id"],
            plate=row["plate"],
            state=StayState(row["state"]),
            entered_at=row["entered_at"],
            left_at=row["left_at"],
        ): row["fee_minor"]
        for row in rows
    }


async def violations_in(database_url: str) -> list[str]:
    pool = await open_pool(database_url, size_max=2)
    try:
        return [str(each) for each in await audit(pool, now=datetime.now(UTC))]
    finally:
        await pool.close()


def fee_of(stay: ExpectedStay) -> int | None:
    """The tariff in the plainest words: 3 yuan for each hour begun; part minutes do not count."""
    if stay.state is not StayState.CLOSED or stay.entered_at is None or stay.left_at is None:
        return None
    minutes = (stay.left_at - stay.entered_at) // timedelta(minutes=1)
    return HOUR_PRICE_MINOR * -(-minutes // 60)


@pytest.mark.parametrize("seed", seeds())
async def test_stays_and_fees_equal_the_truth(
    api: httpx.AsyncClient, database_url: str, seed: int
) -> None:
    print(f"SIMULATION_SEED={seed} runs this very day again")  # noqa: T201 - shown on a failure
    city = made_up(seed)
    keys = await registered(api)
    requests = postings(city, FAULTS, seed=seed)
    counts = await post_all(api, requests, keys=keys)
    sent = Counter(report.event_id for posting in requests for report in posting.reports)
    assert counts == {"accepted": len(sent), "duplicate": sent.total() - len(sent)}
    assert await violations_in(database_url) == []

    await confirm_near_misses(database_url)
    fees = await stays_of(database_url)
    truth = {stay: fee_of(stay) for stay in expected_stays(city, FAULTS)}
    missing, unfounded = truth.keys() - fees.keys(), fees.keys() - truth.keys()
    assert (missing, unfounded) == (set(), set())
    assert fees == truth
    assert await violations_in(database_url) == []


async def test_sending_the_whole_day_again_changes_nothing(
    api: httpx.AsyncClient, database_url: str
) -> None:
    requests = postings(made_up(4), FAULTS, seed=4)
    keys = await registered(api)
    await post_all(api, requests, keys=keys)
    before = await stays_of(database_url)
    counts = await post_all(api, tuple(reversed(requests)), keys=keys)
    assert set(counts) == {"duplicate"}
    assert await stays_of(database_url) == before


def test_the_seeds_exercise_every_fault() -> None:
    days = [made_up(seed) for seed in SEEDS]
    mishaps = Counter(visit.mishap for day in days for visit in day.visits)
    assert min(mishaps[Mishap.DIRTY_ENTRY], mishaps[Mishap.MISSED_EXIT]) >= 5
    ends = {stay.state for day in days for stay in expected_stays(day, FAULTS)}
    assert ends == {StayState.OPEN, StayState.CLOSED, StayState.MISSED_EXIT}
    drifted = [
        stay
        for day in days
        for stay in expected_stays(day, FAULTS)
        if stay.left_at == stay.entered_at
    ]
    assert drifted
