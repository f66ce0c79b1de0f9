"""Look-alikes: one character off, in a way that recognisers are."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.events import Candidate, Fact, PlateColour, PlateRead
from parking.core.folding import fold
from parking.core.ids import StayId
from parking.core.lookalike import (
    LOOKALIKES,
    is_lookalike,
    lookalike_weight,
    lookalikes_of,
    resemblance,
)
from parking.core.matching import clear_winner, ranked
from parking.core.plate import Plate
from parking.core.stay import Stay
from tests.core.facts import OTHER, PLATE, RULES, at, entry, event_id, leave

BLUE, GREEN, UNKNOWN = PlateColour.BLUE, PlateColour.GREEN, PlateColour.UNKNOWN
NOTHING: Mapping[object, PlateRead] = MappingProxyType({})
_plates = st.text(alphabet="浙津京琼粤0OD8B2Z5S17TLA", min_size=7, max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("浙A8B762", "浙A88762", True),
        ("浙A8B762", "津A8B762", True),
        ("浙A8B762", "浙A8B7Z2", False),
        ("浙A8B762", "浙A8B76Z", True),
        ("浙A8B762", "浙A8B762", False),
        ("浙A8B762", "浙A88763", False),
        ("浙A8B762", "浙AB8762", False),
        ("浙AD12345", "浙A012345", True),
        ("浙A8B762", "浙A8B7622", False),
        ("", "", False),
    ],
)
def test_exactly_one_confusable_character(one: str, other: str, alike: bool) -> None:  # noqa: FBT001
    assert is_lookalike(one, other) is alike


@given(_plates, _plates)
def test_alike_goes_both_ways_and_never_to_itself(one: str, other: str) -> None:
    assert lookalike_weight(one, other) == lookalike_weight(other, one)
    assert not is_lookalike(one, one)


def test_weights_are_shares_of_pairs() -> None:
    assert all(len(pair) == 2 and 0.0 < weight <= 1.0 for pair, weight in LOOKALIKES.items())


def open_stay(plate: str, seconds: float = 0, colour: PlateColour = BLUE) -> Stay:
    event = entry(seconds, Plate(plate), colour=colour)
    (stay,) = fold([event], plate=Plate(plate), rules=RULES)
    return stay


def found(
    *stays: Stay,
    colour: PlateColour = BLUE,
    left: float = 600,
    exit_thought: tuple[Candidate, ...] = (),
    entry_thought: Mapping[object, PlateRead] = NOTHING,
) -> Stay | None:
    candidates = ranked(
        read=PlateRead(plate=PLATE, colour=colour, confidence=0.9, candidates=exit_thought),
        left_at=at(left),
        open_stays=stays,
        entry_reads=entry_thought,
        rules=RULES,
    )
    return clear_winner(candidates, rules=RULES)


def test_the_only_candidate_is_the_near_miss() -> None:
    stay = open_stay("浙A88762")
    assert found(stay, open_stay(OTHER), open_stay("粤B12345")) == stay
    assert found(stay, colour=UNKNOWN) == stay


def test_two_candidates_are_none() -> None:
    assert found(open_stay("浙A88762"), open_stay("浙A8876Z")) is not None
    assert found(open_stay("浙A88762"), open_stay("浙A8B76Z")) is None


def test_a_weak_resemblance_is_for_a_person() -> None:
    weak, strong, near = open_stay("沪A8B762"), open_stay("浙A88762"), open_stay("津A8B762")
    assert is_lookalike(weak.plate, PLATE)
    assert found(weak) is None
    assert found(weak, strong) == strong
    assert found(near, weak) is None
    assert found(near) == near


def test_two_misread_characters_are_shown_but_never_matched() -> None:
    stay = open_stay("浙A8876Z")
    assert resemblance(stay.plate, PLATE) == pytest.approx(0.9 * 0.9 / 2)
    assert found(stay) is None


def test_what_the_cameras_thought_of_speaks_for_a_stay() -> None:
    unlike = open_stay("浙A1B762")
    assert found(unlike) is None
    assert found(unlike, exit_thought=(Candidate("浙A·1B762", 0.6),)) == unlike
    assert found(unlike, exit_thought=(Candidate("浙A1B762", 0.4), Candidate("?", 0.9))) is None
    thought = PlateRead(plate=unlike.plate, candidates=(Candidate(PLATE, 0.5),))
    assert found(unlike, entry_thought={unlike.entry_event_id: thought}) == unlike


def test_candidates_break_a_tie_between_lookalikes() -> None:
    one, other = open_stay("浙A88762"), open_stay("浙A8B76Z")
    assert found(one, other) is None
    doubtful = [open_stay("津A8B762"), open_stay("琼A8B762")]
    assert found(*doubtful, exit_thought=(Candidate("津A8B762", 0.5),)) == doubtful[0]


@given(_plates)
def test_the_lookalikes_of_a_plate_are_those_that_differ_so(plate: str) -> None:
    assert all(is_lookalike(plate, other) for other in lookalikes_of(plate))


def test_a_stay_that_cannot_be_leaving_is_no_candidate() -> None:
    stay = open_stay("浙A88762")
    assert found(stay, colour=GREEN) is None
    assert found(open_stay("浙A88762", seconds=601)) is None
    assert found(stay, left=3601) is None
    events: list[Fact] = [entry(0, stay.plate), leave(300, stay.plate)]
    (closed,) = fold(events, plate=stay.plate, rules=RULES)
    assert found(closed) is None
    assert found(closed, replace(stay, stay_id=StayId(event_id(9)))) is not None
