"""From a flat plate to what the recogniser is given: hung on a car, lit, photographed, cut out.

Everything random comes from the generator that is passed in, so one seed is always one picture.
"""

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from lpr.core.reading import Corners, Point
from lpr.image_file import Picture
from lpr.own_net import INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS
from lpr.rectify import READING_MARGIN, Margin, rectify, rows_in_line
from lpr.training.plates import FlatPlate

Floats: TypeAlias = npt.NDArray[np.float32]

JITTER_SHARE = 0.022
"""Standard deviation of a corner of the detector's, as a share of the plate's width; measured on
training frames looked at in several sizes and positions (`python -m lpr.training jitter`)."""
_BOX_SHARE = 0.45
"""How often the plate is cut out by an upright box, as published crops are."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a frame, with the plate's true corners in it."""

    picture: Picture
    corners: Corners
    two_rows: bool
    whole: bool = False
    """The picture is itself a crop, cut out by somebody else's box."""


def photographed(
    plate: FlatPlate, *, grounds: Sequence[Picture], chance: np.random.Generator
) -> Scene:
    """Hang a plate on a car, at a distance and angle, in some light, before a lens.

    `grounds` are pieces of frames without plates, to surround it.
    """
    worn = _weathered(plate.picture, chance)
    height = float(np.exp(chance.uniform(np.log(13), np.log(64))))
    if plate.two_rows:
        height *= 1.5
    quad = _hung(plate.picture, height, chance)
    margin = chance.uniform(0.25, 0.5) * height
    quad += margin - quad.min(axis=0)
    width, tall = (int(edge) for edge in np.ceil(quad.max(axis=0) + margin))
    scene = _ground(grounds, width, tall, chance)
    scene = _placed(scene, worn, quad)
    return Scene(
        picture=lensed(scene, chance),
        corners=_corners(quad),
        two_rows=plate.two_rows,
    )


def net_input(scene: Scene, *, chance: np.random.Generator) -> Picture:
    """Cut the plate out as the product would, or as a publisher of crops would."""
    if not scene.two_rows and chance.random() < _BOX_SHARE:
        return boxed(scene, chance)
    corners = jittered(scene.corners, JITTER_SHARE, chance)
    if scene.two_rows:
        return fitted(rows_in_line(scene.picture, corners))
    return fitted(rectify(scene.picture, corners, margin=some_margin(chance)))


def some_margin(chance: np.random.Generator) -> Margin:
    """The product's own margin, give or take."""
    return Margin(
        across=READING_MARGIN.across * float(chance.uniform(0.3, 1.6)),
        down=READING_MARGIN.down * float(chance.uniform(0.2, 1.8)),
    )


def fitted(crop: Picture) -> Picture:
    """Scale a crop to the net's input."""
    size = (INPUT_WIDTH_PIXELS, INPUT_HEIGHT_PIXELS)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def boxed(scene: Scene, chance: np.random.Generator) -> Picture:
    """Cut out the upright box around the plate, never quite right."""
    box = scene.corners.box()
    left, right = box.left, box.left + box.width
    top, bottom = box.top, box.top + box.height
    across = chance.normal(0.005, 0.02, 2) * box.width
    down = chance.normal(0.02, 0.07, 2) * box.height
    rows, columns = scene.picture.shape[:2]
    x0, x1 = _inside(left - across[0], columns), _inside(right + across[1], columns)
    y0, y1 = _inside(top - down[0], rows), _inside(bottom + down[1], rows)
    return fitted(scene.picture[y0 : max(y1, y0 + 4), x0 : max(x1, x0 + 8)])


def _inside(value: float, limit: int) -> int:
    return int(min(max(round(value), 0), limit))


def jittered(corners: Corners, share: float, chance: np.random.Generator) -> Corners:
    """Misplace corners as a detector does: each a little, and all together."""
    points = np.array([(point.x, point.y) for point in corners.points()], np.float32)
    width = float(np.linalg.norm(points[1] - points[0]))
    points += chance.normal(0, share * width * 0.7, (4, 2))
    points += chance.normal(0, share * width * 0.7, (1, 2))
    middle = points.mean(axis=0)
    points = middle + (points - middle) * chance.normal(1.0, share, (1, 2))
    return _corners(points.astype(np.float32))


