"""Makes a scene in which a car can be told, and its plate read, but nobody recognised.

The plate gives the scale: a mainland plate is 0.14 m high, a head some 0.24 m. The scene becomes a
mosaic whose cells are as high as the plate, so that a head as far away as the car, or farther, is
not two cells high. Sharp remain the plate and what is around it: one and a half of its heights
above, which is below windscreens and rear windows, three below, and as far to the sides as it is
wide. A head half as far away as the car is four cells high; one right beside the plate is sharp.
"""

from math import ceil
from typing import Final

import cv2
import numpy as np

from lpr.core.reading import Corners
from lpr.image_file import Picture

CELL_PIXELS_MIN: Final = 8
"""No finer, however small a plate is."""
SHARP_HEIGHTS_ABOVE: Final = 1.5
SHARP_HEIGHTS_BELOW: Final = 3
"""Above and below the plate, in its own heights."""
SHARP_WIDTHS: Final = 1
"""To either side, in its own widths."""


def unrecognised(scene: Picture, plate: Corners) -> Picture:
    """Answer the scene (height, width, 3) with all but the plate and its surroundings coarse."""
    height, width = scene.shape[:2]
    cell = max(plate.height(), CELL_PIXELS_MIN)
    cells = (ceil(width / cell), ceil(height / cell))
    coarse = cv2.resize(scene, cells, interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    box = plate.box()
    above, below = (
        heights * plate.height() for heights in (SHARP_HEIGHTS_ABOVE, SHARP_HEIGHTS_BELOW)
    )
    beside = SHARP_WIDTHS * plate.width()
    rows = _within(box.top - above, box.top + box.height + below, height)
    columns = _within(box.left - beside, box.left + box.width + beside, width)
    hidden[rows, columns] = scene[rows, columns]
    return np.asarray(hidden, np.uint8)


def _within(first: float, last: float, size: int) -> slice:
    return slice(min(max(int(first), 0), size), min(max(ceil(last), 0), size))
