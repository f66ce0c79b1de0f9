"""Pictures as arrays, and the few operations on them that every part of the renderer needs."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]
"""Height by width by 3, blue-green-red, 0 to 255."""
Mask: TypeAlias = NDArray[np.uint8]
"""Height by width, 0 to 255."""
Reals: TypeAlias = NDArray[np.float32]
Points: TypeAlias = NDArray[np.float64]
"""One point a row."""
Colour: TypeAlias = tuple[float, ...]
"""Blue, green, red (and cover, on a layer), 0 to 255."""
Layer: TypeAlias = NDArray[np.uint8]
"""Height by width by 4: blue, green, red, cover. Black where nothing is (premultiplied)."""

SUBPIXEL_BITS = 3
_SUBPIXELS = 1 << SUBPIXEL_BITS


def fill(picture: Picture, outline: Points, colour: Colour) -> None:
    """Fill a polygon given in pixels, with smooth edges."""
    corners = np.round(outline * _SUBPIXELS).astype(np.int32)
    cv2.fillPoly(picture, [corners], colour, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS)


def stroke(picture: Picture, line: Points, colour: Colour, *, width: float) -> None:
    """Draw an open line given in pixels."""
    corners = np.round(line * _SUBPIXELS).astype(np.int32)
    thickness = max(1, round(width))
    cv2.polylines(
        picture,
        [corners],
        isClosed=False,
        color=colour,
        thickness=thickness,
        lineType=cv2.LINE_AA,
        shift=SUBPIXEL_BITS,
    )


def glaze(picture: Picture, outline: Points, colour: Colour, *, share: float) -> None:
    """Fill a polygon so that `share` (0.0 to 1.0) of what was there is lost."""
    height, width = picture.shape[:2]
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int) + 1
    part = picture[top : min(bottom, height), left : min(right, width)]
    if part.size:
        over = part.copy()
        fill(over, outline - (left, top), colour)
        part[:] = cv2.addWeighted(over, share, part, 1 - share, 0)


def lay(ground: Picture, layer: Layer) -> None:
    """Lay a layer over a picture of the same size, in place."""
    colours, cover = layer[..., :3], layer[..., 3]
    bare = cv2.bitwise_not(cover)
    kept = cv2.multiply(ground, cv2.merge((bare, bare, bare)), scale=1 / 255)
    cv2.add(kept, colours, dst=ground)


def clipped(reals: NDArray[np.floating]) -> Picture:
    """Cut real values to 0 to 255."""
    return np.clip(reals, 0, 255).astype(np.uint8)


def clouds(chance: np.random.Generator, *, height: int, width: int, cells: int) -> Reals:
    """Smooth random hills, 0.0 to 1.0, about `cells` of them across the width."""
    rows = max(2, round(cells * height / width))
    seeds = chance.random((rows, cells), dtype=np.float32)
    smooth = cv2.resize(seeds, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.asarray(smooth, dtype=np.float32), 0.0, 1.0)
