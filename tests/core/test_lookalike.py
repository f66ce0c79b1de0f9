"""Look-alikes: one character off, in a way that recognisers are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.events import Fact, PlateColour
from parking.core.folding import fold
from parking.core.ids import StayId
from parking.core.lookalike import LOOKALIKES, is_lookalike, lookalike_weight, near_miss
from parking.core.plate import Plate
from parking.core.stay import Stay
from tests.core.facts import OTHER, PLATE, RULES, at, entry, event_id, leave

BLUE, GREEN, UNKNOWN = PlateColour.BLUE, PlateColour.GREEN, PlateColour.UNKNOWN
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


def found(*stays: Stay, colour: PlateColour = BLUE, left: float = 600) -> Stay | None:
    return near_miss(plate=PLATE, colour=colour, left_at=at(left), open_stays=stays, rules=RULES)


def test_the_only_candidate_is_the_near_miss() -> None:
    stay = open_stay("浙A88762")
    assert found(stay, open_stay(OTHER), open_stay("粤B12345")) == stay
    assert found(stay, colour=UNKNOWN) == stay


def test_two_candidates_are_none() -> None:
    assert found(open_stay("浙A88762"), open_stay("浙A8876Z")) is not None
    assert found(open_stay("浙A88762"), open_stay("浙A8B76Z")) is None


def test_a_weak_resemblance_is_for_a_person_and_still_makes_another_doubtful() -> None:
    weak, strong = open_stay("沪A8B762"), open_stay("浙A88762")
    assert is_lookalike(weak.plate, PLATE)
    assert found(weak) is None
    assert found(weak, strong) is None


def test_a_stay_that_cannot_be_leaving_is_no_candidate() -> None:
    stay = open_stay("浙A88762")
    assert found(stay, colour=GREEN) is None
    assert found(open_stay("浙A88762", seconds=601)) is None
    assert found(stay, left=3601) is None
    events: list[Fact] = [entry(0, stay.plate), leave(300, stay.plate)]
    (closed,) = fold(events, plate=stay.plate, rules=RULES)
    assert found(closed) is None
    assert found(closed, replace(stay, stay_id=StayId(event_id(9)))) is not None
