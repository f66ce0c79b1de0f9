"""Frames of a pass: the car comes nearer before its lane's yard, and the camera adds its faults."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

import cv2
import msgspec
import numpy as np

from gateway_sim.gates.cars import (
    CarLook,
    Placement,
    draw_car,
    lamp_centres,
    look_of,
    plate_corners,
)
from gateway_sim.gates.light import LIGHTS, DayPart, Light, day_part
from gateway_sim.gates.optics import HEIGHT, WIDTH, Viewpoint, viewpoint_of
from gateway_sim.gates.pictures import Layer, Picture, Points, Reals, clipped, lay
from gateway_sim.gates.plates import HEIGHT_MM, draw_plate, plate_width_mm
from gateway_sim.gates.scenario import Pass
from gateway_sim.gates.yards import draw_yard

JPEG_QUALITY = 84
_NEAR_METRES = (3.7, 4.3)
_STEP_METRES = 0.5
"""How far the car comes between two frames."""
_NOISE_SLACK = 64
_FACE = np.array(((-0.85, 0.15, 0.12), (0.85, 0.15, 0.12), (0.85, 1.3, 0.6), (-0.85, 1.3, 0.6)))
"""Four points of a car by which a drawn car is carried from one place to the next."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One picture, as the camera encodes it."""

    captured_at: datetime
    """In UTC."""
    jpeg: bytes


class _Shot(msgspec.Struct, frozen=True, kw_only=True):
    """All that stays the same from frame to frame of one pass."""

    view: Viewpoint
    light: Light
    look: CarLook
    yard: Picture
    car: Layer
    extent: tuple[int, int, int, int]
    """The part of the layer that is not empty: left, top, right, bottom."""
    drawn_at: Placement
    plate: Picture | None
    plate_size: tuple[float, float]
    """Metres."""


def render_pass(crossing: Pass, *, seed: int = 0, part: DayPart | None = None) -> Iterator[Frame]:
    """Render a pass, frame by frame, the far ones first.

    The same pass and seed give the same bytes. `part` overrides what the clock says of the light.
    """
    chance = np.random.default_rng(_seed_of(crossing, seed))
    near = chance.uniform(*_NEAR_METRES)
    aside, heading = chance.uniform(-0.25, 0.25), chance.uniform(-4.0, 4.0)
    last = Placement(x=aside, z=near, heading=heading)
    shot = _shot(crossing, last, chance, part or day_part(crossing.captured_at))
    for index in range(crossing.frames):
        away = (crossing.frames - 1 - index) * min(_STEP_METRES, 3.3 / crossing.frames)
        placement = msgspec.structs.replace(last, z=near + away)
        at = crossing.frame_at(index)
        picture = compose(shot, placement, chance)
        _caption(picture, crossing.lane, at.astimezone(crossing.captured_at.tzinfo))
        yield Frame(captured_at=at, jpeg=_encode(picture))


def render_empty(lane: str, at: datetime, *, seed: int = 0, part: DayPart | None = None) -> Frame:
    """Render a lane in which nothing happens: its yard, the sensor's noise, the burnt-in clock.

    `at` is in the lot's zone; the same lane, second and seed give the same bytes.
    """
    chance = np.random.default_rng([seed, *f"{lane} {at.isoformat()}".encode()])
    light = part or day_part(at)
    picture = _sensed(draw_yard(lane, viewpoint_of(lane), light), LIGHTS[light], chance)
    _caption(picture, lane, at)
    return Frame(captured_at=at.astimezone(UTC), jpeg=_encode(picture))


def _seed_of(crossing: Pass, seed: int) -> int:
    named = f"{seed} {crossing.lane} {crossing.captured_at.isoformat()} {crossing.plate}"
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8])


def _shot(
    crossing: Pass, placement: Placement, chance: np.random.Generator, part: DayPart
) -> _Shot:
    view, light = viewpoint_of(crossing.lane), LIGHTS[part]
    look = look_of(crossing.plate or f"without a plate {crossing.captured_at.isoformat()}")
    shown = crossing.shows or crossing.plate
    muddy = _first_difference(crossing.plate, crossing.shows)
    plate = None
    if shown is not None:
        plate = draw_plate(shown, crossing.colour, chance=chance, muddy=muddy)
    car = draw_car(look, placement=placement, view=view, light=light)
    left, top, width, height = cv2.boundingRect(car[..., 3])
    return _Shot(
        view=view,
        light=light,
        look=look,
        yard=draw_yard(crossing.lane, view, part),
        car=car,
        extent=(left, top, left + width, top + height),
        drawn_at=placement,
        plate=plate,
        plate_size=(plate_width_mm(shown or "") / 1000, HEIGHT_MM / 1000),
    )


def _first_difference(plate: str | None, shows: str | None) -> int | None:
    if plate is None or shows is None:
        return None
    pairs = enumerate(zip(plate, shows, strict=False))
    return next((index for index, (one, other) in pairs if one != other), None)


def compose(shot: _Shot, placement: Placement, chance: np.random.Generator) -> Picture:
    """Put yard, shadow, car, plate and glare together, then the lens and the sensor."""
    picture = shot.yard.copy()
    warp = _carry(shot, placement)
    x, y, right, bottom = _extent(shot, warp)
    shift = np.array(((1, 0, -x), (0, 1, -y), (0, 0, 1)), float)
    size = (right - x, bottom - y)
    part = picture[y:bottom, x:right]
    lay(part, _warped(shot.car, shift @ warp, size))
    _hang_plate(picture, shot, placement)
    _blur(part, chance)
    _glare(picture, shot, placement)
    return _sensed(picture, shot.light, chance)


