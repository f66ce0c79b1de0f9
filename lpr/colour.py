"""The colour of a plate, from its flat crop."""

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from lpr.core.plate_format import PlateKind
from lpr.image_file import Picture
from parking.core.events import PlateColour

Plane: TypeAlias = npt.NDArray[np.uint8]

# OpenCV's hues run from 0 to 179.
_HUES = (
    (PlateColour.YELLOW, 11, 34),
    (PlateColour.GREEN, 35, 92),
    (PlateColour.BLUE, 93, 135),
)
_SATURATION_MIN = 70
_VALUE_MIN = 40
_COLOURED_SHARE_MIN = 0.25
"""Below this share of coloured pixels a plate is white or black."""
_DARK_VALUE = 90.0
_GREY_SATURATION = 12.0
"""Below this mean a picture has no colours at all: infrared, or a black-and-white camera."""
_BY_KIND = {
    PlateKind.NEW_ENERGY_SMALL: PlateColour.GREEN,
    PlateKind.NEW_ENERGY_LARGE: PlateColour.GREEN,
    PlateKind.POLICE: PlateColour.WHITE,
    PlateKind.COACH: PlateColour.YELLOW,
    PlateKind.TRAILER: PlateColour.YELLOW,
    PlateKind.HONG_KONG: PlateColour.BLACK,
    PlateKind.MACAO: PlateColour.BLACK,
    PlateKind.CONSULATE: PlateColour.BLACK,
    PlateKind.EMBASSY: PlateColour.BLACK,
    PlateKind.EMERGENCY: PlateColour.WHITE,
    PlateKind.CIVIL_AVIATION: PlateColour.GREEN,
}


def plate_colour(crop: Picture, *, kind: PlateKind | None) -> PlateColour:
    """Name a plate's colour.

    A text that only one colour can carry settles it; otherwise the hue of the ground does. At
    night under infrared there is no hue, and the answer is UNKNOWN.
    """
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    hue, saturation, value = cv2.split(cv2.cvtColor(crop, cv2.COLOR_BGR2HSV))
    coloured = (saturation >= _SATURATION_MIN) & (value >= _VALUE_MIN)
    if np.count_nonzero(coloured) < _COLOURED_SHARE_MIN * coloured.size:
        return _colourless(np.asarray(saturation, np.uint8), np.asarray(value, np.uint8))
    hues = hue[coloured]
    counts = {
        colour: int(np.count_nonzero((hues >= low) & (hues <= high))) for colour, low, high in _HUES
    }
    return max(counts, key=lambda colour: counts[colour])


def _colourless(saturation: Plane, value: Plane) -> PlateColour:
    if float(np.mean(saturation)) < _GREY_SATURATION:
        return PlateColour.UNKNOWN
    return PlateColour.WHITE if float(np.median(value)) > _DARK_VALUE else PlateColour.BLACK
