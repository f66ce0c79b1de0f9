"""Corrections and withdrawals: what counts in the end, whatever came first."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.corrections import ConflictingFactsError, effective_events, plates_touched
from parking.core.events import Fact, LaneEvent, PlateColour
from parking.core.folding import fold
from parking.core.plate import Plate
from tests.core.facts import (
    OTHER,
    PLATE,
    PLATES,
    RULES,
    THIRD,
    at,
    correction,
    entry,
    fact_sets,
    withdrawal,
)


def plates_of(*facts: Fact) -> list[Plate | None]:
    return [event.read.plate for event in effective_events(facts)]


def test_the_correction_recorded_last_wins_and_the_higher_id_on_a_tie() -> None:
    event = entry(0)
    early = correction(event, OTHER, number=1002, recorded=100)
    late = correction(event, THIRD, number=1001, recorded=200)
    assert plates_of(late, event, early) == [THIRD]
    tied = correction(event, OTHER, number=1003, recorded=200)
    assert plates_of(tied, event, late) == plates_of(late, event, tied) == [OTHER]


def test_a_withdrawn_correction_does_not_count() -> None:
    event = entry(0)
    early = correction(event, OTHER, number=1001, recorded=100)
    late = correction(event, THIRD, number=1002, recorded=200)
    facts: list[Fact] = [event, early, late, withdrawal(late, number=1003)]
    assert plates_of(*facts) == [OTHER]
    assert plates_of(*facts, withdrawal(early, number=1004)) == [PLATE]


def test_a_withdrawn_event_stays_withdrawn() -> None:
    event = entry(0)
    gone = withdrawal(event, number=1000)
    fix = correction(event, OTHER, number=1001, recorded=99_000)
    assert plates_of(event, gone, fix, withdrawal(gone, number=1002)) == []


def test_a_correction_without_a_colour_keeps_the_camera_s() -> None:
    event = entry(0, colour=PlateColour.GREEN)
    (same,) = effective_events([event, correction(event, OTHER, number=1000)])
    assert same.read.colour is PlateColour.GREEN
    fix = correction(event, OTHER, number=1000, colour=PlateColour.BLUE)
    (other,) = effective_events([event, fix])
    assert other.read.colour is PlateColour.BLUE


def test_the_same_fact_recorded_twice_counts_once_as_of_the_first_time() -> None:
    event = entry(0)
    again = replace(event, recorded_at=at(500))
    assert effective_events([again, event]) == effective_events([event, again]) == [event]


def test_two_facts_of_one_id_are_a_conflict() -> None:
    with pytest.raises(ConflictingFactsError):
        effective_events([entry(0), entry(0, OTHER)])


def test_a_correction_touches_the_old_and_the_new_plate() -> None:
    event = entry(0)
    fix = correction(event, OTHER, number=1000)
    assert plates_touched(event, known=[]) == {PLATE}
    assert plates_touched(fix, known=[event]) == {PLATE, OTHER}
    assert plates_touched(event, known=[fix]) == {OTHER}
    assert plates_touched(fix, known=[]) == frozenset()
    assert plates_touched(fix, known=[event, fix]) == frozenset()
    assert plates_touched(withdrawal(fix, number=1001), known=[event, fix]) == {PLATE, OTHER}
    assert plates_touched(withdrawal(event, number=1001), known=[event, fix]) == {OTHER}
    unread = entry(0, None)
    assert plates_touched(correction(unread, PLATE, number=1000), known=[unread]) == {PLATE}


@given(fact_sets(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(facts: list[Fact], random: Random) -> None:
    def key(event: LaneEvent) -> str:
        return str(event.event_id)

    expected = sorted(effective_events(facts), key=key)
    random.shuffle(facts)
    assert sorted(effective_events([*facts, *facts]), key=key) == expected


@given(fact_sets())
def test_plates_that_a_fact_does_not_touch_keep_their_stays(facts: list[Fact]) -> None:
    for count, fact in enumerate(facts):
        touched = plates_touched(fact, known=facts[:count])
        for plate in set(PLATES) - touched:
            before = fold(facts[:count], plate=plate, rules=RULES)
            assert fold(facts[: count + 1], plate=plate, rules=RULES) == before
