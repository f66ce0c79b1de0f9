"""Flat plates to learn from, to the measures of GA 36, every class of the mainland's.

The simulator of gates has a renderer of its own (gateway_sim/gates), kept apart on purpose: a
reader must not be judged on pictures by the hand that drew what it learnt from.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from lpr.image_file import Picture
from lpr.training.faces import Faces, Mask
from lpr.training.texts import Design

Colour: TypeAlias = tuple[int, int, int]
"""Blue, green, red."""
Floats: TypeAlias = npt.NDArray[np.float32]

PIXELS_PER_MM = 0.55
_WHITE: Colour = (245, 245, 245)
_INK: Colour = (25, 25, 25)
_RED: Colour = (35, 30, 200)


class _Look(msgspec.Struct, frozen=True):
    top: Colour
    bottom: Colour
    ink: Colour


_BLUE = _Look((170, 75, 15), (165, 70, 12), _WHITE)
_YELLOW = _Look((20, 175, 245), (20, 170, 240), _INK)
_PALE = _Look((240, 240, 240), (232, 232, 232), _INK)
_LOOKS: Mapping[Design, _Look] = MappingProxyType(
    {
        Design.BLUE: _BLUE,
        Design.YELLOW: _YELLOW,
        Design.YELLOW_TWO_ROWS: _YELLOW,
        Design.GREEN_SMALL: _Look((225, 240, 228), (95, 195, 95), _INK),
        Design.GREEN_LARGE: _Look((110, 205, 120), (100, 195, 100), _INK),
        Design.POLICE: _PALE,
        Design.MILITARY: _PALE,
        Design.COACH: _YELLOW,
        Design.TRAILER: _YELLOW,
        Design.BLACK: _Look((28, 26, 26), (22, 20, 20), _WHITE),
        Design.EMERGENCY: _PALE,
        Design.CIVIL_AVIATION: _Look((100, 150, 60), (95, 140, 55), _WHITE),
    }
)
_RED_CHARACTERS = "警使领应急"
_ALWAYS_TWO_ROWS = frozenset({Design.YELLOW_TWO_ROWS, Design.TRAILER})
_SOMETIMES_TWO_ROWS = frozenset({Design.MILITARY, Design.COACH, Design.POLICE})


class FlatPlate(msgspec.Struct, frozen=True, kw_only=True):
    """A plate as it leaves the works, seen from straight ahead."""

    picture: Picture
    two_rows: bool


class _Cell(msgspec.Struct, frozen=True):
    """Where a character stands, in millimetres."""

    character: str
    left: float
    top: float
    width: float
    height: float


def draw_flat(text: str, design: Design, *, faces: Faces, chance: np.random.Generator) -> FlatPlate:
    """Draw a plate at PIXELS_PER_MM, new and evenly lit."""
    two_rows = design in _ALWAYS_TWO_ROWS or (
        design in _SOMETIMES_TWO_ROWS and chance.random() < 0.25
    )
    width_mm = 480.0 if design in {Design.GREEN_SMALL, Design.GREEN_LARGE} else 440.0
    height_mm = 220.0 if two_rows else 140.0
    look = _shaded(_LOOKS[design], chance)
    plate = _ground(look, height_mm, width_mm)
    _frame(plate, look, chance)
    style = faces.style(chance)
    shift = chance.normal(0, 1.2, 2).astype(np.float32)
    for cell in _two_rows(text) if two_rows else _one_row(text, width_mm):
        mask = faces.shape(cell.character, style, chance)
        _paint(plate, cell, mask, _ink(cell, text, design, look), shift=shift)
    if not two_rows and len(text) == 7:
        _dot(plate, look, shift)
    _bolts(plate, chance)
    return FlatPlate(picture=np.clip(plate, 0, 255).astype(np.uint8), two_rows=two_rows)


def _shaded(look: _Look, chance: np.random.Generator) -> _Look:
    """No two works paint alike, and no two cameras see alike."""

    def near(colour: Colour, spread: float) -> Colour:
        blue, green, red = (np.array(colour) + chance.normal(0, spread, 3)).clip(0, 255)
        return int(blue), int(green), int(red)

    return _Look(near(look.top, 14), near(look.bottom, 14), near(look.ink, 10))


def _ground(look: _Look, height_mm: float, width_mm: float) -> Floats:
    height, width = round(height_mm * PIXELS_PER_MM), round(width_mm * PIXELS_PER_MM)
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, bottom = (np.array(edge, np.float32) for edge in (look.top, look.bottom))
    return np.repeat(top * (1 - share) + bottom * share, width, axis=1)


def _frame(plate: Floats, look: _Look, chance: np.random.Generator) -> None:
    inset = round(chance.uniform(2, 6) * PIXELS_PER_MM)
    corner = (plate.shape[1] - inset, plate.shape[0] - inset)
    cv2.rectangle(plate, (inset, inset), corner, look.ink, int(chance.integers(1, 3)))


def _one_row(text: str, width_mm: float) -> list[_Cell]:
    """Two characters, the dot's gap, the rest; eight characters stand closer."""
    eight = len(text) == 8
    gap, dot_gap = (9.0, 30.0) if eight else (12.0, 34.0)
    first, others = 45.0, 43.0 if eight else 45.0
    widths = [first, *(others for _ in text[1:])]
    total = sum(widths) + gap * (len(text) - 2) + dot_gap
    squeeze = min(1.0, (width_mm - 16) / total)
    left = (width_mm - total * squeeze) / 2
    cells = []
    for index, (character, width) in enumerate(zip(text, widths, strict=True)):
        cells.append(_Cell(character, left, 25.0, width * squeeze, 90.0))
        left += (width + (dot_gap if index == 1 else gap)) * squeeze
    return cells


