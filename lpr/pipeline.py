"""The way of one frame: find plates, lay them flat, read them, doubt them, name their colour.

All decisions of the path are here; the steps around it only do. The cheap way comes first: the
frame at a small scale, our own net on each plate. Only doubt costs more: two rows put in line, a
closer look for the corners, the opinions of other nets, the frame at larger scales.
"""

from collections.abc import Iterable, Iterator, Sequence

from lpr.closer_look import closer_corners
from lpr.colour import plate_colour
from lpr.core.decode import Decoded, decode
from lpr.core.opinions import pooled
from lpr.core.plate_format import PlateKind
from lpr.core.reading import CharacterRead, Corners, PlateReading
from lpr.detector import (
    HINT_SCORE_MIN,
    SCORE_MIN,
    SIDES_PIXELS,
    CornerDetector,
    DetectedPlate,
    Detector,
)
from lpr.image_file import Picture
from lpr.recognizer import (
    LazyRecognizer,
    OcrRecognizer,
    OwnRecognizer,
    PlateRecognizer,
    Recognizer,
)
from lpr.rectify import COLOUR_MARGIN, OWN_MARGIN, rectify, rows_in_line
from parking.core.events import PlateColour

SURE_MIN = 0.95
"""A read that is surer needs no second look; chosen on the tuning share."""
ENOUGH_MIN = 0.5
"""A frame in which no plate is read so surely is looked at again at a larger scale."""
TWO_ROW_ASPECT_MAX = 2.6
"""Plates of two rows are 440 by 220 mm (2.0), those of one row 440 by 140 (3.1)."""
UNGRAMMATICAL_SCORE_MIN = 0.8
"""A text that is no plate is shown only where the detector is this sure that it saw one."""
UNGRAMMATICAL_CHARACTERS_MIN = 5
SAME_PLATE_OVERLAP_MIN = 0.3
"""Readings whose boxes overlap more (intersection over union) are of one plate."""
CONFIDENCE_MIN = 1e-4
"""Below this the grammar was forced onto something that is no plate."""


class Pipeline:
    """Detector, recogniser and further opinions, ready to read frames. Threads may share it."""

    def __init__(
        self, *, detector: Detector, first: Recognizer, others: Sequence[Recognizer]
    ) -> None:
        self._detector = detector
        self._first = first
        self._others = tuple(others)

    def read(self, picture: Picture, *, thorough: bool = True) -> list[PlateReading]:
        """Read every plate in a frame: the nearest car's, which is the largest, first.

        Not `thorough`: at the smallest scale only, whatever is read there.
        """
        readings: list[PlateReading] = []
        for side_pixels in SIDES_PIXELS if thorough else SIDES_PIXELS[:1]:
            readings += self._read_at(picture, side_pixels)
            if _is_enough(readings):
                break
        return sorted(_without_repeats(readings), key=_nearness)

    def _read_at(self, picture: Picture, side_pixels: int) -> list[PlateReading]:
        """Read what is surely a plate; only where that is not enough, what might be one, too."""
        found = self._detector.detect(picture, side_pixels=side_pixels, score_min=HINT_SCORE_MIN)
        readings = self._read_plates(picture, [p for p in found if p.score > SCORE_MIN])
        if _is_enough(readings):
            return readings
        hints = [p for p in found if p.score <= SCORE_MIN and self._reads_well(picture, p)]
        return readings + self._read_plates(picture, hints)

    def _read_plates(self, picture: Picture, plates: list[DetectedPlate]) -> list[PlateReading]:
        readings = (self._read_plate(picture, plate) for plate in plates)
        return [reading for reading in readings if reading is not None]

    def _reads_well(self, picture: Picture, hint: DetectedPlate) -> bool:
        """Say whether our own net sees a plate there: a look costs 1 ms, a larger scale 40."""
        crop = rectify(picture, hint.corners, margin=OWN_MARGIN)
        decoded = decode(self._first.recognize(crop))
        return decoded.kind is not None and decoded.confidence >= ENOUGH_MIN

    def _read_plate(self, picture: Picture, plate: DetectedPlate) -> PlateReading | None:
        decoded = _answer(self._looks(picture, plate.corners))
        if not _worth_showing(decoded, plate):
            return None
        ground = rectify(picture, plate.corners, margin=COLOUR_MARGIN)
        if decoded.kind is PlateKind.MILITARY and not _white(ground):
            return None
        return PlateReading(
            text=decoded.text,
            kind=decoded.kind,
            colour=plate_colour(ground, kind=decoded.kind),
            confidence=decoded.confidence,
            characters=decoded.characters,
            candidates=decoded.candidates,
            corners=plate.corners,
        )

    def read_crop(self, crop: Picture) -> Decoded:
        """Read a plate that somebody else cut out; its colour and place are not looked for."""
        return _answer(recognizer.recognize(crop) for recognizer in (self._first, *self._others))

    def _looks(self, picture: Picture, corners: Corners) -> Iterator[Sequence[CharacterRead]]:
        yield self._first.recognize(rectify(picture, corners, margin=OWN_MARGIN))
        if corners.aspect() < TWO_ROW_ASPECT_MAX:
            yield self._first.recognize(rows_in_line(picture, corners))
        closer = closer_corners(self._detector, picture, corners)
        yield self._first.recognize(rectify(picture, closer, margin=OWN_MARGIN))
        crop = rectify(picture, closer)
        for other in self._others:
            yield other.recognize(crop)


def _answer(looks: Iterable[Sequence[CharacterRead]]) -> Decoded:
    """Look once; while the answer is unsure, look again in other ways and pool all answers."""
    decoded: list[Decoded] = []
    for characters in looks:
        decoded.append(decode(characters))
        answer = pooled(decoded)
        if answer.kind is not None and answer.confidence >= SURE_MIN:
            return answer
    return pooled(decoded)


def standard_pipeline(*, threads: int = 1) -> Pipeline:
    """Load the detector and our own net; the others only when they are first asked.

    `threads` is how many processor threads each net may use for one frame.
    """
    return Pipeline(
        detector=CornerDetector(threads=threads),
        first=OwnRecognizer(threads=threads),
        others=(
            LazyRecognizer(lambda: OcrRecognizer(threads=threads)),
            LazyRecognizer(lambda: PlateRecognizer(threads=threads)),
        ),
    )


def _is_enough(readings: Iterable[PlateReading]) -> bool:
    return any(reading.kind and reading.confidence >= ENOUGH_MIN for reading in readings)


def _white(ground: Picture) -> bool:
    return plate_colour(ground, kind=None) is PlateColour.WHITE


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
