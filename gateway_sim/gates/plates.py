"""Number plates of mainland China, drawn to the measures of GA 36: millimetres, colours, bolts."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import msgspec
import numpy as np

from gateway_sim.gates.glyphs import glyph
from gateway_sim.gates.pictures import Colour, Picture, Reals, clipped, clouds
from parking.core.events import PlateColour

PIXELS_PER_MM = 1.0
HEIGHT_MM = 140.0
_GLYPH_HEIGHT_MM = 90.0
_TOP_MM = 25.0
_BEGIN_MM = 15.5
_NEW_ENERGY_LENGTH = 8
_RED: Colour = (30, 20, 200)


class _Look(msgspec.Struct, frozen=True):
    """The colours of one kind of plate: ground at its top and bottom edge, and ink."""

    top: Colour
    bottom: Colour
    ink: Colour


_LOOKS: Mapping[PlateColour, _Look] = MappingProxyType(
    {
        PlateColour.BLUE: _Look((178, 82, 16), (168, 74, 12), (250, 250, 250)),
        PlateColour.YELLOW: _Look((20, 178, 246), (16, 170, 240), (24, 24, 24)),
        PlateColour.GREEN: _Look((222, 238, 226), (98, 196, 96), (26, 28, 26)),
        PlateColour.WHITE: _Look((240, 240, 240), (232, 232, 232), (24, 24, 24)),
        PlateColour.BLACK: _Look((30, 26, 26), (24, 20, 20), (245, 245, 245)),
    }
)


class Cell(msgspec.Struct, frozen=True):
    """Where one character stands, in millimetres from the plate's upper left corner."""

    character: str
    left: float
    width: float


def plate_width_mm(text: str) -> float:
    """New-energy plates (eight characters) are 480 mm wide, all others 440."""
    return 480.0 if len(text) >= _NEW_ENERGY_LENGTH else 440.0


def cells(text: str) -> tuple[Cell, ...]:
    """Lay the characters out: two, the dot's gap, the rest."""
    new_energy = len(text) >= _NEW_ENERGY_LENGTH
    width, gap, dot_gap = (43.0, 9.0, 49.0) if new_energy else (45.0, 12.0, 34.0)
    laid, left = [], _BEGIN_MM
    for index, character in enumerate(text):
        wide = 45.0 if index == 0 else width
        laid.append(Cell(character, left, wide))
        left += wide + (dot_gap if index == 1 else gap)
    return tuple(laid)


def draw_plate(
    text: str,
    colour: PlateColour,
    *,
    chance: np.random.Generator,
    muddy: int | None = None,
) -> Picture:
    """Draw a plate as it hangs on a car, at PIXELS_PER_MM, lit evenly.

    `muddy` is the index of a character that dirt lies around. Raises UnpaintableCharacterError.
    """
    look = _LOOKS.get(colour, _LOOKS[PlateColour.BLUE])
    height, width = _drawn(HEIGHT_MM), _drawn(plate_width_mm(text))
    plate = _ground(look, height, width)
    _frame(plate, look)
    for cell in cells(text):
        ink = _RED if cell.character == "警" else look.ink
        _paint(plate, cell, ink, emboss=look.top)
    if len(text) < _NEW_ENERGY_LENGTH:
        _dot(plate, cells(text)[1], look.ink)
    _bolts(plate)
    worn = _weather(plate, chance=chance)
    if muddy is not None:
        worn = _mud(worn, cells(text)[muddy], chance=chance)
    return clipped(worn)


def _drawn(millimetres: float) -> int:
    return round(millimetres * PIXELS_PER_MM)


def _ground(look: _Look, height: int, width: int) -> Picture:
    # Green plates fade from near white to green; the upper third stays pale.
    share = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None] ** 1.2
    top, bottom = (np.array(edge, np.float32) for edge in (look.top, look.bottom))
    return clipped(np.repeat(top * (1 - share) + bottom * share, width, axis=1))


def _frame(plate: Picture, look: _Look) -> None:
    inset, line = _drawn(4), _drawn(2)
    height, width = plate.shape[:2]
    corner, opposite = (inset, inset), (width - inset, height - inset)
    cv2.rectangle(plate, corner, opposite, look.ink, line, cv2.LINE_AA)


def _paint(plate: Picture, cell: Cell, ink: Colour, *, emboss: Colour) -> None:
    """Ink one character; a darker lower edge shows that it is pressed into the sheet."""
    mask = glyph(cell.character, _drawn(cell.width), _drawn(_GLYPH_HEIGHT_MM))
    top, left = _drawn(_TOP_MM), _drawn(cell.left)
    for shift, tone in ((1, np.array(emboss, np.float32) * 0.6), (0, np.array(ink, np.float32))):
        part = plate[top + shift :, left + shift :][: mask.shape[0], : mask.shape[1]]
        share = (mask[: part.shape[0], : part.shape[1], None] / 255.0).astype(np.float32)
        part[:] = clipped(part * (1 - share) + tone * share)


def _dot(plate: Picture, before: Cell, ink: Colour) -> None:
    centre = (_drawn(before.left + before.width + 17), _drawn(HEIGHT_MM / 2))
    cv2.circle(plate, centre, _drawn(5), ink, -1, cv2.LINE_AA)


def _bolts(plate: Picture) -> None:
    height, width = plate.shape[:2]
    for across in (0.25, 0.75):
        for down in (_drawn(11), height - _drawn(11)):
            centre = (round(width * across), down)
            cv2.circle(plate, centre, _drawn(5.5), (120, 120, 118), -1, cv2.LINE_AA)
            cv2.circle(plate, centre, _drawn(3), (190, 190, 190), -1, cv2.LINE_AA)


def _weather(plate: Picture, *, chance: np.random.Generator) -> Reals:
    """Fade the paint a little and lay the road's film over the lower edge."""
    height, width = plate.shape[:2]
    faded = plate * chance.uniform(0.88, 1.0) + chance.uniform(0.0, 10.0)
    film = clouds(chance, height=height, width=width, cells=9)
    film *= np.linspace(0.3, 1.0, height, dtype=np.float32)[:, None] * chance.uniform(0.02, 0.2)
    dust = np.array((96, 112, 122), np.float32)
    worn: Reals = faded * (1 - film[..., None]) + dust * film[..., None]
    return worn.astype(np.float32)


def _mud(plate: Reals, cell: Cell, *, chance: np.random.Generator) -> Reals:
    """Splash mud above and below one character; the strokes between stay to be seen."""
    height, width = plate.shape[:2]
    splash = np.zeros((height, width), np.uint8)
    for _ in range(26):
        across = cell.left + chance.uniform(-0.3, 1.3) * cell.width
        down = chance.choice((chance.normal(12, 5), chance.normal(128, 6)))
        radius = _drawn(chance.uniform(1.5, 6.0))
        centre = (_drawn(across), _drawn(float(down)))
        cv2.circle(splash, centre, radius, (chance.uniform(150, 242),), -1, cv2.LINE_AA)
    soft = np.asarray(cv2.GaussianBlur(splash, (0, 0), 1.5))[..., None] / 255.0
    return np.asarray(plate * (1 - soft) + np.array((52, 68, 84), np.float32) * soft, np.float32)
