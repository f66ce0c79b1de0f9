"""Cloned plates: what one car can do is never suspected, what it cannot always is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.cloning import (
    CloneDecision,
    CloneRules,
    Conflict,
    ConflictKind,
    StayHold,
    Verdict,
    Visit,
    conflict,
    distance_km,
    hold_of,
)
from parking.core.events import LaneEvent, PlateColour
from parking.core.folding import fold
from parking.core.ids import EventId, LotId, StayId
from parking.core.place import Position
from tests.core.facts import PLATE, RULES, at, entry, leave

RULES_OF_CLONES = CloneRules()
WEST_LAKE = Position(latitude=30.2489, longitude=120.1480)
NINGBO = Position(latitude=29.8683, longitude=121.5440)
NEXT_DOOR = Position(latitude=30.2500, longitude=120.1490)
OWN, OTHER = LotId("own"), LotId("other")


def visit(
    lot_id: LotId,
    entered: float | None,
    left: float | None = None,
    *,
    where: Position | None = None,
    confidence: float = 0.97,
    **changes: Any,
) -> Visit:
    """A stay of PLATE as the fold makes it, moved to a lot."""
    number = 10_000 * (lot_id == OTHER)
    events: list[LaneEvent] = []
    if entered is not None:
        events.append(entry(entered, number=number + 1))
    if left is not None:
        events.append(leave(left, number=number + 2))
    (stay,) = fold(events, plate=PLATE, rules=replace(RULES, maximum_stay_hours=99))
    return Visit(
        stay=replace(stay, lot_id=lot_id, **changes),
        position=where,
        tolerance_seconds=RULES.clock_drift_tolerance_seconds,
        confidences={each.event_id: confidence for each in events},
    )


def between(one: Visit, other: Visit) -> Conflict | None:
    found = conflict(one, other, rules=RULES_OF_CLONES)
    turned = conflict(other, one, rules=RULES_OF_CLONES)
    assert (found is None) == (turned is None)
    assert found is None or turned is None or found.kind is turned.kind
    return found


def test_the_distance_is_the_great_circle() -> None:
    assert distance_km(WEST_LAKE, WEST_LAKE) == 0
    pole, equator = Position(latitude=90, longitude=0), Position(latitude=0, longitude=33)
    assert distance_km(pole, equator) == pytest.approx(10_007.56, abs=0.05)
    assert distance_km(WEST_LAKE, NINGBO) == pytest.approx(141, abs=1)


def test_inside_two_lots_at_once_by_two_reads_around_another() -> None:
    found = between(visit(OWN, 0, 9000), visit(OTHER, 3000, 6000))
    assert found is not None
    assert found.kind is ConflictKind.INSIDE_ELSEWHERE
    assert [each.lot_id for each in found.sightings] == [OWN, OTHER, OWN]


def test_an_open_stay_is_a_missed_exit_before_it_is_a_clone() -> None:
    """In at one lot, hours later in and out at the next: its exit there was not seen."""
    assert between(visit(OWN, 0), visit(OTHER, 3000, 6000)) is None
    assert between(visit(OWN, 0), visit(OTHER, 3000)) is None
    assert between(visit(OWN, 0, where=WEST_LAKE), visit(OTHER, 9000, where=NINGBO)) is None


def test_a_read_elsewhere_while_it_was_provably_inside() -> None:
    assert between(visit(OWN, 0, 9000), visit(OTHER, 3000)) is not None
    assert between(visit(OWN, 0, 9000), visit(OTHER, None, 3000)) is not None
    assert between(visit(OWN, 0, 9000), visit(OTHER, 3000, confidence=0.5)) is None


def test_a_leaving_that_a_person_told_is_no_read() -> None:
    assert between(visit(OWN, 0, 9000, exit_lane_id=None), visit(OTHER, 3000, 6000)) is None


def test_clocks_may_differ() -> None:
    assert between(visit(OWN, 0, 9000), visit(OTHER, 8990, 12_000)) is None
    assert between(visit(OWN, 0, 9000), visit(OTHER, 8800, 12_000)) is not None


def test_nobody_drives_from_hangzhou_to_ningbo_in_half_an_hour() -> None:
    left = visit(OWN, 0, 3600, where=WEST_LAKE)
    found = between(left, visit(OTHER, 5400, 9000, where=NINGBO))
    assert found is not None
    assert found.kind is ConflictKind.TOO_FAST
    assert found.speed_kmh == pytest.approx(282, abs=2)
    assert found.distance_km == pytest.approx(141, abs=1)
    assert between(left, visit(OTHER, 3600 + 5400, where=NINGBO)) is None


def test_even_a_missed_exit_does_not_make_a_car_fly() -> None:
    found = between(visit(OWN, 0, where=WEST_LAKE), visit(OTHER, 600, where=NINGBO))
    assert found is not None
    assert found.kind is ConflictKind.TOO_FAST


def test_lots_within_one_another_are_entered_one_after_the_other() -> None:
    outer, inner = visit(OWN, 0, 9000, where=WEST_LAKE), visit(OTHER, 300, 8000, where=NEXT_DOOR)
    assert between(outer, inner) is None
    assert between(visit(OWN, 0, 9000), visit(OTHER, 300, 8000)) is not None


def test_what_is_not_the_same_plate_is_not_compared() -> None:
    one = visit(OWN, 0, 9000)
    assert between(one, visit(OWN, 3000, 6000)) is None
    assert between(one, visit(OTHER, 3000, 6000, colour=PlateColour.YELLOW)) is None
    assert between(one, visit(OTHER, 3000, 6000, colour=PlateColour.UNKNOWN)) is not None


positions = st.builds(Position, latitude=st.floats(29.5, 30.5), longitude=st.floats(119.5, 121.5))


@given(
    places=st.tuples(positions, positions),
    speed=st.floats(1, 119),
    drift=st.integers(-59, 59),
    stays=st.tuples(st.integers(0, 40_000), st.integers(0, 40_000)),
    seen=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_a_car_that_keeps_the_limit_is_never_suspected(
    places: tuple[Position, Position],
    speed: float,
    drift: int,
    stays: tuple[int, int],
    seen: tuple[bool, bool, bool, bool],
) -> None:
    """Whatever is missed of an honest trip from one lot to the next, and whatever clocks say."""
    here, there = places
    out_at = stays[0]
    in_at = out_at + distance_km(here, there) / speed * 3600
    if in_at - out_at <= 120:
        in_at = out_at + 120.0
    first = [0 if seen[0] else None, out_at if seen[1] else None]
    second = [in_at + drift if seen[2] else None, in_at + stays[1] + drift if seen[3] else None]
    if first == [None, None] or second == [None, None]:
        return
    assert between(visit(OWN, *first, where=here), visit(OTHER, *second, where=there)) is None


@given(
    places=st.tuples(positions, positions),
    minutes=st.integers(0, 300),
    speed=st.floats(125, 2_000),
)
def test_a_plate_that_flies_is_always_suspected(
    places: tuple[Position, Position], minutes: int, speed: float
) -> None:
    here, there = places
    apart = distance_km(here, there)
    gap = apart / speed * 3600 - 2 * RULES.clock_drift_tolerance_seconds
    if gap < 1 or apart < 1:
        return
    out_at = 60.0 * minutes + 1
    found = between(
        visit(OWN, 0, out_at, where=here),
        visit(OTHER, out_at + gap, out_at + gap + 999, where=there),
    )
    assert found is not None
    assert found.kind is ConflictKind.TOO_FAST


def decision(number: int, *own: StayId, verdict: Verdict = Verdict.DECIDED) -> CloneDecision:
    return CloneDecision(
        decision_id=UUID(int=number),
        suspicion_id=UUID(int=1),
        verdict=verdict,
        own_stay_ids=own,
        by="operator:city",
        decided_at=at(0) + timedelta(seconds=number),
    )


def test_the_last_word_on_every_suspicion_holds() -> None:
    mine, others = StayId(EventId(UUID(int=5))), StayId(EventId(UUID(int=6)))
    assert hold_of(mine, []) is None
    assert hold_of(mine, [[]]) is StayHold.CLONED_PLATE
    assert hold_of(mine, [[decision(1, mine)]]) is None
    assert hold_of(others, [[decision(1, mine)]]) is StayHold.OTHER_CAR
    assert hold_of(mine, [[decision(1, others), decision(2, mine, others)]]) is None
    assert hold_of(mine, [[decision(2, others), decision(1, mine)]]) is StayHold.OTHER_CAR
    assert hold_of(mine, [[decision(1, verdict=Verdict.LIFTED)]]) is None
    assert hold_of(mine, [[decision(1, mine)], []]) is StayHold.CLONED_PLATE
    assert hold_of(mine, [[decision(1, others)], []]) is StayHold.OTHER_CAR
