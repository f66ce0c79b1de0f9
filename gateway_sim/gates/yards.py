"""What stands still before a gate's camera: road, kerb, gate post, hedge, houses, sky."""

from functools import lru_cache

import cv2
import numpy as np

from gateway_sim.gates.light import LIGHTS, DayPart, Light
from gateway_sim.gates.optics import HEIGHT, WIDTH, Viewpoint
from gateway_sim.gates.pictures import Colour, Picture, Points, Reals, clipped, clouds, fill, stroke

_STREET_HALF, _LANE_HALF = 26.0, 2.6
"""Metres to either side: how far houses stand, how far the lane stays clear of leaves."""
_DARK_SHARE, _LIT_SHARE = 0.6, 0.3
"""How many windows are dark panes, and how many are lit after dusk."""


@lru_cache(maxsize=64)
def draw_yard(lane: str, view: Viewpoint, part: DayPart) -> Picture:
    """Draw a lane without a car in its light. The same lane always looks the same."""
    light = LIGHTS[part]
    chance = np.random.default_rng(list(f"lamp {lane}".encode()))
    return _lit(_unlit(lane, view, lamps=light.lamps > 0), view, light, chance)


@lru_cache(maxsize=64)
def _unlit(lane: str, view: Viewpoint, *, lamps: bool) -> Picture:
    chance = np.random.default_rng(list(f"yard {lane}".encode()))
    picture = _sky(dim=lamps)
    _houses(picture, view, chance, lit=lamps)
    _hedge(picture, view, chance)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.2), dtype=np.uint8)
    picture = _road(picture, view, chance)
    _furniture(picture, view, chance)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.9), dtype=np.uint8)


def _sky(*, dim: bool) -> Picture:
    share = np.linspace(0.0, 1.0, HEIGHT, dtype=np.float32)[:, None, None]
    bright: Colour = (226, 206, 186) if dim else (205, 165, 120)
    column = np.array(bright, np.float32) * (1 - share) + np.array((236, 232, 226)) * share
    return clipped(np.repeat(column, WIDTH, axis=1))


def _houses(picture: Picture, view: Viewpoint, chance: np.random.Generator, *, lit: bool) -> None:
    x = -_STREET_HALF
    while x < _STREET_HALF:
        wide, tall, z = chance.uniform(5, 10), chance.uniform(6, 18), chance.uniform(24, 40)
        grey = chance.uniform(120, 205)
        wall = tuple(float(v) for v in grey + chance.uniform(-14, 14, 3))
        fill(picture, _upright(view, (x, x + wide), (0, tall), z), wall)
        _windows(picture, view, (x, wide, tall, z), chance, lit=lit)
        x += wide + chance.uniform(0.0, 2.5)


def _windows(
    picture: Picture,
    view: Viewpoint,
    house: tuple[float, float, float, float],
    chance: np.random.Generator,
    *,
    lit: bool,
) -> None:
    x, wide, tall, z = house
    for left in np.arange(x + 0.6, x + wide - 1.2, 1.9).tolist():
        for low in np.arange(1.0, tall - 1.6, 3.0).tolist():
            shine: Colour = (96, 84, 74) if chance.random() < _DARK_SHARE else (150, 138, 120)
            if lit and chance.random() < _LIT_SHARE:
                shine = (150, 225, 255)
            fill(picture, _upright(view, (left, left + 1.2), (low, low + 1.5), z - 0.05), shine)


def _hedge(picture: Picture, view: Viewpoint, chance: np.random.Generator) -> None:
    """Bushes and tree crowns: many small leaves, dark ones first."""
    for z, top in ((17.0, 4.5), (12.0, 1.5)):
        for tone in (0.55, 0.8, 1.0):
            x = chance.uniform(-14, 14, 900)
            y = chance.uniform(0.1, top, 900) * (0.6 + 0.4 * np.sin(x * 1.3))
            apart = np.abs(x) > _LANE_HALF
            pixels = view.project(np.stack((x, np.abs(y), np.full(900, z)), axis=-1))[apart]
            for across, down in pixels:
                green = np.array((52, 98, 66)) * tone * chance.uniform(0.75, 1.2)
                radius = int(chance.uniform(0.04, 0.14) * view.focal / z)
                centre = (int(across), int(down))
                cv2.circle(picture, centre, radius, green.tolist(), -1, cv2.LINE_AA)


