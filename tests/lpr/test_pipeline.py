"""The path's decisions: what is asked, in which order, and when it is enough."""

import cv2
import numpy as np
import pytest

from lpr.closer_look import SIDE_PIXELS, closer_corners
from lpr.core.plate_format import PlateKind
from lpr.core.reading import CharacterRead, Corners
from lpr.detector import SCORE_MIN, SIDES_PIXELS, DetectedPlate, net_input
from lpr.image_file import Picture
from lpr.pipeline import Pipeline
from tests.lpr.plates import characters, corners

WHOLE = (720, 1280)


class Finder:
    """Finds one plate in whole frames, and what it is told to in pieces of them."""

    def __init__(self, *, in_pieces: list[Corners] | None = None, score: float = 0.9) -> None:
        self.sides: list[int] = []
        self._in_pieces = in_pieces or []
        self._score = score

    def detect(
        self, picture: Picture, *, side_pixels: int, score_min: float = SCORE_MIN
    ) -> list[DetectedPlate]:
        self.sides.append(side_pixels)
        found = [corners()] if picture.shape[:2] == WHOLE else self._in_pieces
        score = self._score
        return [DetectedPlate(corners=item, score=score) for item in found if score > score_min]


class Says:
    """Reads the same text every time."""

    def __init__(self, text: str, confidence: float) -> None:
        self.asked = 0
        self._characters = characters(text, confidence ** (1 / len(text)))

    def recognize(self, _: Picture) -> tuple[CharacterRead, ...]:
        self.asked += 1
        return self._characters


def frame(*blue_green_red: int) -> Picture:
    return np.full((*WHOLE, 3), blue_green_red, np.uint8)


def test_a_sure_read_asks_nobody_else() -> None:
    finder, first, other = Finder(), Says("浙A8B762", 0.97), Says("浙A8B762", 0.9)
    (reading,) = Pipeline(detector=finder, first=first, others=[other]).read(frame(170, 75, 15))
    assert (reading.text, reading.kind) == ("浙A8B762", PlateKind.STANDARD)
    assert reading.confidence == pytest.approx(0.97)
    assert (finder.sides, first.asked, other.asked) == ([SIDES_PIXELS[0]], 1, 0)


def test_doubt_asks_for_a_closer_look_and_then_the_others_until_one_settles_it() -> None:
    finder, first = Finder(), Says("浙A88762", 0.2)
    second, third = Says("浙A8B762", 0.999), Says("浙A8B762", 0.9)
    pipeline = Pipeline(detector=finder, first=first, others=[second, third])
    (reading,) = pipeline.read(frame(170, 75, 15))
    assert reading.text == "浙A8B762"
    assert finder.sides == [SIDES_PIXELS[0], SIDE_PIXELS]
    assert (first.asked, second.asked, third.asked) == (2, 1, 0)
    assert "浙A88762" in {item.text for item in reading.candidates}


def test_a_frame_that_nobody_can_read_is_looked_at_in_every_size() -> None:
    finder, first = Finder(), Says("浙A88762", 0.1)
    Pipeline(detector=finder, first=first, others=[]).read(frame(170, 75, 15))
    assert [side for side in finder.sides if side != SIDE_PIXELS] == list(SIDES_PIXELS)


def test_a_hint_of_a_plate_is_read_before_the_frame_is_looked_at_larger() -> None:
    finder, first = Finder(score=0.2), Says("浙A8B762", 0.97)
    (reading,) = Pipeline(detector=finder, first=first, others=[]).read(frame(170, 75, 15))
    assert (reading.text, finder.sides) == ("浙A8B762", [SIDES_PIXELS[0]])


def test_a_hint_that_does_not_read_like_a_plate_is_none() -> None:
    finder, other = Finder(score=0.2), Says("浙A88762", 0.9)
    pipeline = Pipeline(detector=finder, first=Says("浙A88762", 0.1), others=[other])
    assert pipeline.read(frame(170, 75, 15)) == []
    assert (finder.sides, other.asked) == (list(SIDES_PIXELS), 0)


def test_a_look_that_need_not_be_thorough_is_one_at_the_smallest_size() -> None:
    finder = Finder(score=0.0)
    pipeline = Pipeline(detector=finder, first=Says("浙A8B762", 0.97), others=[])
    assert pipeline.read(frame(170, 75, 15), thorough=False) == []
    assert finder.sides == [SIDES_PIXELS[0]]


def test_a_detector_gets_the_numbers_that_its_net_was_made_for() -> None:
    picture = np.random.default_rng(5).integers(0, 256, (36, 64, 3), np.uint8)
    expected = cv2.dnn.blobFromImage(picture, mean=(104.0, 117.0, 123.0))
    assert np.array_equal(net_input(picture), expected)


@pytest.mark.parametrize(("ground", "count"), [((222, 235, 245), 1), ((170, 75, 15), 0)])
def test_a_military_plate_is_white(ground: tuple[int, int, int], count: int) -> None:
    # Two letters and five digits are also what is left of a plate whose province was missed.
    pipeline = Pipeline(detector=Finder(), first=Says("VA12345", 0.99), others=[])
    assert len(pipeline.read(frame(*ground))) == count


def test_a_closer_look_keeps_the_corners_where_it_finds_nothing_or_something_else() -> None:
    picture, given = frame(170, 75, 15), corners()
    assert closer_corners(Finder(), picture, given) == given
    elsewhere = corners(left=0, top=0, width=20, height=8)
    assert closer_corners(Finder(in_pieces=[elsewhere]), picture, given) == given


def test_a_closer_look_answers_in_the_pixels_of_the_frame() -> None:
    # The piece begins 72 pixels left of the plate and 46 above it, as PIECE_WIDTHS has it.
    found = corners(left=70, top=44, width=122, height=42)
    closer = closer_corners(Finder(in_pieces=[found]), frame(170, 75, 15), corners())
    assert closer.box().left == pytest.approx(98, abs=1)
    assert closer.box().top == pytest.approx(98, abs=1)
    assert closer.box().width == pytest.approx(122)
