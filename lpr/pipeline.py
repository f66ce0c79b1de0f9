"""The way of one frame: find plates, lay them flat, read them, doubt them, name their colour.

All decisions of the path are here; the steps around it only do.
"""

from collections.abc import Iterator, Sequence

from lpr.colour import plate_colour
from lpr.core.decode import Decoded, decode, raw_text
from lpr.core.plate_format import kind_of
from lpr.core.reading import CharacterRead, Corners, PlateReading
from lpr.detector import (
    SECOND_SIDE_PIXELS,
    WORKING_SIDE_PIXELS,
    CornerDetector,
    DetectedPlate,
    Detector,
)
from lpr.image_file import Picture
from lpr.recognizer import PaddleRecognizer, PlateRecognizer, Recognizer
from lpr.rectify import COLOUR_MARGIN, WIDE_MARGIN, rectify, rows_in_line

TWO_ROW_ASPECT_MAX = 2.4
"""Plates of two rows are 440 by 220 mm (2.0), those of one row 440 by 140 (3.1)."""
UNGRAMMATICAL_SCORE_MIN = 0.8
"""A text that is no plate is shown only where the detector is this sure that it saw one."""
UNGRAMMATICAL_CHARACTERS_MIN = 5
SAME_PLATE_OVERLAP_MIN = 0.3
"""Readings whose boxes overlap more (intersection over union) are of one plate."""
CONFIDENCE_MIN = 1e-4
"""Below this the grammar was forced onto something that is no plate."""


class Pipeline:
    """Detector, recogniser and second opinion, ready to read frames. Threads may share it."""

    def __init__(self, *, detector: Detector, first: Recognizer, second: Recognizer) -> None:
        self._detector = detector
        self._first = first
        self._second = second

    def read(self, picture: Picture) -> list[PlateReading]:
        """Read every plate in a frame: the nearest car's, which is the largest, first."""
        readings = self._read_at(picture, WORKING_SIDE_PIXELS)
        if not any(reading.kind for reading in readings):
            readings = self._read_at(picture, SECOND_SIDE_PIXELS) or readings
        return sorted(_without_repeats(readings), key=_nearness)

    def _read_at(self, picture: Picture, side_pixels: int) -> list[PlateReading]:
        plates = self._detector.detect(picture, side_pixels=side_pixels)
        readings = (self._read_plate(picture, plate) for plate in plates)
        return [reading for reading in readings if reading is not None]

    def _read_plate(self, picture: Picture, plate: DetectedPlate) -> PlateReading | None:
        decoded = self._decode(picture, plate.corners)
        if not _worth_showing(decoded, plate):
            return None
        ground = rectify(picture, plate.corners, margin=COLOUR_MARGIN)
        return PlateReading(
            text=decoded.text,
            kind=decoded.kind,
            colour=plate_colour(ground, kind=decoded.kind),
            confidence=decoded.confidence,
            characters=decoded.characters,
            candidates=decoded.candidates,
            corners=plate.corners,
        )

    def _decode(self, picture: Picture, corners: Corners) -> Decoded:
        """Read once; while the text breaks the grammar, ask again in other ways.

        Then the likeliest text that keeps the grammar wins, whoever read it.
        """
        looks = []
        for characters in self._looks(picture, corners):
            looks.append(decode(characters))
            if kind_of(raw_text(characters)) is not None:
                break
        return max(looks, key=lambda look: (look.kind is not None, look.confidence))

    def _looks(self, picture: Picture, corners: Corners) -> Iterator[Sequence[CharacterRead]]:
        crop = rectify(picture, corners)
        yield self._first.recognize(crop)
        yield self._second.recognize(crop)
        if corners.aspect() < TWO_ROW_ASPECT_MAX:
            yield self._first.recognize(rows_in_line(picture, corners))
        yield self._first.recognize(rectify(picture, corners, margin=WIDE_MARGIN))


def standard_pipeline(*, threads: int = 1) -> Pipeline:
    """Load the nets that the wheels carry: seconds, and some 250 MB.

    `threads` is how many processor threads each net may use for one frame.
    """
    return Pipeline(
        detector=CornerDetector(threads=threads),
        first=PaddleRecognizer(threads=threads),
        second=PlateRecognizer(threads=threads),
    )


def _worth_showing(decoded: Decoded, plate: DetectedPlate) -> bool:
    if decoded.kind is not None:
        return decoded.confidence >= CONFIDENCE_MIN
    return (
        plate.score >= UNGRAMMATICAL_SCORE_MIN and len(decoded.text) >= UNGRAMMATICAL_CHARACTERS_MIN
    )


def _nearness(reading: PlateReading) -> tuple[bool, float]:
    """Sort plates before other texts, large before small; a doubtful read counts as smaller."""
    return (reading.kind is None, -reading.corners.box().area() * reading.confidence)


def _without_repeats(readings: Sequence[PlateReading]) -> list[PlateReading]:
    """Keep the surest reading of each plate: the detector may frame one twice."""
    kept: list[PlateReading] = []
    for reading in sorted(readings, key=lambda item: (item.kind is None, -item.confidence)):
        box = reading.corners.box()
        if not any(
            other.text == reading.text or other.corners.box().overlap(box) > SAME_PLATE_OVERLAP_MIN
            for other in kept
        ):
            kept.append(reading)
    return kept
