"""The pictures that the net learns from, one after the other, each decided by its number alone.

Three kinds: drawn plates, real plates photographed anew (moved, lit, blurred a little more), and
real plates whose characters were exchanged among one another, so that the net learns the look of
the paint and not the few texts. Four in five photographs come from one province, so the others' are
taken more often, and half of the exchanged plates get a province that is drawn into the photograph.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType

import cv2
import msgspec
import numpy as np

from lpr.core.plate_format import PROVINCES
from lpr.image_file import Picture
from lpr.rectify import rectify, rows_in_line
from lpr.training.faces import Faces
from lpr.training.photos import (
    FLAT_HEIGHT_PIXELS,
    FLAT_WIDTH_PIXELS,
    PhotographedPlate,
    flat_picture,
    place,
)
from lpr.training.plates import draw_flat
from lpr.training.scenes import (
    JITTER_SHARE,
    Scene,
    boxed,
    fitted,
    jittered,
    lensed,
    net_input,
    photographed,
    some_margin,
)
from lpr.training.texts import draw_text

_UNREADABLE_SHARE = 0.03
"""How often there is nothing to be read, or not in the way the crop was laid out."""
_SOFT_LENS_SHARE = 0.5
_WHOLE_SHARE = 0.45
_DRAWN_PROVINCE_SHARE = 0.5
"""How often an exchanged plate's province is drawn, not photographed."""
_RARITY = 0.6
"""The power of a province's photographs by which each of them is taken less often: 1 would show
all provinces equally often, and the only photograph of one hundreds of times."""


class Source(Enum):
    """Where a sample comes from."""

    DRAWN = "drawn"
    REAL = "real"
    EXCHANGED = "exchanged"


class Sample(msgspec.Struct, frozen=True):
    """A net input and what it says."""

    picture: Picture
    text: str


class Studio(msgspec.Struct, frozen=True, kw_only=True):
    """All that samples are made of."""

    faces: Faces
    grounds: Sequence[Picture]
    real: Sequence[PhotographedPlate]


def sample(source: Source, *, studio: Studio, seed: int, number: int) -> Sample:
    """Make one sample: the same for the same source, studio, seed and number."""
    chance = np.random.default_rng([seed, list(Source).index(source), number])
    return _MAKERS[source](studio, chance)


def _drawn(studio: Studio, chance: np.random.Generator) -> Sample:
    text, design = draw_text(chance)
    plate = draw_flat(text, design, faces=studio.faces, chance=chance)
    scene = photographed(plate, grounds=studio.grounds, chance=chance)
    if chance.random() < _UNREADABLE_SHARE:
        return Sample(_unreadable(scene, studio, chance), "")
    return Sample(net_input(scene, chance=chance), text)


def _unreadable(scene: Scene, studio: Studio, chance: np.random.Generator) -> Picture:
    """Nothing but car and street, or a plate cut out with the wrong number of rows."""
    if studio.grounds and chance.random() < 0.5:
        return fitted(studio.grounds[int(chance.integers(len(studio.grounds)))])
    wrong = rectify if scene.two_rows else rows_in_line
    return fitted(wrong(scene.picture, scene.corners))


def _real(studio: Studio, chance: np.random.Generator) -> Sample:
    plate = _rather_rare(studio.real, chance)
    return Sample(_photographed_again(plate.scene, chance), plate.text)


def _rather_rare(
    plates: Sequence[PhotographedPlate], chance: np.random.Generator
) -> PhotographedPlate:
    """Take a plate, those of rarely photographed provinces more often."""
    counts = Counter(plate.text[0] for plate in plates)
    weights = np.array([counts[plate.text[0]] ** -_RARITY for plate in plates])
    return plates[int(chance.choice(len(plates), p=weights / weights.sum()))]


