"""Cloned plates in a seeded city: an honest day accuses no one, and each planted clone is found.

The same days, faults and API as in test_city_events.py: exits are missed, plates misread, clocks
differ, events come hours late. A failure names its seed; SIMULATION_SEED runs that one alone.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest

from gateway_sim.gates.fleet import ExpectedStay, expected_stays, postings
from gateway_sim.gates.fleet_uplink import post_all
from parking.core.cloning import CloneRules
from parking.core.ids import uuid7
from parking.core.stay import StayState
from parking.db.pool import open_pool
from parking.services.place_book import PlaceBook
from parking.services.watch_clones import CloneWatch
from tests.simulation import test_city_events
from tests.simulation.test_city_events import ADMIN_KEY, FAULTS, LOTS, confirm_near_misses, seeds

pytestmark = pytest.mark.anyio
api = test_city_events.api
CLONES = 5
_ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


async def suspected_after_a_look(api: httpx.AsyncClient, database_url: str) -> set[str]:
    """The plates that wait for a decision once the worker has looked."""
    pool = await open_pool(database_url, size_max=2)
    try:
        book = PlaceBook(pool, ttl_seconds=60)
        watch = CloneWatch(pool, book=book, rules=CloneRules())
        await watch.watch_clones(datetime.now(UTC))
    finally:
        await pool.close()
    reply = await api.get("/v1/clone-suspicions?pending=true&limit=500", headers=_ADMIN)
    return {each["suspicion"]["plate"] for each in reply.json()}


def to_be_cloned(stays: list[ExpectedStay], random: Random) -> list[tuple[ExpectedStay, str]]:
    """Long stays of cars that are in one lot only on that day, each with another lot."""
    long = [
        stay
        for stay in stays
        if stay.state is StayState.CLOSED
        and stay.entered_at is not None
        and stay.left_at is not None
        and stay.left_at - stay.entered_at > timedelta(hours=1)
        and sum(each.plate == stay.plate for each in stays) == 1
    ]
    chosen = random.sample(sorted(long, key=lambda stay: stay.plate), CLONES)
    names = [plan.lot for plan in LOTS]
    return [
        (stay, random.choice([name for name in names if name != stay.lot_id])) for stay in chosen
    ]


def event(
    kind: str, lane: str, lot: str, stay: ExpectedStay, at: datetime, random: Random
) -> dict[str, Any]:
    return {
        "type": kind,
        "event_id": str(uuid7(int(at.timestamp() * 1000), random.getrandbits(74))),
        "lot_id": lot,
        "lane_id": lane,
        "occurred_at": at.isoformat(),
        "read": {"plate": stay.plate, "colour": "unknown", "confidence": 0.95},
    }


@pytest.mark.parametrize("seed", seeds()[-1:])
async def test_every_clone_is_found_and_nobody_else(
    api: httpx.AsyncClient, database_url: str, seed: int
) -> None:
    print(f"SIMULATION_SEED={seed} runs this very day again")  # noqa: T201 - shown on a failure
    random = Random(seed)
    city = test_city_events.made_up(seed)
    keys = await test_city_events.registered(api)
    await post_all(api, postings(city, FAULTS, seed=seed), keys=keys)
    await confirm_near_misses(database_url)
    assert await suspected_after_a_look(api, database_url) == set()

    clones = to_be_cloned(list(expected_stays(city, FAULTS)), random)
    for stay, lot in clones:
        assert stay.entered_at is not None
        assert stay.left_at is not None
        third = (stay.left_at - stay.entered_at) / 3
        body = [
            event("vehicle_entered", "in", lot, stay, stay.entered_at + third, random),
            event("vehicle_exited", "out", lot, stay, stay.left_at - third, random),
        ]
        headers = {"Authorization": f"Bearer {keys[lot]}"}
        random.shuffle(body)
        assert (await api.post("/v1/lane-events", json=body, headers=headers)).is_success
    expected = {stay.plate for stay, _ in clones}
    assert await suspected_after_a_look(api, database_url) == expected
    assert await suspected_after_a_look(api, database_url) == expected
    assert await test_city_events.violations_in(database_url) == []
