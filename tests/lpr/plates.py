"""Builds readings for the tests of the agent's core, and a way to write plates into pictures.

`StripeReader` is a second, real implementation of the frame reader: it reads plates that
`striped_picture` wrote into a picture's pixels, as a bar code. With it the agent's processes run
through real files, spool and HTTP in milliseconds instead of loading the nets.
"""

import itertools
from pathlib import Path

import cv2
import numpy as np

from lpr.core.plate_format import kind_of
from lpr.core.reading import CharacterRead, Corners, PlateReading, Point
from lpr.image_file import Picture
from parking.core.events import PlateColour

_CELL = 8
_TEXT_BYTES = 32


def characters(text: str, confidence: float = 0.98) -> tuple[CharacterRead, ...]:
    return tuple(CharacterRead(((character, confidence),)) for character in text)


def corners(left: float = 100, top: float = 100, width: float = 120, height: float = 40) -> Corners:
    return Corners(
        top_left=Point(left, top),
        top_right=Point(left + width, top),
        bottom_right=Point(left + width, top + height),
        bottom_left=Point(left, top + height),
    )


def reading(
    text: str, *, confidence: float = 0.98, at: Corners | None = None, colour: str = "blue"
) -> PlateReading:
    return PlateReading(
        text=text,
        kind=kind_of(text),
        colour=PlateColour(colour),
        confidence=confidence ** len(text),
        characters=characters(text, confidence),
        candidates=(),
        corners=at or corners(),
    )


def striped_picture(*texts: str) -> Picture:
    """Write plates into a picture, one row of black and white cells each."""
    picture = np.full((_CELL * max(len(texts), 2), _CELL * _TEXT_BYTES * 8, 3), 127, np.uint8)
    for row, text in enumerate(texts):
        data = np.frombuffer(text.encode().ljust(_TEXT_BYTES, b"\0"), dtype=np.uint8)
        cells = np.unpackbits(data) * 255
        line = np.repeat(np.repeat(cells[None], _CELL, axis=0), _CELL, axis=1)
        picture[row * _CELL : (row + 1) * _CELL] = line[..., None]
    return picture


class StripeReader:
    """Reads what `striped_picture` wrote; like any reader, never twice in quite the same place."""

    def __init__(self) -> None:
        self._wobble = itertools.cycle(range(16))

    def read(self, picture: Picture, *, thorough: bool = True) -> list[PlateReading]:
        del thorough  # it finds all there is at once
        found = []
        for row in range(picture.shape[0] // _CELL):
            line = picture[row * _CELL + _CELL // 2, _CELL // 2 :: _CELL, 0]
            if 100 < int(line[0]) < 150:
                continue
            text = np.packbits(line > 127).tobytes().rstrip(b"\0").decode()
            found.append(reading(text, at=corners(left=300.0 * row + next(self._wobble))))
        return found


def write_frame(folder: Path, name: str, *texts: str) -> Path:
    """Write a frame as a camera does: under another name first, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.part"
    draft.write_bytes(bytes(cv2.imencode(".png", striped_picture(*texts))[1]))
    return draft.rename(folder / f"{name}.png")
