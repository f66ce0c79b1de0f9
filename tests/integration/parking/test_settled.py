"""A re-fold starts from a settled stay: the same stays as from all facts, and no more is read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest

from parking.core.events import Ending, Fact, LaneEvent, VehicleEntered, VehicleExited
from parking.core.events import PlateRead as Read
from parking.core.ids import DeviceId, EventId, LaneId, LotId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.db.pool import reading
from parking.services.check_lane_event import submission_of
from parking.services.outcomes import Status
from parking.services.plate_tails import read_tail
from parking.services.sayings import Saying
from portal.audit import audit
from tests.integration.parking.world import World
from tests.seeds import fresh_seed

pytestmark = pytest.mark.anyio

LOT = LotId("west-lake")
PLATES = (Plate("浙A11111"), Plate("京C99999"), Plate("粤B55555"))
"""Too unlike for a near miss."""


def seen(world: World, plate: Plate, at: datetime, *, entered: bool) -> LaneEvent:
    kind: type[LaneEvent] = VehicleEntered if entered else VehicleExited
    event_id = EventId(world.event_id())
    return kind(
        event_id=event_id,
        lot_id=LOT,
        occurred_at=at,
        recorded_at=at,
        trace_id=event_id.hex,
        lane_id=LaneId("in" if entered else "out"),
        device_id=DeviceId("box"),
        read=Read(plate=plate, confidence=0.9),
    )


def saying(world: World, after_minutes: int = 0) -> Saying:
    now = world.clock.now + timedelta(minutes=after_minutes)
    return Saying(lot_id=LOT, by="operator:city", reason="the guard says so", now=now)


def visits(world: World, plate: Plate, number: int) -> list[LaneEvent]:
    """A visit of an hour a day, the last of them today."""
    first = world.clock.now - timedelta(days=number - 1, hours=2)
    return [
        seen(world, plate, first + timedelta(days=day, hours=hour), entered=not hour)
        for day in range(number)
        for hour in (0, 1)
    ]


def history(world: World, random: Random) -> list[Fact]:
    """Weeks of three plates, with gaps around every limit of the lot, and words about any of it."""
    facts: list[Fact] = []
    for plate in PLATES:
        at = world.clock.now - timedelta(days=20)
        for _ in range(30):
            gap = random.choice((0, 20, 30, 31, 50, 61, 170, 900, 3_700, 40_000, 90_000))
            at += timedelta(seconds=gap)
            facts.append(seen(world, plate, at, entered=random.random() < 0.55))
    for number in range(18):
        said, about = saying(world, number), random.choice(facts)
        match random.choice(("corrected", "corrected", "withdrawn", "left", "gone", "never_was")):
            case "corrected":
                facts.append(said.corrected(about.event_id, random.choice(PLATES)))
            case "withdrawn":
                facts.append(said.withdrawn(about.event_id))
            case how:
                left_at = about.occurred_at + timedelta(seconds=random.choice((20, 600, 5_000)))
                facts.append(said.ended(about.event_id, Ending(how), left_at=left_at))
    return facts


async def record(world: World, facts: Sequence[Fact]) -> None:
    outcomes = await world.services.recorder.record([submission_of(fact) for fact in facts])
    assert {outcome.status for outcome in outcomes} <= {Status.ACCEPTED, Status.DUPLICATE}


@pytest.mark.parametrize("case", range(3))
async def test_stays_of_weeks_are_the_fold_of_their_facts(world: World, case: int) -> None:
    """Facts of weeks, in no order, in batches and some of them again: the audit folds them all."""
    seed = fresh_seed() * 10 + case
    random = Random(seed)
    facts = history(world, random)
    world.clock.move(hours=1)
    random.shuffle(facts)
    while facts:
        batch, facts = facts[: (size := random.choice((1, 1, 2, 9)))], facts[size:]
        await record(world, [*batch, *batch[:1]])
        await world.services.overstays.sweep_overstays(world.clock.now)
    found = await audit(world.pool, now=world.clock.now)
    assert [str(each) for each in found] == [], f"seed {seed}"


@pytest.mark.parametrize("number", [12, 48])
async def test_what_is_read_does_not_grow_with_the_stays_before(world: World, number: int) -> None:
    """Nor with the corrections: every second of the earlier stays was misread, and mended."""
    known = visits(world, PLATES[0], number)
    await record(world, known)
    misread = [event for day in range(0, number, 2) for event in known[2 * day : 2 * day + 2]]
    said = saying(world)
    await record(world, [said.corrected(event.event_id, PLATES[1]) for event in misread])
    for plate in PLATES[:2]:
        async with reading(world.pool) as connection:
            since = known[-1].occurred_at
            tail = await read_tail(connection, LOT, plate, since=since, rules=StayRules())
        assert tail.settled is not None
        assert len(tail.facts) <= 14, plate
    late = seen(world, PLATES[0], known[-1].occurred_at - timedelta(minutes=30), entered=False)
    await record(world, [late])
    assert await audit(world.pool, now=world.clock.now) == []


async def test_an_entry_that_was_another_plates_stay_once_begins_a_stay_again(
    world: World,
) -> None:
    """Its stay was dissolved when it became a repeated trigger; then the first trigger goes."""
    at = world.clock.now - timedelta(hours=3)
    misread = seen(world, PLATES[1], at + timedelta(seconds=10), entered=True)
    first = seen(world, PLATES[0], at, entered=True)
    await record(world, [misread])
    await record(world, [first])
    await record(world, [saying(world).corrected(misread.event_id, PLATES[0])])
    assert [stay["stay_id"] for stay in await world.stays()] == [first.event_id]
    await record(world, [saying(world, 1).withdrawn(first.event_id)])
    (stay,) = await world.stays()
    assert (stay["stay_id"], stay["plate"]) == (misread.event_id, PLATES[0])
    assert await audit(world.pool, now=world.clock.now) == []