def lensed(scene: Picture, chance: np.random.Generator, *, strength: float = 1.0) -> Picture:
    """What light, lens, sensor and camera do to a picture, in that order."""
    picture = _lit(scene.astype(np.float32), chance, strength=strength)
    picture = _blurred(picture, chance)
    if chance.random() < 0.7:
        picture += chance.normal(0, chance.uniform(1, 14), picture.shape).astype(np.float32)
    if chance.random() < 0.3:
        coarse = chance.normal(0, chance.uniform(2, 10), (*picture.shape[:2], 1))
        picture += coarse.astype(np.float32)
    shot = np.clip(picture, 0, 255).astype(np.uint8)
    if chance.random() < 0.12:  # infrared, or a camera without colours
        grey = cv2.cvtColor(shot, cv2.COLOR_BGR2GRAY)
        shot = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if chance.random() < 0.6:
        quality = [int(cv2.IMWRITE_JPEG_QUALITY), int(chance.integers(25, 95))]
        coded = cv2.imencode(".jpg", shot, quality)[1]
        shot = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return shot


def _lit(picture: Floats, chance: np.random.Generator, *, strength: float) -> Floats:
    height, width = picture.shape[:2]
    kind = chance.random()
    if kind < 0.25:  # one side darker than the other
        edge = np.linspace(chance.uniform(0.5, 1.4), chance.uniform(0.5, 1.4), width)
        picture = picture * edge[None, :, None].astype(np.float32)
    elif kind < 0.40:  # a shadow's edge
        start, slope = chance.uniform(0, width), chance.normal(0, 1)
        down, across = np.mgrid[0:height, 0:width]
        dark = (across + slope * down > start)[..., None]
        picture = np.where(dark, picture * np.float32(chance.uniform(0.35, 0.75)), picture)
    elif kind < 0.50:  # a lamp or the sun in the paint
        picture = picture + _glare(height, width, chance)
    gain = float(np.exp(chance.normal(0, 0.34) * strength))
    contrast = float(np.exp(chance.normal(-0.15, 0.3) * strength))
    middle = float(picture.mean())
    picture = ((picture - middle) * contrast + middle) * gain + float(
        chance.normal(0, 12)
    ) * strength
    tint = np.exp(chance.normal(0, 0.10, 3)).astype(np.float32)
    picture = np.clip(picture * tint, 0, 255)
    gamma = float(np.exp(chance.normal(0, 0.3) * strength))
    return np.asarray(255.0 * (picture / 255.0) ** gamma, np.float32)


def _glare(height: int, width: int, chance: np.random.Generator) -> Floats:
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = chance.uniform(0, width), chance.uniform(0, height)
    reach = chance.uniform(0.2, 0.9) * height
    spot = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * reach**2))
    return np.asarray(spot[..., None] * chance.uniform(60, 230), np.float32)


def _blurred(picture: Floats, chance: np.random.Generator) -> Floats:
    height = picture.shape[0]
    if chance.random() < 0.6:
        sigma = abs(float(chance.normal(0, 0.014 * height))) + 0.1
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    if chance.random() < 0.25:
        length = max(3, round(float(chance.uniform(0.03, 0.11)) * height))
        kernel = np.zeros((length, length), np.float32)
        angle = chance.normal(0, 0.5) if chance.random() < 0.6 else chance.uniform(0, np.pi)
        reach = (length - 1) / 2
        shift = np.array((np.cos(angle), np.sin(angle))) * reach
        start, end = (reach - shift).round().astype(int), (reach + shift).round().astype(int)
        cv2.line(kernel, start.tolist(), end.tolist(), (1.0,))
        picture = np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)
    return picture