def _road(picture: Picture, view: Viewpoint, chance: np.random.Generator) -> Picture:
    """Lay asphalt with its grain, patches and tyre marks, as far as the hedge."""
    side = 900
    grain = 96 + 22 * clouds(chance, height=side, width=side, cells=12)
    grain += 12 * clouds(chance, height=side, width=side, cells=90)
    grain += chance.normal(0, 9, (side, side)).astype(np.float32)
    for track in (0.47, 0.53):
        columns = np.abs(np.linspace(0, 1, side) - track)
        grain -= (14 * np.exp(-((columns / 0.009) ** 2))).astype(np.float32)[None, :]
    texture = clipped(grain[..., None] * np.array((1.0, 1.0, 1.02), np.float32))
    ground = np.array(((-16, 0, 40), (16, 0, 40), (16, 0, 1.6), (-16, 0, 1.6)), float)
    texture_corners = np.array(((0, 0), (side, 0), (side, side), (0, side)), np.float32)
    warp = cv2.getPerspectiveTransform(texture_corners, view.project(ground).astype(np.float32))
    laid = cv2.warpPerspective(texture, warp, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    outline = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillConvexPoly(outline, np.round(view.project(ground)).astype(np.int32), (255,))
    return np.where(outline[..., None] > 0, laid, picture).astype(np.uint8)


def _furniture(picture: Picture, view: Viewpoint, chance: np.random.Generator) -> None:
    """Kerbs, edge lines, a speed hump, bollards, and the gate post with its raised arm."""
    for side in (-1.0, 1.0):
        near, far = 2.0, 24.0
        line = np.array(((side * 1.55, 0, near), (side * 1.67, 0, near), (side * 1.67, 0, far)))
        fill(picture, view.project(np.vstack((line, ((side * 1.55, 0, far),)))), (186, 198, 200))
        kerb = [(side * 1.95, 0, near), (side * 1.95, 0.16, near), (side * 1.95, 0.16, far)]
        fill(picture, view.project(np.array([*kerb, (side * 1.95, 0, far)])), (138, 142, 144))
        top = [(side * 1.95, 0.16, near), (side * 3.4, 0.16, near), (side * 3.4, 0.16, far)]
        fill(picture, view.project(np.array([*top, (side * 1.95, 0.16, far)])), (150, 158, 166))
    _hump(picture, view)
    side = float(chance.choice((-1.0, 1.0)))
    for z in (9.5, 8.0, 6.5):
        _post(picture, view, (side * 2.15, z), 0.9, (40, 180, 235))
    _gate(picture, view, -side)


def _hump(picture: Picture, view: Viewpoint) -> None:
    for index, left in enumerate(np.arange(-1.5, 1.5, 0.5)):
        colour: Colour = (46, 190, 226) if index % 2 else (40, 40, 42)
        x = (left, left + 0.5)
        ground = np.array(((x[0], 0, 10.6), (x[1], 0, 10.6), (x[1], 0, 11.0), (x[0], 0, 11.0)))
        fill(picture, view.project(ground), colour)


def _post(
    picture: Picture, view: Viewpoint, foot: tuple[float, float], tall: float, colour: Colour
) -> None:
    x, z = foot
    fill(picture, _upright(view, (x - 0.05, x + 0.05), (0.0, tall), z), colour)
    for low in (0.35, 0.65):
        fill(picture, _upright(view, (x - 0.05, x + 0.05), (low, low + 0.12), z), (40, 40, 44))


def _gate(picture: Picture, view: Viewpoint, side: float) -> None:
    """The barrier's cabinet with its arm up."""
    x, z = side * 2.3, 7.2
    fill(picture, _upright(view, (x - 0.17, x + 0.17), (0.16, 1.15), z), (196, 200, 204))
    fill(picture, _upright(view, (x - 0.17, x + 0.17), (0.75, 1.05), z - 0.01), (52, 108, 226))
    arm = view.project(np.array(((x, 1.05, z), (x - side * 0.35, 3.6, z))))
    stroke(picture, arm, (232, 236, 238), width=view.focal * 0.07 / z)
    for share in (0.15, 0.45, 0.75):
        part = arm[0] + (arm[1] - arm[0]) * np.array(((share,), (share + 0.14,)))
        stroke(picture, part, (44, 52, 208), width=view.focal * 0.07 / z)


def _lit(picture: Picture, view: Viewpoint, light: Light, chance: np.random.Generator) -> Picture:
    """Put the yard into its light; at night a lamp leaves a pool on the road."""
    strength = np.array(light.ambient, np.float32) + light.sun * 0.75
    shown: Reals = picture.astype(np.float32) * strength
    if light.lamps:
        pool = view.project(np.array(((chance.uniform(-1.5, 1.5), 0.0, 8.0),)))[0]
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        away = ((columns - pool[0]) / 520) ** 2 + ((rows - pool[1]) / 260) ** 2
        glow = np.exp(-away)[..., None] * np.array((0.16, 0.22, 0.27), np.float32)
        shown += picture.astype(np.float32) * glow
    return clipped(shown)


def _upright(view: Viewpoint, x: tuple[float, float], y: tuple[float, float], z: float) -> Points:
    """The corners of an upright board that faces the camera."""
    return view.project(
        np.array(((x[0], y[1], z), (x[1], y[1], z), (x[1], y[0], z), (x[0], y[0], z)))
    )