def _carry(shot: _Shot, placement: Placement) -> Points:
    """The plane warp that takes the drawn car to another place in the lane."""
    drawn = shot.view.project(shot.drawn_at.put(_FACE)).astype(np.float32)
    wanted = shot.view.project(placement.put(_FACE)).astype(np.float32)
    warp: Points = cv2.getPerspectiveTransform(drawn, wanted).astype(np.float64)
    return warp


def _extent(shot: _Shot, warp: Points) -> tuple[int, int, int, int]:
    """The part of the frame that the car and its shadow can touch."""
    left, top, right, bottom = shot.extent
    corners = np.array([[(x, y) for x in (left, right) for y in (top, bottom)]], np.float32)
    moved = cv2.perspectiveTransform(corners, warp)[0]
    low = np.maximum(np.floor(moved.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(moved.max(axis=0)).astype(int) + 1, (WIDTH, HEIGHT))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _warped(layer: Layer, warp: Points, size: tuple[int, int]) -> Layer:
    return np.asarray(cv2.warpPerspective(layer, warp, size, flags=cv2.INTER_LINEAR), np.uint8)


def _hang_plate(picture: Picture, shot: _Shot, placement: Placement) -> None:
    """Warp the plate onto the car, in the light that plates throw back."""
    if shot.plate is None:
        return
    width, height = shot.plate_size
    corners = shot.view.project(placement.put(plate_corners(shot.look, width=width, height=height)))
    x, y = np.floor(corners.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
    x, y, right, bottom = max(x, 0), max(y, 0), min(right, WIDTH), min(bottom, HEIGHT)
    lit = cv2.convertScaleAbs(shot.plate, alpha=shot.light.plate)
    # The sheet is finer than the frame: it is brought near to its size before it is warped.
    scale = min(1.0, 1.15 * (right - x) / lit.shape[1])
    lit = cv2.resize(lit, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tall, wide = lit.shape[:2]
    sheet = np.dstack((lit, np.full((tall, wide), 255, np.uint8)))
    own = np.array(((0, 0), (wide, 0), (wide, tall), (0, tall)), np.float32)
    warp = cv2.getPerspectiveTransform(own, (corners - (x, y)).astype(np.float32))
    lay(
        picture[y:bottom, x:right], _warped(sheet, warp.astype(np.float64), (right - x, bottom - y))
    )


def _blur(part: Picture, chance: np.random.Generator) -> None:
    """The car moves and the lens is not quite sharp."""
    cv2.GaussianBlur(part, (3, 3), chance.uniform(0.3, 0.65), dst=part)
    length = int(chance.integers(1, 3))
    if length > 1:
        cv2.blur(part, (1, length), dst=part)


def _glare(picture: Picture, shot: _Shot, placement: Placement) -> None:
    """Add the halo and the streak of lit headlamps."""
    if not shot.light.lamps:
        return
    for x, y in shot.view.project(placement.put(lamp_centres(shot.look))):
        radius = int(shot.view.focal * 0.34 / placement.z)
        size = 2 * radius + 1
        left, top = int(x) - radius, int(y) - radius
        low_x, low_y = max(left, 0), max(top, 0)
        high_x, high_y = min(left + size, WIDTH), min(top + size, HEIGHT)
        if low_x >= high_x or low_y >= high_y:
            continue
        halo = cv2.convertScaleAbs(_halo(size), alpha=shot.light.lamps)
        part = picture[low_y:high_y, low_x:high_x]
        cv2.add(part, halo[low_y - top : high_y - top, low_x - left : high_x - left], dst=part)


@lru_cache(maxsize=32)
def _halo(size: int) -> Picture:
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    away = np.hypot(rows, columns)
    core = np.exp(-((away / 0.16) ** 2)) * 255
    veil = np.clip(1 - away, 0, 1) ** 2.6 * 120
    streak = np.exp(-((rows / 0.02) ** 2)) * np.clip(1 - np.abs(columns), 0, 1) * 70
    bright = (core + veil + streak)[..., None] * np.array((1.0, 0.99, 0.95))
    return clipped(bright)


def _sensed(picture: Picture, light: Light, chance: np.random.Generator) -> Picture:
    """Add the sensor's noise, which is stronger the less light there is."""
    brighter, darker = _noise(light.noise)
    down, across = (int(start) for start in chance.integers(0, _NOISE_SLACK, 2))
    cut = np.s_[down : down + HEIGHT, across : across + WIDTH]
    return np.asarray(cv2.subtract(cv2.add(picture, brighter[cut]), darker[cut]), np.uint8)


@lru_cache(maxsize=len(DayPart))
def _noise(strength: float) -> tuple[Picture, Picture]:
    """A tile of noise larger than a frame: what it adds, and what it takes."""
    grain = _grain() * strength
    return clipped(grain), clipped(-grain)


@lru_cache(maxsize=1)
def _grain() -> Reals:
    chance = np.random.default_rng(0)
    shape = (HEIGHT + _NOISE_SLACK, WIDTH + _NOISE_SLACK)
    grey = chance.standard_normal((*shape, 1), dtype=np.float32)
    hue = chance.standard_normal((*shape, 3), dtype=np.float32) * np.float32(0.5)
    # The camera's own denoising leaves grain rather than single specks.
    return np.asarray(cv2.blur(grey + hue, (2, 2)) * 1.5, dtype=np.float32)


def _caption(picture: Picture, lane: str, at: datetime) -> None:
    """Burn the time and the lane into the picture, as gate cameras do."""
    text = f"{at:%Y-%m-%d %H:%M:%S}  {lane}"
    for colour, width in (((20, 20, 20), 4), ((240, 240, 240), 1)):
        cv2.putText(
            picture, text, (24, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, width, cv2.LINE_AA
        )


def _encode(picture: Picture) -> bytes:
    _, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return data.tobytes()