def _weathered(plate: Picture, chance: np.random.Generator) -> Picture:
    """Fade, dirty and scratch the sheet."""
    height, width = plate.shape[:2]
    worn = plate.astype(np.float32)
    if chance.random() < 0.5:
        film = _clouds(height, width, chance) * float(chance.uniform(0.05, 0.55))
        dust = np.array(chance.uniform(40, 190, 3), np.float32)
        worn = worn * (1 - film) + dust * film
    if chance.random() < 0.25:
        for _ in range(int(chance.integers(1, 14))):
            centre = (int(chance.integers(width)), int(chance.integers(height)))
            radius = int(chance.integers(1, 9))
            cv2.circle(worn, centre, radius, chance.uniform(20, 220, 3).tolist(), -1)
    if chance.random() < 0.12:  # a frame or a bar over an edge
        tone = chance.uniform(10, 230, 3).tolist()
        cover = round(float(chance.uniform(0.04, 0.14)) * height)
        if chance.random() < 0.5:
            cv2.rectangle(worn, (0, 0), (width, cover), tone, -1)
        else:
            cv2.rectangle(worn, (0, height - cover), (width, height), tone, -1)
    return np.clip(worn, 0, 255).astype(np.uint8)


def _clouds(height: int, width: int, chance: np.random.Generator) -> Floats:
    rough = chance.random((int(chance.integers(2, 7)), int(chance.integers(3, 12))))
    smooth = cv2.resize(rough.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth, 0, 1)[..., None], np.float32)


def _hung(plate: Picture, height: float, chance: np.random.Generator) -> Floats:
    """Turn the plate in space and look at it through a lens; answer its corners in pixels."""
    rows, columns = plate.shape[:2]
    aspect = columns / rows
    yaw, pitch, roll = chance.normal(0, (0.42, 0.28, 0.10))
    yaw, pitch = np.clip(yaw, -0.95, 0.95), np.clip(pitch, -0.8, 0.8)
    half = np.array((aspect / 2, 0.5))
    flat = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half
    points = np.concatenate([flat, np.zeros((4, 1))], axis=1)
    points = points @ _turn(0, pitch).T @ _turn(1, yaw).T @ _turn(2, roll).T
    distance = aspect * float(chance.uniform(2.0, 8.0))
    seen = points[:, :2] * (distance / (distance + points[:, 2:]))
    return np.asarray(seen * height, np.float32)


def _turn(axis: int, angle: float) -> npt.NDArray[np.float64]:
    one, other = [index for index in range(3) if index != axis]
    matrix = np.eye(3)
    matrix[one, one] = matrix[other, other] = np.cos(angle)
    matrix[one, other], matrix[other, one] = -np.sin(angle), np.sin(angle)
    return matrix


def _ground(
    grounds: Sequence[Picture], width: int, height: int, chance: np.random.Generator
) -> Picture:
    if grounds and chance.random() < 0.7:
        ground = grounds[int(chance.integers(len(grounds)))]
        return np.asarray(cv2.resize(ground, (width, height)), np.uint8).copy()
    base = chance.uniform(10, 230, 3)
    rough = chance.normal(base, chance.uniform(5, 60), (4, 6, 3)).clip(0, 255).astype(np.float32)
    return np.asarray(cv2.resize(rough, (width, height)).clip(0, 255), np.uint8)


def _placed(scene: Picture, plate: Picture, quad: Floats) -> Picture:
    rows, columns = plate.shape[:2]
    edges = np.array(((0, 0), (columns, 0), (columns, rows), (0, rows)), np.float32)
    shrink = rows / max(float(np.ptp(quad[:, 1])), 1.0)
    if shrink > 2:  # what a lens averages, plain sampling would skip
        plate = np.asarray(cv2.GaussianBlur(plate, (0, 0), shrink / 3), np.uint8)
    matrix = cv2.getPerspectiveTransform(edges, quad)
    size = (scene.shape[1], scene.shape[0])
    hung = cv2.warpPerspective(plate, matrix, size, flags=cv2.INTER_LINEAR)
    cover = np.full(plate.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(cover, matrix, size, flags=cv2.INTER_LINEAR)[..., None] / 255.0
    return np.asarray(scene * (1 - mask) + hung * mask, np.uint8)


def _corners(quad: Floats) -> Corners:
    points = [Point(float(x), float(y)) for x, y in quad]
    return Corners(
        top_left=points[0], top_right=points[1], bottom_right=points[2], bottom_left=points[3]
    )
