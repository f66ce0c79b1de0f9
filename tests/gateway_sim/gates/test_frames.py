"""Frames are pictures of the right size, the same each time, in the light of their hour."""

from datetime import datetime, timedelta, timezone

import cv2
import msgspec
import numpy as np
import pytest

from gateway_sim.gates.frames import render_pass
from gateway_sim.gates.light import DayPart, day_part
from gateway_sim.gates.scenario import FRAME_GAP_MS, Pass

CHINA = timezone(timedelta(hours=8))
PASS = Pass(
    lane="riverside/in",
    captured_at=datetime(2026, 11, 22, 9, 5, tzinfo=CHINA),
    plate="浙A8B762",
    frames=3,
)


def decoded(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture)


def test_frames_are_pictures_of_the_cameras_size_taken_at_even_intervals() -> None:
    frames = list(render_pass(PASS))
    assert [decoded(frame.jpeg).shape for frame in frames] == [(720, 1280, 3)] * 3
    gap = timedelta(milliseconds=FRAME_GAP_MS)
    assert [frame.captured_at - PASS.captured_at for frame in frames] == [0 * gap, gap, 2 * gap]


def test_the_same_pass_and_seed_give_the_same_bytes() -> None:
    assert list(render_pass(PASS, seed=4)) == list(render_pass(PASS, seed=4))
    one, other = (next(render_pass(PASS, seed=seed)) for seed in (4, 5))
    assert one.jpeg != other.jpeg


def test_the_car_comes_nearer() -> None:
    far, _, near = (decoded(frame.jpeg).astype(int) for frame in render_pass(PASS))
    blue = [np.sum((p[..., 0] > 110) & (p[..., 0] > 2 * p[..., 2])) for p in (far, near)]
    assert blue[1] > 1.2 * blue[0] > 0


def test_a_car_may_have_no_plate_at_all() -> None:
    bare = msgspec.structs.replace(PASS, plate=None, frames=1)
    picture = decoded(next(render_pass(bare)).jpeg).astype(int)
    assert np.sum((picture[..., 0] > 110) & (picture[..., 0] > 2 * picture[..., 2])) < 500


@pytest.mark.parametrize(
    ("clock", "part"),
    [
        ("00:00", DayPart.NIGHT),
        ("06:20", DayPart.DUSK),
        ("12:00", DayPart.DAY),
        ("17:14", DayPart.DAY),
        ("17:45", DayPart.DUSK),
        ("21:00", DayPart.NIGHT),
    ],
)
def test_the_lots_wall_clock_decides_the_light(clock: str, part: DayPart) -> None:
    assert day_part(datetime.fromisoformat(f"2026-11-22T{clock}+08:00")) is part


def test_nights_are_darker_than_dusks_and_dusks_than_days() -> None:
    bare = msgspec.structs.replace(PASS, frames=1)
    means = [decoded(next(render_pass(bare, part=part)).jpeg).mean() for part in DayPart]
    assert means[0] > 1.5 * means[1] > 1.5 * means[2]
