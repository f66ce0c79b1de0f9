"""The real recognition stack reads rendered plates: right where clean, wrong where dirt lies."""

from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest

from gateway_sim.gates.frames import render_pass
from gateway_sim.gates.light import DayPart
from gateway_sim.gates.scenario import Pass
from lpr.core.vote import VotedPlate, vote
from lpr.pipeline import Pipeline, standard_pipeline
from parking.core.events import PlateColour

CHINA = timezone(timedelta(hours=8))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return standard_pipeline()


def read(pipeline: Pipeline, crossing: Pass, part: DayPart) -> VotedPlate:
    readings = []
    for frame in render_pass(crossing, part=part):
        picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        readings += pipeline.read(np.asarray(picture, np.uint8))[:1]
    voted = vote(readings)
    assert voted is not None
    return voted


def crossing(plate: str, colour: PlateColour, shows: str | None = None) -> Pass:
    return Pass(
        lane="riverside/in",
        captured_at=datetime(2026, 11, 22, 9, 5, tzinfo=CHINA),
        plate=plate,
        colour=colour,
        shows=shows,
        frames=3,
    )


@pytest.mark.parametrize(
    ("plate", "colour", "part"),
    [
        ("浙A8K632", PlateColour.BLUE, DayPart.DAY),
        ("沪B5T880", PlateColour.BLUE, DayPart.DUSK),
        ("粤B2X744", PlateColour.BLUE, DayPart.NIGHT),
        ("浙AD73915", PlateColour.GREEN, DayPart.DAY),
        ("苏E2M417", PlateColour.YELLOW, DayPart.DAY),
    ],
)
def test_clean_plates_are_read_right(
    pipeline: Pipeline, plate: str, colour: PlateColour, part: DayPart
) -> None:
    voted = read(pipeline, crossing(plate, colour), part)
    assert (voted.text, voted.colour) == (plate, colour)


def test_a_dirty_plate_is_read_as_its_look_alike(pipeline: Pipeline) -> None:
    voted = read(pipeline, crossing("浙A8B762", PlateColour.BLUE, "浙A88762"), DayPart.DAY)
    assert voted.text == "浙A88762"
