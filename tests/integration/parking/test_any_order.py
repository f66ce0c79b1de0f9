"""Any order, repetition and splitting of the same events ends in the same stays and the same money.

Through the API and the database: fast steps, re-folds and corrections that came first all meet.
"""

import asyncio
from datetime import timedelta
from itertools import count, pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio

PLATES = ("浙A11111", "浙A11117", "京C99999")
_LOTS = count(1)

_seen = st.tuples(
    st.sampled_from(("entered", "exited")), st.sampled_from(PLATES), st.integers(0, 600)
)
_said = st.tuples(
    st.sampled_from(("corrected", "withdrawn")), st.sampled_from(PLATES), st.integers(0, 7)
)


class Case(NamedTuple):
    """A history, and another way in which it reaches us: as places in it, cut into requests."""

    seen: list[tuple[str, str, int]]
    said: list[tuple[str, str, int]]
    requests: list[list[int]]
    at_once: bool


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw it whole, before the test: Hypothesis may give a case up at any draw, and what it
    raises then would end the event loop of an asynchronous test.
    """
    seen = draw(st.lists(_seen, min_size=1, max_size=8))
    said = draw(st.lists(_said, max_size=3))
    places = list(range(len(seen) + len(said)))
    order = draw(st.permutations(places + places[: draw(st.integers(0, 3))]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    requests = [order[start:end] for start, end in pairwise([0, *cuts, len(order)])]
    return Case(seen, said, requests, draw(st.booleans()))


class Lot:
    """A lot of its own for one run, so that runs do not meet."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lot_id = f"lot-{next(_LOTS)}"
        self.key = ""

    async def settle(self) -> "Lot":
        await self.world.put_lot(self.lot_id)
        for lane_id, direction in (("in", "entry"), ("out", "exit")):
            path = f"/v1/lots/{self.lot_id}/lanes/{lane_id}"
            await self.world.put(path, {"direction": direction, "name": lane_id})
        await self.world.put(f"/v1/lots/{self.lot_id}/devices/box", {"name": "box"})
        self.key = await self.world.new_key(self.lot_id)
        return self

    def events(self, case: Case) -> list[dict[str, Any]]:
        """A history as events of this lot; ids rise in its order."""
        world, lot = self.world, {"lot_id": self.lot_id}
        events = []
        for kind, plate, second in case.seen:
            at = world.clock.now - timedelta(hours=9) + timedelta(seconds=37 * second)
            make = world.entered if kind == "entered" else world.exited
            events.append(make(plate, occurred_at=at, **lot))
        for kind, plate, place in case.said:
            about = events[place % len(events)]
            if kind == "corrected":
                events.append(world.corrected(about, plate, **lot))
            else:
                events.append(world.withdrawn(about, **lot))
        return events

    async def outcome(self, events: list[dict[str, Any]]) -> tuple[Any, Any]:
        """Stays and money, with ids told by the events' places."""
        place = {event["event_id"]: index for index, event in enumerate(events)}
        rows = await self.world.pool.fetch(
            "select * from parking.stay where lot_id = $1 and not dissolved", self.lot_id
        )
        stays = {
            place[row["stay_id"]]: (
                row["plate"],
                row["state"],
                row["entered_at"],
                row["left_at"],
                place.get(row["entry_event_id"]),
                place.get(row["exit_event_id"]),
                row["fee_minor"],
                row["chargeable_from"],
                row["last_seen_at"],
            )
            for row in rows
        }
        owed = await self.world.owed()
        mine = {str(event_id): index for event_id, index in place.items()}
        return stays, {mine[stay]: total for stay, total in owed.items() if stay in mine}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
async def test_any_order_gives_the_same_stays_and_the_same_money(world: World, case: Case) -> None:
    plain, mixed = await Lot(world).settle(), await Lot(world).settle()
    events = plain.events(case)
    for event in events:
        reply = await world.post(event, key=plain.key)
        assert reply.status_code == 201, reply.text
    others = mixed.events(case)
    posts = [
        world.post([others[place] for place in request], key=mixed.key) for request in case.requests
    ]
    replies = await asyncio.gather(*posts) if case.at_once else [await post for post in posts]
    statuses = {each["status"] for reply in replies for each in reply.json()["results"]}
    assert statuses <= {"accepted", "duplicate"}
    assert await mixed.outcome(others) == await plain.outcome(events)


async def test_several_processes_do_not_trip_over_each_other(world: World) -> None:
    rivals = [World(world.pool, clock=world.clock) for _ in range(3)]
    plates = [f"浙A{number:05d}" for number in range(60)]
    entries = [world.entered(plate) for plate in plates]
    exits = [
        world.exited(plate, occurred_at=world.clock.now + timedelta(seconds=61)) for plate in plates
    ]
    amended = [world.corrected(entries[0], "京A00001"), world.withdrawn(exits[1])]
    posts = [
        rival.post(part, key=world.device_key)
        for events in (entries, exits[::-1], amended, entries[::-1], exits)
        for start in range(0, len(events), 7)
        for rival in rivals
        for part in [events[start : start + 7]]
    ]
    replies = await asyncio.gather(*posts)
    assert {reply.status_code for reply in replies} == {200}
    for rival in rivals:
        await rival.client.aclose()
    states = [stay["state"] for stay in await world.stays()]
    assert states.count("closed") == 58
    assert states.count("open") == 2
    assert states.count("missed_entry") == 1
    stored = await world.pool.fetchval("select count(*) from parking.lane_event")
    assert stored == 122
