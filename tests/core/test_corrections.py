"""Corrections and withdrawals: what counts in the end, whatever came first."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.corrections import ConflictingFactsError, effective_events, plates_touched
from parking.core.events import Ending, Fact, LaneEvent, PlateColour
from parking.core.folding import fold
from parking.core.ids import LaneId
from parking.core.plate import Plate
from tests.core.facts import (
    CREDENTIALS,
    OTHER,
    PLATE,
    RULES,
    THIRD,
    at,
    correction,
    ending,
    entry,
    fact_sets,
    leave,
    withdrawal,
)


def plates_of(*facts: Fact) -> list[Plate | None]:
    return [event.read.plate for event in effective_events(facts, rules=RULES)]


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
    (same,) = effective_events([event, correction(event, OTHER, number=1000)], rules=RULES)
    assert same.read.colour is PlateColour.GREEN
    fix = correction(event, OTHER, number=1000, colour=PlateColour.BLUE)
    (other,) = effective_events([event, fix], rules=RULES)
    assert other.read.colour is PlateColour.BLUE


def test_the_same_fact_recorded_twice_counts_once_as_of_the_first_time() -> None:
    event = entry(0)
    again = replace(event, recorded_at=at(500))
    assert effective_events([again, event], rules=RULES) == [event]
    assert effective_events([event, again], rules=RULES) == [event]


def test_two_facts_of_one_id_are_a_conflict() -> None:
    with pytest.raises(ConflictingFactsError):
        effective_events([entry(0), entry(0, OTHER)], rules=RULES)


def test_a_correction_touches_the_old_and_the_new_plate() -> None:
    event = entry(0)
    fix = correction(event, OTHER, number=1000)

    def touched(fact: Fact, *known: Fact) -> frozenset[Plate]:
        return plates_touched(fact, known=known, rules=RULES)

    assert touched(event) == {PLATE}
    assert touched(fix, event) == {PLATE, OTHER}
    assert touched(event, fix) == {OTHER}
    assert touched(fix) == frozenset()
    assert touched(fix, event, fix) == frozenset()
    assert touched(withdrawal(fix, number=1001), event, fix) == {PLATE, OTHER}
    assert touched(withdrawal(event, number=1001), event, fix) == {OTHER}
    unread = entry(0, None)
    assert touched(correction(unread, PLATE, number=1000), unread) == {PLATE}


@given(fact_sets(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(facts: list[Fact], random: Random) -> None:
    def key(event: LaneEvent) -> str:
        return str(event.event_id)

    expected = sorted(effective_events(facts, rules=RULES), key=key)
    random.shuffle(facts)
    assert sorted(effective_events([*facts, *facts], rules=RULES), key=key) == expected


@given(fact_sets())
def test_plates_that_a_fact_does_not_touch_keep_their_stays(facts: list[Fact]) -> None:
    for count, fact in enumerate(facts):
        touched = plates_touched(fact, known=facts[:count], rules=RULES)
        for plate in set(CREDENTIALS) - touched:
            before = fold(facts[:count], plate=plate, rules=RULES)
            assert fold(facts[: count + 1], plate=plate, rules=RULES) == before


def test_a_correction_holds_for_the_repeated_triggers_of_the_car() -> None:
    """Also for one that arrives long after: it opens no stay of a car that never came."""
    misread = [entry(0, OTHER), entry(20, OTHER), entry(45, OTHER)]
    fix = correction(misread[1], PLATE, number=1000)
    assert plates_of(*misread, fix) == [PLATE, PLATE, PLATE]
    assert fold([*misread, fix], plate=OTHER, rules=RULES) == ()
    (stay,) = fold([*misread, fix], plate=PLATE, rules=RULES)
    assert (stay.entry_event_id, stay.last_seen_at) == (misread[0].event_id, at(45))


def test_a_correction_does_not_hold_for_another_car_read_alike() -> None:
    first, later = entry(0, OTHER), entry(31, OTHER)
    fix = correction(first, PLATE, number=1000)
    assert plates_of(first, later, fix) == [PLATE, OTHER]
    elsewhere = replace(entry(10, OTHER), lane_id=LaneId("in-2"))
    assert plates_of(first, elsewhere, fix) == [PLATE, OTHER]
    assert plates_of(first, leave(10, OTHER), fix) == [PLATE, OTHER]
    unread = [entry(0, None), entry(10, None)]
    assert plates_of(*unread, correction(unread[0], PLATE, number=1000)) == [PLATE, None]


def test_a_trigger_of_which_something_was_said_follows_no_other() -> None:
    chain = [entry(0, OTHER), entry(20, OTHER), entry(40, OTHER)]
    fixes = [correction(chain[0], PLATE, number=1000), correction(chain[1], THIRD, number=1001)]
    assert plates_of(*chain, *fixes) == [PLATE, THIRD, THIRD]
    taken_back = withdrawal(chain[1], number=1002)
    assert plates_of(*chain, *fixes, taken_back) == [PLATE, PLATE]


def test_a_stay_that_never_was_takes_all_its_triggers_back() -> None:
    chain = [entry(0), entry(20), entry(40)]
    word = ending(chain[1], Ending.NEVER_WAS, 100, number=1000)
    assert plates_of(*chain, word) == []
    assert plates_of(*chain, word, withdrawal(word, number=1001)) == [PLATE, PLATE, PLATE]
