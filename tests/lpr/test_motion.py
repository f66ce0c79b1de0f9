"""The motion gate on rendered lanes: it answers what a reader of every frame would answer."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
import pytest

from gateway_sim.gates.frames import render_empty, render_pass
from gateway_sim.gates.light import DayPart
from gateway_sim.gates.scenario import FRAME_GAP_MS, Pass
from lpr.core.reading import PlateReading
from lpr.image_file import Picture, decode_image
from lpr.motion import MotionGate, MotionRules
from lpr.shot import DecodedShot, EncodedShot, Shot
from tests.lpr.plates import reading

AT = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))
GAP = timedelta(milliseconds=FRAME_GAP_MS)
LANE = "west/in"
PLATE = "浙A8B762"
Scene: TypeAlias = Sequence[tuple[Picture, bool]]
"""Pictures, and whether a car is in them."""
Weather: TypeAlias = Callable[[Sequence[Picture]], tuple[Picture, ...]]


class Knowing:
    """Knows in which pictures a car is, and counts how often it is asked."""

    def __init__(self, scene: "Scene" = ()) -> None:
        self._cars = {id(picture) for picture, car in scene if car}
        self.asked = 0
        self.thorough: list[bool] = []

    def read(self, picture: Picture, *, thorough: bool = True) -> list[PlateReading]:
        assert picture.shape == (720, 1280, 3)
        self.asked += 1
        self.thorough.append(thorough)
        return [reading(PLATE)] if id(picture) in self._cars else []


@cache
def empty(part: DayPart, count: int) -> tuple[Picture, ...]:
    frames = (render_empty(LANE, AT + GAP * n, part=part) for n in range(count))
    return tuple(decode_image(frame.jpeg) for frame in frames)


@cache
def passing(part: DayPart, count: int) -> tuple[Picture, ...]:
    crossing = Pass(lane=LANE, captured_at=AT, plate=PLATE, frames=count)
    return tuple(decode_image(frame.jpeg) for frame in render_pass(crossing, part=part))


def rained_on(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    chance = np.random.default_rng(4)
    wet = []
    for picture in pictures:
        drops = picture.copy()
        for x, y in chance.integers((0, 0), (1280, 720), (250, 2)).tolist():
            cv2.line(drops, (x, y), (x + 2, y + 22), (190, 190, 190), 1, cv2.LINE_AA)
        wet.append(np.asarray(cv2.addWeighted(picture, 0.4, drops, 0.6, 0), np.uint8))
    return tuple(wet)


def dimmed(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    """Let clouds come and go over the lane."""
    return tuple(
        np.asarray(cv2.convertScaleAbs(picture, alpha=0.8 + 0.2 * np.cos(number / 2)), np.uint8)
        for number, picture in enumerate(pictures)
    )


def answers(gate: MotionGate, scene: Scene) -> list[bool]:
    """Say in which frames the gate saw a plate, be it later."""
    seen = [False] * len(scene)
    for number, (picture, _) in enumerate(scene):
        for look in gate.looks(DecodedShot(picture), captured_at=AT + GAP * number):
            seen[(look.captured_at - AT) // GAP] = bool(look.readings)
    for look in gate.passed_over():
        seen[(look.captured_at - AT) // GAP] = True
    return seen


@pytest.mark.parametrize("part", list(DayPart))
@pytest.mark.parametrize("weather", [tuple, rained_on, dimmed], ids=["dry", "rain", "clouds"])
@pytest.mark.parametrize("frames", [2, 12], ids=["quick", "slow"])
def test_sees_every_frame_of_a_car_in_any_light(
    part: DayPart, weather: Weather, frames: int
) -> None:
    lane, car = empty(part, 6), passing(part, frames)
    stands = (car[-1],) * 8
    pictures = weather((*lane, *car, *stands, *lane))
    truth = [False] * 6 + [True] * (frames + 8) + [False] * 6
    scene = list(zip(pictures, truth, strict=True))
    assert answers(MotionGate(Knowing(scene), rules=MotionRules()), scene) == truth


@pytest.mark.parametrize("part", list(DayPart))
@pytest.mark.parametrize("still", range(6, 10))
@pytest.mark.parametrize("frames", [1, 2, 6])
def test_a_car_that_comes_while_frames_are_passed_over_loses_none(
    part: DayPart, still: int, frames: int
) -> None:
    lane, car = (empty(part, 6) * 2)[:still], passing(part, 6)[-frames:]
    scene = [*((picture, False) for picture in lane), *((picture, True) for picture in car)]
    reader = Knowing(scene)
    gate = MotionGate(reader, rules=MotionRules(glance_seconds=GAP.total_seconds() * 3.5))
    assert answers(gate, scene) == [car for _, car in scene]
    assert reader.asked <= 1 + frames


def test_a_passed_over_frame_that_is_damaged_costs_no_other() -> None:
    lane, car = empty(DayPart.DAY, 6), passing(DayPart.DAY, 6)
    shots: list[Shot] = [
        *map(DecodedShot, lane[:2]),
        EncodedShot(b"no picture"),
        *map(DecodedShot, car[-3:]),
    ]
    gate = MotionGate(Knowing([(picture, True) for picture in car]), rules=MotionRules())
    looks = [
        look
        for number, shot in enumerate(shots)
        for look in gate.looks(shot, captured_at=AT + GAP * number)
    ]
    assert sum(bool(look.readings) for look in looks) == 3


def test_reads_a_creeping_car_as_often_as_it_has_come_nearer() -> None:
    crept = passing(DayPart.NIGHT, 30)
    scene = [(picture, True) for picture in crept]
    reader = Knowing(scene)
    gate = MotionGate(reader, rules=MotionRules(rest_reads=1, plate_reread_seconds=3600))
    assert all(answers(gate, scene))
    assert reader.asked >= 15


@pytest.mark.parametrize("part", list(DayPart))
def test_leaves_an_empty_lane_unread(part: DayPart) -> None:
    reader = Knowing()
    gate = MotionGate(reader, rules=MotionRules())
    assert not any(answers(gate, [(picture, False) for picture in empty(part, 6) * 5]))
    assert reader.asked == 1


def test_looks_again_after_a_while_and_when_the_clock_is_set_back() -> None:
    reader = Knowing()
    gate = MotionGate(reader, rules=MotionRules(reread_seconds=10))
    shot = DecodedShot(empty(DayPart.DAY, 6)[0])
    for seconds in (0, 9, 11, 12, -3600, -3599):
        list(gate.looks(shot, captured_at=AT + timedelta(seconds=seconds)))
    assert reader.thorough == [True, False, False]


def test_reads_a_plate_at_rest_some_more_times_and_then_seldom() -> None:
    stands = [(passing(DayPart.DAY, 2)[-1], True)] * 40
    reader = Knowing(stands)
    gate = MotionGate(reader, rules=MotionRules(rest_reads=5, plate_reread_seconds=2))
    assert all(answers(gate, stands))
    assert reader.asked == 6 + 40 * GAP // timedelta(seconds=2) - 1


def test_reads_every_frame_where_it_is_told_to() -> None:
    reader = Knowing()
    gate = MotionGate(reader, rules=MotionRules(changed_share_min=0, glance_seconds=0))
    answers(gate, [(picture, False) for picture in empty(DayPart.DAY, 6)])
    assert reader.asked == 6
