"""Occupancy: the same in any order of the facts, within the lot's walls, and fading with doubt."""

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core.events import Fact, LaneEvent, PlateColour
from parking.core.folding import fold
from parking.core.ids import LotId, OperatorId, TariffId
from parking.core.occupancy import (
    MOST_LOTS,
    SHARES,
    Habit,
    Occupancy,
    Recount,
    apportion,
    cars_inside,
    class_of,
    habit_of,
    newest_recount,
    occupancy,
    still_inside,
    traffic_of,
)
from parking.core.place import Lot
from parking.core.plate import Plate
from parking.core.stay import Stay
from parking.core.vehicle import VehicleKind
from tests.core.facts import LOT, PLATES, RULES, at, entry, fact_sets, leave

MAXIMUM = timedelta(hours=RULES.maximum_stay_hours)
SMALL, LARGE = VehicleKind.SMALL, VehicleKind.LARGE
NEW_ENERGY = VehicleKind.NEW_ENERGY
HABIT = Habit(
    lasting_seconds=(300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300),
    missed_share=0.02,
)
NEVER_MISSED = Habit(lasting_seconds=HABIT.lasting_seconds, missed_share=1e-9)


def lot(spaces: int = 10, **classes: int) -> Lot:
    return Lot(
        lot_id=LOT,
        operator_id=OperatorId("city"),
        name_zh="西湖",
        name_en="West Lake",
        zone="Asia/Shanghai",
        spaces=spaces,
        tariff_id=TariffId("plain"),
        rules=RULES,
        class_spaces={VehicleKind(kind): spaces for kind, spaces in classes.items()},
    )


def recount(seconds: float, cars: int, *, number: int = 1, **classes: int) -> Recount:
    return Recount(
        recount_id=UUID(int=number),
        lot_id=LotId(LOT),
        counted_at=at(seconds),
        recorded_at=at(seconds + 5),
        cars=cars,
        by_class={VehicleKind(kind): count for kind, count in classes.items()} or None,
        by="operator:city",
    )


def stays_of(facts: list[Fact]) -> list[Stay]:
    return [stay for plate in PLATES for stay in fold(facts, plate=plate, rules=RULES)]


def full(
    facts: list[Fact],
    seconds: float,
    *recounts: Recount,
    where: Lot | None = None,
    habit: Habit = HABIT,
) -> Occupancy:
    """The whole way, from facts to free spaces."""
    counted = newest_recount(recounts, now=at(seconds))
    traffic = traffic_of(stays_of(facts), recount=counted)
    return occupancy(traffic, lot=where or lot(), recount=counted, habit=habit, now=at(seconds))


recounts_of = st.lists(
    st.builds(
        recount,
        st.sampled_from([0, 30, 600, 3000, 9000]),
        st.integers(0, 12),
        number=st.integers(1, 99),
    ),
    max_size=3,
)
habits = st.builds(
    lambda seconds, share: Habit(lasting_seconds=tuple(sorted(seconds)), missed_share=share),
    st.lists(st.integers(0, 10_000), min_size=len(SHARES), max_size=len(SHARES)),
    st.floats(0.001, 0.999),
)


@given(
    facts=fact_sets(),
    recounts=recounts_of,
    seconds=st.integers(0, 20_000),
    seed=st.integers(0, 999),
)
def test_any_order_of_the_facts_gives_the_same_occupancy(
    facts: list[Fact], recounts: list[Recount], seconds: int, seed: int
) -> None:
    before = full(facts, seconds, *recounts)
    shuffled, recounted = [*facts, *facts[:3]], [*recounts, *recounts]
    Random(seed).shuffle(shuffled)
    Random(seed).shuffle(recounted)
    assert full(shuffled, seconds, *recounted) == before


@given(
    facts=fact_sets(),
    recounts=recounts_of,
    seconds=st.integers(0, 20_000),
    spaces=st.integers(0, 5),
    for_new_energy=st.integers(0, 5),
    habit=habits,
)
def test_free_spaces_lie_between_nothing_and_the_capacity(
    facts: list[Fact],
    recounts: list[Recount],
    seconds: int,
    spaces: int,
    for_new_energy: int,
    habit: Habit,
) -> None:
    where = lot(spaces, new_energy=min(spaces, for_new_energy))
    seen = full(facts, seconds, *recounts, where=where, habit=habit)
    assert 0 <= seen.free <= seen.capacity == spaces
    assert all(0 <= each.free <= min(each.capacity, seen.free) for each in seen.classes)
    assert sum(each.occupied for each in seen.classes) == seen.occupied >= 0
    most = sum(each.cars for each in recounts) + seen.open_stays
    assert seen.occupied <= most


@given(habit=habits, ages=st.lists(st.integers(0, 5_000), min_size=2, max_size=6))
def test_doubt_only_grows_with_age_and_ends_at_the_maximum_stay(
    habit: Habit, ages: list[int]
) -> None:
    sure = [
        still_inside(timedelta(seconds=age), habit=habit, maximum=MAXIMUM) for age in sorted(ages)
    ]
    assert sure == sorted(sure, reverse=True)
    assert all(0 <= each <= 1 for each in sure)
    assert still_inside(timedelta(0), habit=habit, maximum=MAXIMUM) == 1
    assert still_inside(MAXIMUM, habit=habit, maximum=MAXIMUM) == 0


@given(age=st.integers(0, 3_599), habit=habits)
def test_where_exits_are_hardly_missed_open_stays_are_cars(age: int, habit: Habit) -> None:
    careful = Habit(lasting_seconds=habit.lasting_seconds, missed_share=1e-12)
    sure = still_inside(timedelta(seconds=age), habit=careful, maximum=MAXIMUM)
    assert sure > 0.99 or age > habit.lasting_seconds[-1]


