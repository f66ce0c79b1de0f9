"""The training share's photographs as scenes: a plate, its corners, a little around it.

Crops are whole plates in upright boxes; their corners are found by fitting them to what all of
them have in common. In frames the product's own detector finds the corners, and a frame counts
only when the chain as it was before reads its plate right there: a wrong place would teach wrong.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np

from lpr.core.reading import Corners, Point
from lpr.detector import DetectedPlate
from lpr.image_file import Picture, read_image_file
from lpr.training.faces import MASK_HEIGHT, MASK_WIDTH, Mask
from lpr.training.scenes import Floats, Scene
from lpr.training.split import Photograph

FLAT_WIDTH_PIXELS, FLAT_HEIGHT_PIXELS = 352, 112
"""A crop laid flat: 0.8 pixels per millimetre of a plate of one row."""
_PIXELS_PER_MM = 0.8
_CROP_WIDTH_PIXELS, _CROP_HEIGHT_PIXELS = 188, 48
_ALIKE_MIN = 0.35
"""Correlation with the common face of plates below which a crop's corners stay its own edges."""
_FITS_MIN = 0.42
"""Correlation with the measures of GA 36 from which the corners are taken to be right."""
_CHARACTERS = 7
_REACH = 0.35 * _CROP_HEIGHT_PIXELS
"""Pixels that a corner may move while a crop is fitted."""
_ROUNDS = 2
_AROUND = 0.6
"""How much of a frame is kept around a plate, in plate heights."""
_LEARNT_MIN = 1
"""A character seen less often has no face of its own. Even one look at a rare province teaches more
than no look, since half of the drawn plates use fonts all the same."""
_LEARNT_MAX = 40


class PhotographedPlate(msgspec.Struct, frozen=True, kw_only=True):
    """A real plate to learn from."""

    text: str
    scene: Scene
    fitted: bool = False
    """The corners are those of the plate to a pixel or two: its cells can be told apart."""


def from_crops(photographs: Iterable[Photograph]) -> list[PhotographedPlate]:
    """Take published crops: the box is the picture, the corners are found by fitting."""
    crops = [(item.text, _crop(item.path)) for item in photographs if not item.is_frame]
    quads = _fitted([crop for _, crop in crops])
    plates = []
    for (text, crop), quad in zip(crops, quads, strict=True):
        scene = Scene(picture=crop, corners=_corners(quad), two_rows=False, whole=True)
        plates.append(PhotographedPlate(text=text, scene=scene, fitted=_fits(scene, text)))
    return plates


def from_frames(
    photographs: Iterable[Photograph],
    *,
    found: Callable[[Picture, str], DetectedPlate | None],
    common: Floats,
) -> list[PhotographedPlate]:
    """Take frames; `found` answers where in a picture the plate with a text is.

    Corners that fit `common` better are taken over: they are what a detector should have said.
    """
    plates = []
    for item in photographs:
        if not item.is_frame:
            continue
        picture = read_image_file(item.path)
        plate = found(picture, item.text)
        if plate is None:
            continue
        scene = _piece(picture, plate.corners)
        nearer = _nearer(scene, common)
        fits = _fits(nearer, item.text)
        plates.append(
            PhotographedPlate(text=item.text, scene=nearer if fits else scene, fitted=fits)
        )
    return plates


def common_face(plates: Sequence[PhotographedPlate]) -> Floats:
    """Answer what fitted plates have in common, as a flat picture of ink."""
    inks = [_ink(flat_picture(plate.scene)) for plate in plates if plate.fitted]
    return np.asarray(np.mean(inks, axis=0), np.float32)


def _nearer(scene: Scene, common: Floats) -> Scene:
    quad = np.array([(point.x, point.y) for point in scene.corners.points()], np.float32)
    near = _fit(_ink(scene.picture), quad, common, reach=0.35 * scene.corners.box().height)
    return msgspec.structs.replace(scene, corners=_corners(near))


