"""The characters of plates as ink masks, squeezed to the plate's own narrow shape."""

from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gateway_sim.gates.pictures import Mask
from parking.core.errors import DomainError

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
SUFFIXES = "警学挂港澳领使试超应急"
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
CHARACTERS = frozenset(PROVINCES + SUFFIXES + LATIN)
"""Everything that can be painted on a plate."""

_DRAWN_PIXELS = 240
_LATIN_THICKEN, _CHINESE_THICKEN = 4, 1
"""Pixels that each stroke grows on either side: squeezing makes upright strokes thin."""
_NARROW = {"1": 0.45, "I": 0.30}
"""Characters that do not fill their cell: the share of its width that they take."""


class UnpaintableCharacterError(DomainError):
    """The plate font has no such character."""

    def __init__(self, character: str) -> None:
        super().__init__(f"no number plate carries the character {character!r}")
        self.character = character


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    data = files("gateway_sim.gates").joinpath("fonts/PlateGlyphs-Regular.otf").read_bytes()
    return ImageFont.truetype(BytesIO(data), _DRAWN_PIXELS)


@lru_cache(maxsize=1024)
def glyph(character: str, width: int, height: int) -> Mask:
    """Draw a character into a cell of `width` by `height` pixels: 0 ground, 255 ink."""
    if character not in CHARACTERS:
        raise UnpaintableCharacterError(character)
    thicken = _LATIN_THICKEN if character in LATIN else _CHINESE_THICKEN
    left, top, right, bottom = _font().getbbox(character, stroke_width=thicken)
    drawn = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(drawn).text(
        (-left, -top), character, fill=255, font=_font(), stroke_width=thicken
    )
    ink_width = max(1, round(width * _NARROW.get(character, 1.0)))
    ink = cv2.resize(np.asarray(drawn), (ink_width, height), interpolation=cv2.INTER_AREA)
    cell = np.zeros((height, width), np.uint8)
    start = (width - ink_width) // 2
    cell[:, start : start + ink_width] = ink
    return cell