def _two_rows(text: str) -> list[_Cell]:
    """GA 36's rear plate of large cars: 60 mm of characters above, 110 mm below."""
    above = [_Cell(text[i], 110 + 140 * i, 15.0, 80.0, 60.0) for i in range(2)]
    step, first = (80.0, 27.5) if len(text) == 7 else (68.0, 20.0)
    width = 65.0 if len(text) == 7 else 56.0
    below = [_Cell(c, first + step * i, 90.0, width, 110.0) for i, c in enumerate(text[2:])]
    return [*above, *below]


def _ink(cell: _Cell, text: str, design: Design, look: _Look) -> Colour:
    if cell.character in _RED_CHARACTERS and design is not Design.CIVIL_AVIATION:
        return _RED
    leading = design is Design.MILITARY and cell.character in text[:2] and cell.character.isalpha()
    return _RED if leading else look.ink


def _paint(plate: Floats, cell: _Cell, mask: Mask, ink: Colour, *, shift: Floats) -> None:
    width, height = round(cell.width * PIXELS_PER_MM), round(cell.height * PIXELS_PER_MM)
    left = round((cell.left + float(shift[0])) * PIXELS_PER_MM)
    top = round((cell.top + float(shift[1])) * PIXELS_PER_MM)
    shape = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    part = plate[max(top, 0) :, max(left, 0) :][:height, :width]
    share = (shape[: part.shape[0], : part.shape[1], None] / 255.0).astype(np.float32)
    part[:] = part * (1 - share) + np.array(ink, np.float32) * share


def _dot(plate: Floats, look: _Look, shift: Floats) -> None:
    centre = (
        round((134.5 + float(shift[0])) * PIXELS_PER_MM),
        round((70 + float(shift[1])) * PIXELS_PER_MM),
    )
    cv2.circle(plate, centre, round(5 * PIXELS_PER_MM), look.ink, -1, cv2.LINE_AA)


def _bolts(plate: Floats, chance: np.random.Generator) -> None:
    """Bolts or their caps; some plates have two, some hide them behind a frame."""
    height, width = plate.shape[:2]
    tone = float(chance.uniform(60, 240))
    radius = round(float(chance.uniform(3, 8)) * PIXELS_PER_MM)
    for down in (11 * PIXELS_PER_MM, height - 11 * PIXELS_PER_MM):
        if chance.random() < 0.35:
            continue
        for across in (0.25, 0.75):
            cv2.circle(plate, (round(width * across), round(down)), radius, (tone,) * 3, -1)