@given(facts=fact_sets(), seconds=st.integers(0, 20_000))
def test_nothing_is_inside_that_is_older_than_the_maximum_stay(
    facts: list[Fact], seconds: int
) -> None:
    newest = max((fact.occurred_at for fact in facts), default=at(0))
    late = (newest - at(0)).total_seconds() + seconds + MAXIMUM.total_seconds() + 900
    assert full(facts, late).occupied == 0


def test_the_rule_in_figures() -> None:
    # Half of the stays outlast 1500 s; two of a hundred exits are missed.
    sure = still_inside(timedelta(seconds=1500), habit=HABIT, maximum=MAXIMUM)
    assert sure == pytest.approx(0.5 / (0.5 + 0.02 * 0.5))
    between = still_inside(timedelta(seconds=1650), habit=HABIT, maximum=MAXIMUM)
    assert between == pytest.approx(0.45 / (0.45 + 0.02 * 0.55))


def test_entries_and_exits_count_from_a_recount() -> None:
    stays = [stay_of(entry(100 + 10 * n, Plate(f"浙A0000{n}"))) for n in range(4)]
    counted = recount(200, 3)
    kept = cars_inside(
        traffic_of(stays, recount=counted),
        recount=counted,
        habit=HABIT,
        maximum=MAXIMUM,
        now=at(200),
    )
    assert kept == {SMALL: 3.0}, "a recount says how many there are, whatever stays are open"
    first = Plate("浙A00000")
    gone = stay_of(entry(100, first), leave(210, first))
    came = stay_of(entry(220, Plate("浙A00009")))
    assert full_of([*stays[1:], gone, came], counted, 230).occupied == 3
    unseen = stay_of(leave(225, Plate("粤B11111")))
    assert full_of([*stays[1:], gone, came, unseen], counted, 230).occupied == 2


def stay_of(*events: LaneEvent) -> Stay:
    plate = events[0].read.plate
    assert plate is not None
    (stay,) = fold(events, plate=plate, rules=RULES)
    return stay


def full_of(stays: list[Stay], counted: Recount, seconds: float) -> Occupancy:
    traffic = traffic_of(stays, recount=counted)
    return occupancy(traffic, lot=lot(), recount=counted, habit=NEVER_MISSED, now=at(seconds))


@given(
    cars=st.integers(0, 9),
    left=st.integers(0, 9),
    came=st.integers(0, 9),
    seconds=st.integers(0, 299),
)
def test_what_was_counted_less_what_left_and_what_came(
    cars: int, left: int, came: int, seconds: int
) -> None:
    exits = [stay_of(leave(1000 + n, Plate(f"浙A1000{n}"))) for n in range(left)]
    entries = [stay_of(entry(1000 + n, Plate(f"浙A2000{n}"))) for n in range(came)]
    stays = [*exits, *entries]
    assert full_of(stays, recount(999, cars), 1010 + seconds).occupied == max(0, cars - left) + came


def test_the_last_count_is_the_one_that_counts() -> None:
    earlier, later, ahead = recount(100, 9), recount(200, 4, number=2), recount(900, 1, number=3)
    assert newest_recount([later, ahead, earlier], now=at(300)) == later
    twin = recount(200, 5, number=7)
    assert newest_recount([twin, later], now=at(300)) == twin
    assert newest_recount([ahead], now=at(300)) is None


def test_classes_come_from_plates_and_counts() -> None:
    assert class_of(Plate("浙A8B762"), PlateColour.BLUE) is SMALL
    assert class_of(Plate("浙A8B762"), PlateColour.YELLOW) is LARGE
    assert class_of(Plate("浙AD12345"), PlateColour.GREEN) is NEW_ENERGY
    assert class_of(Plate("浙A8B762"), PlateColour.UNKNOWN) is SMALL
    counted = recount(100, 7, small=4, new_energy=3)
    seen = full([], 100, counted, where=lot(10, new_energy=3))
    assert {each.kind: each.occupied for each in seen.classes} == {SMALL: 4, NEW_ENERGY: 3}
    assert {each.kind: each.free for each in seen.classes} == {SMALL: 3, NEW_ENERGY: 0}


def test_a_count_without_classes_is_shared_as_the_stays_say() -> None:
    green = stay_of(entry(10, Plate("浙AD12345"), colour=PlateColour.GREEN))
    stays = [green, stay_of(entry(20, Plate("浙A8B762")))]
    counted = recount(100, 6)
    inside = cars_inside(
        traffic_of(stays, recount=counted),
        recount=counted,
        habit=HABIT,
        maximum=MAXIMUM,
        now=at(100),
    )
    assert inside == {SMALL: 3.0, NEW_ENERGY: 3.0}


@given(
    whole=st.integers(0, 500),
    parts=st.dictionaries(st.sampled_from(VehicleKind), st.floats(0, 1e4), max_size=4),
)
def test_sharing_out_loses_nothing(whole: int, parts: dict[VehicleKind, float]) -> None:
    assert sum(apportion(whole, parts).values()) == whole


@given(
    minutes=st.lists(st.integers(0, 20_000), max_size=120),
    missed=st.integers(0, 50),
    seed=st.integers(0, 99),
)
def test_a_habit_is_learned_in_any_order(minutes: list[int], missed: int, seed: int) -> None:
    lasting = [timedelta(minutes=each) for each in minutes]
    learned = habit_of(lasting, missed=missed)
    Random(seed).shuffle(lasting)
    assert habit_of(lasting, missed=missed) == learned
    assert list(learned.lasting_seconds) == sorted(learned.lasting_seconds)
    assert 0 < learned.missed_share < 1
    if len(minutes) < 50:
        assert learned.lasting_seconds == MOST_LOTS.lasting_seconds
