"""What later frames of a car correct of its event, and what they leave alone."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.crossing import Crossing, LaneState, leave_all, observe
from lpr.core.crossing_rules import CrossingRules
from lpr.core.reading import PlateReading
from lpr.core.second_thought import Correction, known_as
from parking.core.ids import EventId
from tests.lpr.plates import corners, reading

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
TRUE, MISREAD = "浙A8B762", "浙A88762"
UNSURE, SURE = 0.75, 0.99
RULES = CrossingRules(stable_confidence=0.2)


def frame(second: float, text: str, character_confidence: float) -> tuple[float, PlateReading]:
    at = corners(left=100 + second)
    return second, reading(text, confidence=character_confidence, at=at)


def drive(
    frames: Iterable[tuple[float, PlateReading]], rules: CrossingRules = RULES
) -> tuple[list[Crossing], list[Correction]]:
    """Take frames through a lane as the agent does: named when told, stored between frames."""
    state, crossings, corrections = LaneState(), list[Crossing](), list[Correction]()
    for number, (second, seen) in enumerate(frames):
        step = observe(
            state,
            seen_at=START + timedelta(seconds=second),
            readings=[seen],
            trace_ids=[f"{number:032x}"],
            rules=rules,
        )
        crossings += step.crossings
        corrections += step.corrections
        names = {each.trace_id: EventId(UUID(each.trace_id)) for each in step.crossings}
        state = LaneState(tracks=known_as(step.state.tracks, names))
        state = msgspec.json.decode(msgspec.json.encode(state), type=LaneState)
    return crossings + list(leave_all(state, rules=rules).crossings), corrections


def test_corrects_an_unsure_event_once() -> None:
    unsure = [frame(n * 0.2, MISREAD, UNSURE) for n in range(5)]
    better = [frame(1 + n * 0.2, TRUE, SURE) for n in range(20)]
    (crossing,), (correction,) = drive([*unsure, *better])
    assert (crossing.plate.text, correction.plate.text) == (MISREAD, TRUE)
    assert correction.corrects == UUID(crossing.trace_id)
    assert crossing.plate.confidence < RULES.sure_confidence <= correction.plate.confidence


def test_gives_a_plate_to_a_car_that_was_sent_without_one() -> None:
    hidden = [frame(n * 0.2, TRUE, 0.6) for n in range(3)]
    back = [frame(4 + n * 0.2, TRUE, SURE) for n in range(8)]
    (crossing,), (correction,) = drive([*hidden, *back])
    assert not crossing.readable
    assert (correction.plate.text, correction.instead_of.plate) == (TRUE, None)


@pytest.mark.parametrize(
    ("first", "then", "begins", "rules"),
    [
        pytest.param(SURE, SURE, 1.0, RULES, id="sure events stand: it may be the next car"),
        pytest.param(UNSURE, 0.5, 1.0, RULES, id="never by a plate that is unsure too"),
        pytest.param(
            UNSURE, SURE, 1.0, msgspec.structs.replace(RULES, second_thought_seconds=0), id="off"
        ),
        pytest.param(
            UNSURE, SURE, 1.5, msgspec.structs.replace(RULES, second_thought_seconds=0.5), id="late"
        ),
    ],
)
def test_lets_an_event_stand(
    first: float, then: float, begins: float, rules: CrossingRules
) -> None:
    told = [frame(n * 0.2, MISREAD, first) for n in range(5)]
    crossings, corrections = drive(
        [*told, *(frame(begins + n * 0.2, TRUE, then) for n in range(20))], rules
    )
    assert [each.plate.text for each in crossings] == [MISREAD]
    assert not corrections


def test_takes_a_still_scene_for_one_look() -> None:
    told = [frame(n * 0.2, MISREAD, UNSURE) for n in range(5)]
    seen = reading(TRUE, confidence=SURE)
    assert drive([*told, *((1 + n * 0.1, seen) for n in range(60))])[1] == []


@given(
    st.lists(
        st.tuples(st.sampled_from([TRUE, MISREAD, "浙A8B768"]), st.floats(0.5, 0.999)),
        max_size=30,
    )
)
def test_never_corrects_twice_nor_by_less(looks: list[tuple[str, float]]) -> None:
    crossings, corrections = drive(frame(n * 0.2, *look) for n, look in enumerate(looks))
    told = {UUID(each.trace_id): each.plate for each in crossings}
    assert len({each.corrects for each in corrections}) == len(corrections)
    for each in corrections:
        before = told[each.corrects]
        assert before.confidence < RULES.sure_confidence <= each.plate.confidence
