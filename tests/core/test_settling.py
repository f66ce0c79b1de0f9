"""A settled stay stands for all facts before it: folding from there gives what folding all does."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parking.core.corrections import plates_touched
from parking.core.events import Ending, Fact, LaneEvent, VehicleEntered, VehicleExited, amended_by
from parking.core.folding import fold
from parking.core.plate import Plate
from parking.core.settling import last_settled
from parking.core.stay import Stay, StayState
from parking.core.triggers import REPEATS_WITHIN
from tests.core.facts import (
    CREDENTIALS,
    OTHER,
    PLATE,
    RULES,
    at,
    correction,
    ending,
    entry,
    fact_sets,
    lane_events,
    leave,
    withdrawal,
)

DAY = 86_400


def changed_since(fact: Fact, known: Sequence[Fact]) -> datetime | None:
    """The earliest instant that a new fact may change, as the database works it out."""
    by_id = {each.event_id: each for each in [*known, fact]}
    named = fact
    while not isinstance(named, VehicleEntered | VehicleExited):
        if amended_by(named) not in by_id:
            return None
        named = by_id[amended_by(named)]
    return named.occurred_at - REPEATS_WITHIN


def bearing_on(facts: Iterable[Fact], stay: Stay | None) -> list[Fact]:
    """What is enough to fold the stays after a settled one."""
    facts = list(facts)
    if stay is None:
        return facts
    events = [fact for fact in facts if isinstance(fact, VehicleEntered | VehicleExited)]
    near = [each for each in events if each.occurred_at >= stay.last_seen_at - REPEATS_WITHIN]
    names = {each.event_id for each in near}
    words: list[Fact] = []
    for _ in range(2):  # words about the events, and about those words
        more = [
            fact
            for fact in facts
            if not isinstance(fact, VehicleEntered | VehicleExited)
            and amended_by(fact) in names
            and fact not in words
        ]
        words += more
        names = {fact.event_id for fact in more}
    return [*near, *words]


def folded_on(
    known: Sequence[Fact], fact: Fact, since: datetime, plate: Plate, *, page: int = 8
) -> tuple[tuple[Stay, ...], Stay | None]:
    """The stays with one more fact, folded from the last settled stay."""
    before = fold(known, plate=plate, rules=RULES)
    newest_first = [each for each in reversed(before) if each.last_seen_at < since][:page]
    settled = last_settled(newest_first, before=since, rules=RULES)
    kept = () if settled is None else before[: before.index(settled) + 1]
    facts = bearing_on([*known, fact], settled)
    return (*kept, *fold(facts, plate=plate, rules=RULES, after=settled)), settled


def check(known: Sequence[Fact], fact: Fact, since: datetime) -> None:
    touched = plates_touched(fact, known=known, rules=RULES)
    for plate in touched & set(CREDENTIALS):
        now, _ = folded_on(known, fact, since, plate)
        assert now == fold([*known, fact], plate=plate, rules=RULES)


@given(st.data(), fact_sets())
def test_folding_from_the_last_settled_stay_is_folding_all(
    data: st.DataObject, facts: list[Fact]
) -> None:
    """Whatever the facts, and whichever of them comes last: late, a correction, a taking back."""
    *known, fact = data.draw(st.permutations(facts)) or [entry(0)]
    since = changed_since(fact, known)
    if since is not None:
        check(known, fact, since)


@given(lane_events(max_size=16), st.integers(0, 15))
@example([leave(0), entry(31), entry(7_000, number=9), leave(7_000)], 2)
def test_a_late_event_is_folded_in_from_just_before_it(events: list[LaneEvent], place: int) -> None:
    """An event about which nothing was said changes nothing before its own instant."""
    if events:
        late = events.pop(place % len(events))
        check(events, late, late.occurred_at)


def visits(number: int) -> list[Fact]:
    return [
        seen
        for day in range(number)
        for seen in (entry(day * DAY, number=4 * day), leave(day * DAY + 600, number=4 * day + 1))
    ]


@pytest.mark.parametrize("number", [4, 40, 400])
def test_what_is_folded_does_not_grow_with_the_stays_before(number: int) -> None:
    known = visits(number)
    last = (number - 1) * DAY
    late = entry(last + 300, number=9_001)
    now, settled = folded_on(known, late, late.occurred_at, PLATE)
    assert settled is not None
    assert len(bearing_on([*known, late], settled)) == 7
    assert [each.state for each in now[-2:]] == [StayState.MISSED_EXIT, StayState.CLOSED]


@pytest.mark.parametrize(
    "stays",
    [
        pytest.param([entry(day * DAY, number=day) for day in range(9)], id="exits missed"),
        pytest.param([leave(day * DAY, number=day) for day in range(9)], id="entries missed"),
        pytest.param(
            [
                fact
                for day in range(9)
                for came in [entry(day * DAY, number=2 * day)]
                for fact in (came, ending(came, Ending.LEFT, day * DAY + 600, number=2 * day + 1))
            ],
            id="ended by hand",
        ),
    ],
)
def test_stays_seen_at_one_end_settle_too(stays: list[Fact]) -> None:
    late = leave(8 * DAY + 300, number=9_001)
    _, settled = folded_on(stays, late, late.occurred_at, PLATE)
    assert settled is not None
    assert settled.last_seen_at >= at(6 * DAY)


def test_nothing_is_settled_where_the_next_stay_began_within_the_debounce() -> None:
    """An end by hand between two triggers of one car: whether an exit follows them is still open.

    The exit that left first is paired by drift as soon as the last one is withdrawn.
    """
    came = entry(10, number=2)
    word = ending(came, Ending.LEFT, 15, number=1_000, recorded=100)
    went = leave(600, number=4)
    known: list[Fact] = [leave(0, number=1), came, word, entry(30, number=3), went]
    stays = fold(known, plate=PLATE, rules=RULES)
    assert [each.state for each in stays] == [
        StayState.MISSED_ENTRY,
        StayState.CLOSED,
        StayState.CLOSED,
    ]
    assert last_settled(stays[::-1], before=at(600), rules=RULES) is None
    gone = withdrawal(went, number=1_001)
    assert len(fold([*known, gone], plate=PLATE, rules=RULES)) == 1
    check(known, gone, at(600))


def test_a_correction_of_an_old_event_folds_from_there() -> None:
    known = visits(40)
    fix = correction(known[20], OTHER, number=9_001, recorded=50 * DAY)
    since = changed_since(fix, known)
    assert since is not None
    now, settled = folded_on(known, fix, since, PLATE)
    assert now == fold([*known, fix], plate=PLATE, rules=RULES)
    assert settled is not None
    assert settled.entered_at == at(8 * DAY)