def _fits(scene: Scene, text: str) -> bool:
    cells = _cells().ravel()
    ink = _ink(flat_picture(scene)).ravel()
    return len(text) == _CHARACTERS and float(np.corrcoef(ink, cells)[0, 1]) > _FITS_MIN


def grounds_of(pictures: Iterable[Picture], *, chance: np.random.Generator) -> list[Picture]:
    """Cut pieces out of frames, to surround drawn plates with."""
    grounds = []
    for picture in pictures:
        height, width = picture.shape[:2]
        for _ in range(6):
            tall = int(height * chance.uniform(0.08, 0.3))
            wide = min(width - 1, 3 * tall)
            top, left = int(chance.integers(height - tall)), int(chance.integers(width - wide))
            piece = picture[top : top + tall, left : left + wide]
            small = cv2.resize(piece, (96, 32), interpolation=cv2.INTER_AREA)
            grounds.append(np.asarray(small, np.uint8))
    return grounds


def learnt_faces(plates: Sequence[PhotographedPlate]) -> dict[str, list[Mask]]:
    """Learn what characters look like: single looks at them, and their common face.

    Only from plates that fit, whose cells are known.
    """
    looks: dict[str, list[Floats]] = {}
    for plate in plates:
        if not plate.fitted:
            continue
        flat = _ink(flat_picture(plate.scene))
        for index, character in enumerate(plate.text):
            looks.setdefault(character, []).append(_cell(flat, index))
    return {
        character: [*[_common(seen)] * min(len(seen), _LEARNT_MAX), *map(_mask, seen[:_LEARNT_MAX])]
        for character, seen in sorted(looks.items())
        if len(seen) >= _LEARNT_MIN
    }


def _crop(path: Path) -> Picture:
    size = (_CROP_WIDTH_PIXELS, _CROP_HEIGHT_PIXELS)
    return np.asarray(cv2.resize(read_image_file(path), size, interpolation=cv2.INTER_CUBIC))


def _fitted(crops: Sequence[Picture]) -> list[Floats]:
    """Find each crop's plate by fitting it to the mean of all that fitted so far."""
    edges = _edges(_CROP_WIDTH_PIXELS, _CROP_HEIGHT_PIXELS)
    quads = [edges.copy() for _ in crops]
    inks = [_ink(crop) for crop in crops]
    for _ in range(_ROUNDS):
        common = np.mean([_warped(i, q) for i, q in zip(inks, quads, strict=True)], axis=0)
        quads = [
            _fit(ink, quad, common, reach=_REACH) for ink, quad in zip(inks, quads, strict=True)
        ]
    # What they have in common is then laid onto the measures of GA 36.
    common = np.mean([_warped(i, q) for i, q in zip(inks, quads, strict=True)], axis=0)
    edges = _edges(FLAT_WIDTH_PIXELS, FLAT_HEIGHT_PIXELS)
    nominal = _fit(common.astype(np.float32), edges, _cells(), reach=_REACH)
    return [_through(quad, nominal) for quad in quads]


def _through(quad: Floats, nominal: Floats) -> Floats:
    """Move corners given in the common picture's terms to a crop's."""
    matrix = cv2.getPerspectiveTransform(_edges(FLAT_WIDTH_PIXELS, FLAT_HEIGHT_PIXELS), quad)
    return np.asarray(cv2.perspectiveTransform(nominal[None], matrix)[0], np.float32)


def _cells() -> Floats:
    """Draw where the characters of a plate of one row stand, each cell half inked."""
    cells = np.zeros((FLAT_HEIGHT_PIXELS, FLAT_WIDTH_PIXELS), np.float32)
    for index in range(7):
        rows, columns = place(index)
        cells[rows, columns] = 0.6
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), 3), np.float32)