def _exchanged(studio: Studio, chance: np.random.Generator) -> Sample:
    """Put characters of other plates of the same layout into a plate's cells."""
    fitting = [plate for plate in studio.real if plate.fitted]
    plate = fitting[int(chance.integers(len(fitting)))]
    flat = flat_picture(plate.scene)
    text = list(plate.text)
    for index in range(7):
        if chance.random() < 0.35:
            continue
        if index == 0 and chance.random() < _DRAWN_PROVINCE_SHARE:
            text[0] = PROVINCES[int(chance.integers(len(PROVINCES)))]
            flat[place(0)] = _painted(text[0], flat[place(0)], studio.faces, chance)
            continue
        other = (
            _rather_rare(fitting, chance)
            if index == 0
            else fitting[int(chance.integers(len(fitting)))]
        )
        # Provinces and suffixes stay at their ends of the plate; the rest may stand anywhere.
        source = index if index in {0, 6} else int(chance.integers(1, 6))
        if index == 1 and not other.text[source].isalpha():
            continue
        text[index] = other.text[source]
        cell = flat_picture(other.scene)[place(source)]
        flat[place(index)] = _like(cell, flat[place(index)])
    return Sample(_photographed_again(_put_back(plate.scene, flat), chance), "".join(text))


def _like(cell: Picture, there: Picture) -> Picture:
    """Give a cell the light and the colours of the place that it is put into."""
    size = (there.shape[1], there.shape[0])
    moved = cv2.resize(cell, size).astype(np.float32)
    low, high = (np.percentile(moved, share, axis=(0, 1)) for share in (12, 92))
    dark, light = (np.percentile(there, share, axis=(0, 1)) for share in (12, 92))
    scaled = (moved - low) / np.maximum(high - low, 6.0) * (light - dark) + dark
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def _painted(character: str, there: Picture, faces: Faces, chance: np.random.Generator) -> Picture:
    """Draw a character as if it had been photographed where another one stands."""
    shape = faces.shape(character, faces.style(chance), chance)
    size = (there.shape[1], there.shape[0])
    sigma = float(chance.uniform(0.4, 3.2))
    ink = cv2.GaussianBlur(cv2.resize(shape, size), (0, 0), sigma).astype(np.float32)[..., None]
    grey = there.mean(axis=2)
    low, middle, high = np.percentile(grey, (10, 50, 95))
    if high - middle < middle - low:  # dark characters on a light ground
        ink = 255 - ink
    noise = chance.normal(0, float(chance.uniform(2, 18)), ink.shape)
    noisy = np.repeat(np.clip(ink + noise, 0, 255), 3, axis=2).astype(np.uint8)
    return _like(noisy, there)


def _put_back(scene: Scene, flat: Picture) -> Scene:
    quad = np.array([(point.x, point.y) for point in scene.corners.points()], np.float32)
    wide, tall = FLAT_WIDTH_PIXELS, FLAT_HEIGHT_PIXELS
    edges = np.array(((0, 0), (wide, 0), (wide, tall), (0, tall)), np.float32)
    matrix = cv2.getPerspectiveTransform(edges, quad)
    size = (scene.picture.shape[1], scene.picture.shape[0])
    laid = cv2.warpPerspective(flat, matrix, size, flags=cv2.INTER_AREA)
    cover = np.full(flat.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(cover, matrix, size)[..., None] / 255.0
    picture = (scene.picture * (1 - mask) + laid * mask).astype(np.uint8)
    return msgspec.structs.replace(scene, picture=picture)


def _photographed_again(scene: Scene, chance: np.random.Generator) -> Picture:
    if chance.random() < _SOFT_LENS_SHARE:
        scene = msgspec.structs.replace(scene, picture=lensed(scene.picture, chance, strength=0.5))
    kind = chance.random()
    if kind < _WHOLE_SHARE:
        return _nudged(scene.picture if scene.whole else boxed(scene, chance), chance)
    if kind < _WHOLE_SHARE + 0.1:
        return boxed(scene, chance)
    corners = jittered(scene.corners, JITTER_SHARE, chance)
    return fitted(rectify(scene.picture, corners, margin=some_margin(chance)))


def _nudged(crop: Picture, chance: np.random.Generator) -> Picture:
    """Turn, shear, stretch and shift a crop a little."""
    picture = fitted(crop)
    height, width = picture.shape[:2]
    stretch = np.eye(2) + chance.normal(0, ((0.035, 0.05), (0.012, 0.06)))
    middle = np.array((width / 2, height / 2))
    shift = middle - stretch @ middle + chance.normal(0, (0.018 * width, 0.04 * height))
    matrix = np.concatenate([stretch, shift[:, None]], axis=1).astype(np.float32)
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


_MAKERS: Mapping[Source, Callable[[Studio, np.random.Generator], Sample]] = MappingProxyType(
    {Source.DRAWN: _drawn, Source.REAL: _real, Source.EXCHANGED: _exchanged}
)
