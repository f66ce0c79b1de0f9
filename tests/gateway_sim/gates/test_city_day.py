"""A made-up day is the same for the same seed, and its truth agrees with itself."""

from datetime import date, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.gates.city_day import LotPlan, NoRoomError, city_day
from gateway_sim.gates.scenario import Mishap, Scenario, ScenarioError, from_json, to_json
from lpr.core.plate_format import kind_of
from parking.core.lookalike import is_lookalike
from parking.core.plate import normalise_plate

LOTS = (LotPlan(lot="riverside", entries=("in", "in-2")), LotPlan(lot="old-town"))
DAY = date(2026, 11, 22)
ZONE = "Asia/Shanghai"


def made(seed: int, cars: int = 24) -> Scenario:
    return city_day(seed=seed, day=DAY, zone=ZONE, lots=LOTS, cars=cars)


seeds = st.integers(0, 2**31)
few = settings(max_examples=25)


@few
@given(seeds)
def test_the_same_seed_makes_the_same_day_and_json_keeps_it(seed: int) -> None:
    assert made(seed) == made(seed)
    kept = from_json(to_json(made(seed)))
    assert to_json(kept) == to_json(made(seed))


@few
@given(seeds)
def test_every_visit_is_two_passes_of_one_lot(seed: int) -> None:
    day = made(seed)
    assert len({visit.plate for visit in day.visits}) == 24
    passes = {(item.plate, item.captured_at): item for item in day.passes}
    assert len(passes) == len(day.passes) == 2 * len(day.visits)
    for visit in day.visits:
        came, went = passes[visit.plate, visit.entered_at], passes[visit.plate, visit.left_at]
        assert came.lane.startswith(f"{visit.lot}/in")
        assert went.lane == f"{visit.lot}/out"
        assert went.delivered is (visit.mishap is not Mishap.MISSED_EXIT)
        assert (came.shows is not None) is (visit.mishap is Mishap.DIRTY_ENTRY)


@few
@given(seeds)
def test_times_lie_within_the_day_clear_of_each_other_and_of_quarters(seed: int) -> None:
    day = made(seed)
    for visit in day.visits:
        minutes = (visit.left_at - visit.entered_at) // timedelta(minutes=1)
        assert 3 <= minutes % 15 <= 12
        for moment in (visit.entered_at, visit.left_at):
            assert moment.astimezone(ZoneInfo(ZONE)).date() == DAY
    for one, other in combinations(day.passes, 2):
        if one.lane == other.lane:
            assert abs(one.captured_at - other.captured_at) >= timedelta(minutes=2)


@few
@given(seeds)
def test_plates_are_plates_and_only_dirt_makes_two_alike(seed: int) -> None:
    day = made(seed)
    plates = {visit.plate for visit in day.visits}
    for plate in plates:
        assert normalise_plate(plate) == plate
        assert kind_of(plate) is not None
    assert not any(is_lookalike(one, other) for one, other in combinations(sorted(plates), 2))
    for item in day.passes:
        if item.shows is not None:
            assert item.plate is not None
            assert is_lookalike(item.plate, item.shows)
            assert kind_of(item.shows) is not None


def test_a_car_whose_exit_was_missed_comes_again() -> None:
    missed = [
        (visit, day)
        for day in map(made, range(20))
        for visit in day.visits
        if visit.mishap is Mishap.MISSED_EXIT
    ]
    again = [
        any(v.plate == visit.plate and v.entered_at > visit.left_at for v in day.visits)
        for visit, day in missed
    ]
    assert sum(again) > len(missed) / 2 > 0


def test_more_cars_than_fit_are_refused() -> None:
    with pytest.raises(NoRoomError, match="5000 cars do not fit"):
        city_day(seed=1, day=DAY, zone=ZONE, lots=(LotPlan(lot="tiny"),), cars=5000)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"{", "truncated"),
        (b'{"passes": [{}]}', "required field"),
        (
            b'{"passes": [{"lane": "../up", "captured_at": "2026-11-22T09:00:00Z", "plate": "A"}]}',
            "regex",
        ),
        (
            b'{"passes": [{"lane": "in", "captured_at": "2026-11-22T09:00:00", "plate": "A"}]}',
            "timezone",
        ),
    ],
)
def test_what_is_no_scenario_is_refused_with_the_reason(document: bytes, reason: str) -> None:
    with pytest.raises(ScenarioError, match=reason):
        from_json(document, source="day.json")