def place(index: int) -> tuple[slice, slice]:
    """Answer where in a flat picture the character with this index stands."""
    left = 15.5 + 57 * index + (22 if index > 1 else 0)
    x, y = round(left * _PIXELS_PER_MM), round(25 * _PIXELS_PER_MM)
    return slice(y, y + round(90 * _PIXELS_PER_MM)), slice(x, x + round(45 * _PIXELS_PER_MM))


def _fit(ink: Floats, quad: Floats, common: Floats, *, reach: float) -> Floats:
    warped = _warped(ink, quad)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
    try:
        alike, matrix = cv2.findTransformECC(
            common.astype(np.float32),
            warped,
            np.eye(3, dtype=np.float32),
            cv2.MOTION_HOMOGRAPHY,
            criteria,
            np.full(warped.shape, 255, np.uint8),
            5,
        )
    except cv2.error:  # it did not converge
        return quad
    if alike < _ALIKE_MIN:
        return quad
    edges = _edges(FLAT_WIDTH_PIXELS, FLAT_HEIGHT_PIXELS)
    in_flat = cv2.perspectiveTransform(edges[None], matrix)
    back = cv2.getPerspectiveTransform(edges, quad)
    found = cv2.perspectiveTransform(in_flat, back)[0]
    near = np.abs(found - quad).max() < reach
    return np.asarray(found if near else quad, np.float32)


def _ink(picture: Picture) -> Floats:
    """Grey, with the characters light: 0 ground, 1 ink, whatever the light was."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    low, middle, high = np.percentile(grey, (5, 50, 95))
    if high - middle < middle - low:  # dark characters on a light ground
        grey, low, high = 255 - grey, 255 - high, 255 - low
    return np.asarray(np.clip((grey - low) / max(high - low, 8.0), 0, 1), np.float32)


def _edges(width: float, height: float) -> Floats:
    return np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)


def _warped(picture: Floats, quad: Floats) -> Floats:
    size = (FLAT_WIDTH_PIXELS, FLAT_HEIGHT_PIXELS)
    matrix = cv2.getPerspectiveTransform(quad, _edges(*size))
    return np.asarray(
        cv2.warpPerspective(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def flat_picture(scene: Scene) -> Picture:
    """Lay a scene's plate of one row flat, FLAT_WIDTH_PIXELS wide."""
    quad = np.array([(point.x, point.y) for point in scene.corners.points()], np.float32)
    return np.clip(_warped(scene.picture.astype(np.float32), quad), 0, 255).astype(np.uint8)


def _cell(flat: Floats, index: int) -> Floats:
    look = cv2.resize(flat[place(index)], (MASK_WIDTH, MASK_HEIGHT))
    low, high = np.percentile(look, (8, 94))
    return np.asarray(np.clip((look - low) / max(high - low, 0.15), 0, 1), np.float32)


def _common(looks: Sequence[Floats]) -> Mask:
    """Sharpen the mean of many looks into one shape."""
    mean = np.mean(looks, axis=0)
    soft = cv2.GaussianBlur(mean, (0, 0), 8)
    sharp = mean + 1.2 * (mean - soft)
    low, high = np.percentile(sharp, (10, 95))
    return np.asarray(255 / (1 + np.exp(-9 * ((sharp - low) / (high - low) - 0.55))), np.uint8)


def _mask(look: Floats) -> Mask:
    return np.asarray(look * 255, np.uint8)


def _piece(picture: Picture, corners: Corners) -> Scene:
    box = corners.box()
    around = _AROUND * box.height
    left, top = max(int(box.left - around), 0), max(int(box.top - around), 0)
    right, bottom = int(box.left + box.width + around), int(box.top + box.height + around)
    piece = picture[top:bottom, left:right].copy()
    quad = np.array([(point.x - left, point.y - top) for point in corners.points()], np.float32)
    return Scene(picture=piece, corners=_corners(quad), two_rows=False)


def _corners(quad: Floats) -> Corners:
    points = [Point(float(x), float(y)) for x, y in quad]
    return Corners(
        top_left=points[0], top_right=points[1], bottom_right=points[2], bottom_left=points[3]
    )
