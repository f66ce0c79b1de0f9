from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.crossing import Crossing, LaneState, leave_all, observe
from lpr.core.crossing_rules import CrossingRules
from lpr.core.reading import PlateReading
from lpr.core.track import edit_distance
from tests.lpr.plates import corners, reading

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
RULES = CrossingRules()
CAR, OTHER = "浙A8B762", "沪C21F13"


def trace_ids(start: int) -> list[str]:
    return [f"{start + offset:032x}" for offset in range(8)]


def drive(
    frames: Iterable[tuple[float, Sequence[PlateReading]]],
    *,
    rules: CrossingRules = RULES,
    stored_between: bool = False,
) -> list[Crossing]:
    """Take frames (seconds from the start, readings) through a lane, then let all cars leave."""
    state, crossings = LaneState(), list[Crossing]()
    for number, (second, readings) in enumerate(frames):
        step = observe(
            state,
            seen_at=START + timedelta(seconds=second),
            readings=readings,
            trace_ids=trace_ids(number * 10 + 1),
            rules=rules,
        )
        state = step.state
        if stored_between:
            state = msgspec.json.decode(msgspec.json.encode(state), type=LaneState)
        crossings += step.crossings
    return crossings + list(leave_all(state, rules=rules).crossings)


def texts(crossings: Iterable[Crossing]) -> list[str]:
    return [crossing.plate.text for crossing in crossings]


def nearing(
    text: str, frames: int, *, start: float = 0.0, confidence: float = 0.98
) -> list[tuple[float, list[PlateReading]]]:
    """A car that comes nearer from frame to frame."""
    return [
        (
            start + n * 0.2,
            [
                reading(
                    text,
                    confidence=confidence,
                    at=corners(100 + 20 * n, 100 + 40 * n, 80 + 15 * n, 26 + 5 * n),
                )
            ],
        )
        for n in range(frames)
    ]


def test_makes_one_event_of_one_car_when_it_leaves() -> None:
    (crossing,) = drive([*nearing(CAR, 3), (9.0, [])])
    assert crossing.plate.text == CAR
    assert crossing.readable
    assert crossing.occurred_at == START + timedelta(seconds=0.4)
    assert crossing.trace_id == trace_ids(1)[0]


def test_makes_the_event_at_once_when_enough_frames_agree() -> None:
    state, crossings = LaneState(), []
    for number, (second, readings) in enumerate(nearing(CAR, 9)):
        step = observe(
            state,
            seen_at=START + timedelta(seconds=second),
            readings=readings,
            trace_ids=trace_ids(number),
            rules=RULES,
        )
        state = step.state
        crossings.append(len(step.crossings))
    assert crossings == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert not leave_all(state, rules=RULES).crossings


def test_keeps_a_car_that_waits_before_the_camera_as_one() -> None:
    assert texts(drive((n * 0.5, [reading(CAR)]) for n in range(400))) == [CAR]


def test_tells_two_cars_that_follow_each_other_closely() -> None:
    frames = [*nearing(CAR, 5), *nearing(OTHER, 5, start=1.0)]
    assert texts(drive(frames)) == [CAR, OTHER]


def test_tells_two_cars_of_one_fleet_by_the_jump_back() -> None:
    frames = [*nearing("浙A8B762", 4), *nearing("浙A8B763", 4, start=0.8)]
    assert texts(drive(frames)) == ["浙A8B762", "浙A8B763"]


def test_follows_two_cars_in_one_frame() -> None:
    frames = [
        (n * 0.2, [reading(CAR, at=corners(left=100)), reading(OTHER, at=corners(left=600))])
        for n in range(4)
    ]
    assert sorted(texts(drive(frames))) == sorted([CAR, OTHER])


def test_counts_a_bad_frame_to_the_car_whose_place_it_has() -> None:
    frames = nearing(CAR, 6)
    frames[2] = (frames[2][0], [reading("粤B4C1X2", confidence=0.7, at=frames[2][1][0].corners)])
    assert texts(drive(frames)) == [CAR]


def test_begins_with_a_far_blurred_look_and_ends_with_one_car() -> None:
    frames = [*nearing("京L9D0U1", 1, confidence=0.6), *nearing(CAR, 4, start=0.2)]
    (crossing,) = drive(frames)
    assert crossing.plate.text == CAR


def test_ignores_a_glimpse_that_no_frame_could_read() -> None:
    assert drive([(0.0, [reading("TAXI")])]) == []


def test_reports_a_car_without_a_readable_plate_after_several_frames() -> None:
    (crossing,) = drive((n * 0.2, [reading("B87621")]) for n in range(4))
    assert not crossing.readable
    assert crossing.plate.text == "B87621"


def test_sees_the_same_plate_again_after_its_memory_is_over() -> None:
    again = RULES.same_car_seconds + RULES.gap_seconds + 1
    assert texts(drive([*nearing(CAR, 3), *nearing(CAR, 3, start=again)])) == [CAR, CAR]
    assert texts(drive([*nearing(CAR, 6), *nearing(CAR, 6, start=10)])) == [CAR]


def test_outlives_a_clock_that_is_set_back() -> None:
    frames = [*nearing(CAR, 3), *nearing(OTHER, 3, start=-3600.0), (-3500.0, [])]
    assert texts(drive(frames)) == [CAR, OTHER]


CARS = st.lists(
    st.tuples(
        st.from_regex(r"[京沪浙粤][A-H][0-9A-HJ-NP-Z]{3}[0-9]{2}", fullmatch=True),
        st.integers(1, 12),
        st.floats(4.0, 60.0),
    ),
    max_size=6,
    unique_by=lambda car: car[0],
)


@given(CARS)
def test_makes_exactly_one_event_of_every_car(cars: list[tuple[str, int, float]]) -> None:
    frames: list[tuple[float, list[PlateReading]]] = []
    second = 0.0
    for text, count, pause in cars:
        frames += nearing(text, count, start=second)
        second += count * 0.2 + pause
    expected = [text for text, _, _ in cars]
    assert texts(drive(frames)) == expected
    assert texts(drive(frames, stored_between=True)) == expected


@given(st.text("ABC", max_size=6), st.text("ABC", max_size=6), st.text("ABC", max_size=6))
def test_measures_edits_as_a_distance(one: str, other: str, third: str) -> None:
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, other) == edit_distance(other, one)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)
