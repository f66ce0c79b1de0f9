"""The shapes of a plate's characters: from open fonts, and from photographs.

The plates' own typeface is not free, so each character of a plate is drawn from one of several
open fonts, stretched to the cell that GA 36 gives it, thickened or thinned at random; and, for
characters seen often enough in the training photographs, from what they look like there
(`lpr.training.glyphs`).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lpr.training.errors import FontMissingError

Mask: TypeAlias = npt.NDArray[np.uint8]
"""0 ground, 255 ink."""

MASK_WIDTH, MASK_HEIGHT = 48, 96
"""Every shape is kept at this size, in pixels: a little more than one per millimetre."""
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
_DRAWN_PIXELS = 120
_BAR_SHARE = 0.7
"""How often a 1 is a plain bar, as the plates' typeface has it."""
_BENT_SHARE = 0.5
"""How often a character's strokes are moved about: no open font is the plates' own."""
_BENT_PIXELS = 2.6
"""Standard deviation of how far they are moved."""


class _Font(msgspec.Struct, frozen=True):
    """A font's file, and the face in it."""

    file: str
    face: int = 0
    latin: bool = True


# Debian's packages fonts-noto-cjk, fonts-noto-cjk-extra (OFL; their face 2 is simplified Chinese),
# fonts-wqy-zenhei, fonts-wqy-microhei, fonts-dejavu and fonts-liberation.
_FONTS = (
    _Font("NotoSansCJK-Bold.ttc", 2),
    _Font("NotoSansCJK-Regular.ttc", 2),
    _Font("NotoSansCJK-Black.ttc", 2),
    _Font("NotoSansCJK-Medium.ttc", 2),
    _Font("wqy-zenhei.ttc"),
    _Font("wqy-microhei.ttc"),
    _Font("DejaVuSans-Bold.ttf"),
    _Font("DejaVuSansCondensed-Bold.ttf"),
    _Font("DejaVuSansMono-Bold.ttf"),
    _Font("LiberationSans-Bold.ttf"),
    _Font("LiberationSansNarrow-Bold.ttf"),
)
_CHINESE_FONTS = 6
"""The first ones have Chinese characters."""


class Faces:
    """All shapes to choose from."""

    def __init__(
        self, *, learnt: Mapping[str, Sequence[Mask]] | None = None, learnt_share: float = 0.55
    ) -> None:
        self._fonts = tuple(_font(font) for font in _FONTS)
        self._learnt = dict(learnt or {})
        self._learnt_share = learnt_share

    def style(self, chance: np.random.Generator) -> "Style":
        """Choose how one plate's characters look: all of one plate look alike."""
        return Style(
            latin=int(chance.integers(len(self._fonts))),
            chinese=int(chance.integers(_CHINESE_FONTS)),
            learnt=chance.random() < self._learnt_share,
            thicken=int(chance.integers(-2, 4)),
            bar=chance.random() < _BAR_SHARE,
        )

    def shape(self, character: str, style: "Style", chance: np.random.Generator) -> Mask:
        """Answer a character's shape, MASK_HEIGHT by MASK_WIDTH."""
        known = self._learnt.get(character)
        if style.learnt and known:
            shape = known[int(chance.integers(len(known)))]
        elif character == "1" and style.bar:
            shape = _thickened(_bar(), style.thicken)
        else:
            font = self._fonts[style.latin if character.isascii() else style.chinese]
            shape = _thickened(_drawn(font, character), style.thicken)
        return _bent(shape, chance) if chance.random() < _BENT_SHARE else shape


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How the characters of one plate look."""

    latin: int
    chinese: int
    learnt: bool
    thicken: int
    """Pixels of stroke more (or less, below nought)."""
    bar: bool
    """A 1 is a plain bar."""


def _font(font: _Font) -> ImageFont.FreeTypeFont:
    for folder in FONT_FOLDERS:
        for path in sorted(folder.rglob(font.file)):
            return ImageFont.truetype(str(path), _DRAWN_PIXELS, index=font.face)
    raise FontMissingError(font.file)


@lru_cache(maxsize=1024)
def _drawn(font: ImageFont.FreeTypeFont, character: str) -> Mask:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(character))
    drawn = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(drawn).text((-left, -top), character, fill=255, font=font)
    wide = MASK_WIDTH // 2 if character in "1I" else MASK_WIDTH
    ink = cv2.resize(np.asarray(drawn), (wide, MASK_HEIGHT), interpolation=cv2.INTER_AREA)
    mask = np.zeros((MASK_HEIGHT, MASK_WIDTH), np.uint8)
    begin = (MASK_WIDTH - wide) // 2
    mask[:, begin : begin + wide] = ink
    return mask


def _bar() -> Mask:
    mask = np.zeros((MASK_HEIGHT, MASK_WIDTH), np.uint8)
    mask[:, MASK_WIDTH // 2 - 6 : MASK_WIDTH // 2 + 6] = 255
    return mask


@lru_cache(maxsize=4096)
def _thickened_bytes(data: bytes, pixels: int) -> Mask:
    mask = np.frombuffer(data, np.uint8).reshape(MASK_HEIGHT, MASK_WIDTH)
    if pixels == 0:
        return mask
    # Kept inside the cell: a shape never touches its neighbour.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (abs(pixels) + 1, abs(pixels) + 1))
    grown = cv2.dilate(mask, kernel) if pixels > 0 else cv2.erode(mask, kernel)
    return np.asarray(grown, np.uint8)


def _bent(mask: Mask, chance: np.random.Generator) -> Mask:
    """Move strokes smoothly about, each part of the character its own way."""
    coarse = chance.normal(0, _BENT_PIXELS, (2, 5, 3)).astype(np.float32)
    size = (MASK_WIDTH, MASK_HEIGHT)
    across, down = (cv2.resize(part, size, interpolation=cv2.INTER_CUBIC) for part in coarse)
    y, x = np.mgrid[0:MASK_HEIGHT, 0:MASK_WIDTH].astype(np.float32)
    return np.asarray(cv2.remap(mask, x + across, y + down, cv2.INTER_LINEAR), np.uint8)


def _thickened(mask: Mask, pixels: int) -> Mask:
    return _thickened_bytes(mask.tobytes(), pixels)
