"""A car seen by a camera: a shaded shell, then glass, lamps, grille and wheels drawn on it."""

import random

import cv2
import msgspec
import numpy as np

from gateway_sim.gates.bodies import BODIES, Body, Mesh, flanks, on_front, on_glass, shell
from gateway_sim.gates.light import Light, surroundings
from gateway_sim.gates.optics import HEIGHT, WIDTH, Viewpoint
from gateway_sim.gates.pictures import (
    SUBPIXEL_BITS,
    Colour,
    Layer,
    Points,
    clipped,
    fill,
    glaze,
    stroke,
)

_PAINTS: tuple[Colour, ...] = (
    (238, 238, 236),
    (34, 32, 32),
    (150, 148, 146),
    (92, 90, 88),
    (34, 28, 142),
    (110, 62, 28),
    (120, 140, 150),
    (60, 74, 48),
)
_COVER = 255.0
_FACET_BLUR_PIXELS = 2.2
_FACING_MIN = 0.01
"""Facets seen more edgewise than this (cosine) are left out."""
_GLASS: Colour = (26, 24, 22)
_INSIDE = np.array((0.0, 0.5, 2.2))
"""A point inside every body: facets face away from it."""


class CarLook(msgspec.Struct, frozen=True):
    """What a car looks like apart from its plate."""

    body: str
    paint: Colour


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a car stands in the lane."""

    x: float
    """Metres right of the lane's middle."""
    z: float
    """Metres from the camera's foot to the bumper."""
    heading: float
    """Degrees off the lane's direction."""

    def put(self, points: Points) -> Points:
        """Take points of a body into the lane."""
        turn = np.deg2rad(self.heading)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        return np.stack(
            (
                self.x + x * np.cos(turn) + z * np.sin(turn),
                y,
                self.z - x * np.sin(turn) + z * np.cos(turn),
            ),
            axis=-1,
        )


def look_of(plate: str) -> CarLook:
    """The look of the car that carries a plate: always the same."""
    chance = random.Random(f"look {plate}")
    body = chance.choices(("saloon", "suv", "hatch", "van"), (5, 4, 3, 1))[0]
    paint = chance.choices(_PAINTS, (6, 6, 4, 4, 2, 2, 2, 1))[0]
    return CarLook(body, paint)


def draw_car(look: CarLook, *, placement: Placement, view: Viewpoint, light: Light) -> Layer:
    """Draw the car's front as the camera sees it, and its shadow, on a frame-sized layer."""
    pen = _Pen(look, placement, view, light)
    pen.tyres()
    pen.mesh(flanks(pen.body))
    pen.side_wheels()
    pen.mirrors()
    pen.mesh(shell(pen.body))
    pen.smooth()
    pen.cabin()
    pen.lower_intake()
    pen.grille()
    pen.lamps()
    pen.creases()
    pen.shadow()
    return pen.layer


def plate_corners(look: CarLook, *, width: float, height: float) -> Points:
    """The plate's four corners on the body, clockwise from the upper left, in metres."""
    body = BODIES[look.body]
    half = width / 2
    y = body.plate_y
    x = np.array((-half, half, half, -half))
    up = np.array((y + height / 2, y + height / 2, y - height / 2, y - height / 2))
    return np.stack((x, up, np.full(4, -0.035)), axis=-1)


def lamp_centres(look: CarLook) -> Points:
    """The middles of the headlamps on the body, in metres."""
    inner, outer, low, high = BODIES[look.body].lamps
    x = np.array((-1.0, 1.0)) * (inner + outer) / 2
    return on_front(BODIES[look.body], x, np.full(2, (low + high) / 2))


class _Pen:
    """Draws the parts of one car on one layer."""

    def __init__(self, look: CarLook, placement: Placement, view: Viewpoint, light: Light) -> None:
        self.body: Body = BODIES[look.body]
        self.layer: Layer = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        self._paint = np.array(look.paint, float)
        self._placement, self._view, self._light = placement, view, light
        self._ambient = np.array(light.ambient) + light.sun * 0.35 + light.flash * 0.6

    def mesh(self, mesh: Mesh) -> None:
        """Draw every facet that faces the camera in its own shade."""
        corners = self._placement.put(mesh.corners)
        middles = corners.mean(axis=1)
        normals = self._normals(corners, middles)
        towards = self._view.towards(middles)
        facing = np.sum(normals * towards, axis=-1)
        seen = facing > _FACING_MIN
        shades = self._shades(normals[seen], towards[seen], facing[seen], mesh.glass[seen])
        outlines = np.round(self._view.project(corners[seen]) * (1 << SUBPIXEL_BITS)).astype(
            np.int32
        )
        for outline, shade in zip(outlines, shades.tolist(), strict=True):
            cv2.fillConvexPoly(self.layer, outline, (*shade, _COVER), cv2.LINE_8, SUBPIXEL_BITS)

    def _normals(self, corners: Points, middles: Points) -> Points:
        normals = np.cross(corners[:, 3] - corners[:, 1], corners[:, 2] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
        outward = middles - self._placement.put(_INSIDE)
        flip = np.sign(np.sum(normals * outward, axis=-1, keepdims=True))
        oriented: Points = normals * np.where(flip == 0, 1.0, flip)
        return oriented

    def _shades(self, normals: Points, towards: Points, facing: Points, glass: Points) -> Points:
        light = self._light
        sun_from = np.array(light.sun_from) / np.linalg.norm(light.sun_from)
        sun = np.clip(normals @ sun_from, 0.0, 1.0)[:, None]
        sky = (0.5 + 0.5 * normals[:, 1:2]) * np.array(light.ambient)
        own = light.flash * facing[:, None]
        mirrored = 2 * facing[:, None] * normals - towards
        shine = surroundings(light, mirrored)
        glint = np.clip(mirrored @ sun_from, 0.0, 1.0)[:, None] ** 40 * 150 * light.sun
        graze = (1 - facing[:, None]) ** 4
        sheet = self._paint * (0.12 + sky + light.sun * sun + own) * _exposure(light)
        sheet += (0.10 + 0.5 * graze) * shine + glint
        pane = np.array(_GLASS) * (0.4 + self._ambient) + (0.16 + 0.7 * graze) * shine
        return _shoulder(np.where(glass[:, None] > 0, pane, sheet))

    def smooth(self) -> None:
        """Melt the facets into one surface, and soften the outline."""
        left, top, width, height = cv2.boundingRect(self.layer[..., 3])
        spread = round(4 * _FACET_BLUR_PIXELS)
        part = self.layer[
            max(top - spread, 0) : top + height + spread,
            max(left - spread, 0) : left + width + spread,
        ]
        part[:] = cv2.GaussianBlur(part, (0, 0), _FACET_BLUR_PIXELS)

    def tyres(self) -> None:
        """Draw the front tyres, which show under the bumper."""
        rubber = self._tone((26, 26, 28))
        for side in (-1.0, 1.0):
            x0, x1 = side * 0.60, side * 0.84
            block = np.array(((x0, 0.0, 0.52), (x1, 0.0, 0.52), (x1, 0.5, 0.52), (x0, 0.5, 0.52)))
            self._fill(block, rubber)

    def side_wheels(self) -> None:
        """Draw the wheels of the side that the camera sees, in their dark arches."""
        side = 1.0 if self._view.aside > self._placement.x else -1.0
        parts = ((0.40, (14, 14, 15)), (0.33, (28, 28, 30)), (0.22, (128, 128, 128)))
        for centre in (0.92, 3.5):
            for radius, tone in parts:
                z, y = _ring(centre, 0.34, radius, radius)
                disc = np.stack((np.full(len(z), side * 0.885), np.maximum(y, 0.0), z), axis=-1)
                self._fill(disc, self._tone(tone))

    def mirrors(self) -> None:
        """Draw the wing mirrors beside the windscreen's foot."""
        z, y, half, _, _ = self.body.profile[int(self.body.glass[0])]
        for side in (-1.0, 1.0):
            x, up = _ring(side * (half + 0.19), y + 0.04, 0.12, 0.07)
            disc = np.stack((x, up, np.full(len(x), z + 0.32)), axis=-1)
            self._fill(disc, tuple(self._paint * self._ambient * 0.8))

    def cabin(self) -> None:
        """Draw what shows through the windscreen: seats, wheel, sticker, and the wipers."""
        dark = self._tone((14, 13, 12))
        for across in (-0.42, 0.42):
            self._pane(across, 0.62, 0.15, 0.26, self._tone((40, 38, 38)))
            self._pane(across, 0.25, 0.24, 0.30, dark)
        self._pane(0.42, 0.72, 0.07, 0.13, self._tone((58, 66, 84)))
        self._pane(0.0, 0.88, 0.07, 0.06, dark)
        self._pane(0.82, 0.86, 0.045, 0.06, self._tone((90, 150, 120)))
        black = self._tone((12, 12, 12))
        for begin, end in ((-0.75, 0.05), (0.0, 0.72)):
            line = on_glass(self.body, np.linspace(begin, end, 6), np.linspace(0.03, 0.10, 6))
            stroke(self.layer, self._project(line), (*black, _COVER), width=self._pixels(0.018))

    def _pane(self, across: float, share: float, wide: float, tall: float, colour: Colour) -> None:
        """Something round behind the glass: half seen, half lost in the reflection."""
        x, up = _ring(across, share, wide, tall)
        points = on_glass(self.body, x, np.clip(up, 0.03, 0.97))
        glaze(self.layer, self._project(points), (*colour, _COVER), share=0.5)

    def lower_intake(self) -> None:
        """Draw the dark opening in the bumper, its bars, fog lamps and the plate's holder."""
        y = self.body.plate_y
        low, high = self.body.profile[1][1] + 0.02, y - 0.115
        self._front((-0.52, 0.52, 0.60, -0.60), (high, high, low, low), self._tone((22, 22, 24)))
        for share in (0.3, 0.6):
            at = low + share * (high - low)
            self._line((-0.56, 0.56), (at, at), self._tone((60, 60, 62)), 0.012)
        for side in (-1, 1):
            corner = (side * 0.64, side * 0.80, side * 0.78, side * 0.66)
            self._front(corner, (high, high, low + 0.05, low + 0.03), self._tone((28, 28, 30)))
        self._front(
            (-0.255, 0.255, 0.255, -0.255),
            (y + 0.085, y + 0.085, y - 0.085, y - 0.085),
            self._tone((24, 24, 26)),
        )

    def grille(self) -> None:
        """Draw the grille with its bars and a badge of no maker's."""
        half, low, high = self.body.grille
        self._front(
            (-half, half, half * 0.86, -half * 0.86),
            (high, high, low, low),
            self._tone((20, 20, 22)),
        )
        chrome = self._tone((188, 188, 190))
        for share in np.linspace(0.15, 0.85, 4):
            at = low + share * (high - low)
            reach = half * (0.87 + 0.11 * share)
            self._line((-reach, reach), (at, at), self._tone((118, 118, 122)), 0.010)
        self._line((-half, half), (high, high), chrome, 0.018)
        middle, radius = (low + high) / 2, min(0.055, (high - low) * 0.42)
        self._front(*_ring(0.0, middle, radius * 1.35, radius), chrome)
        self._front(*_ring(0.0, middle, radius, radius * 0.7), self._tone((60, 56, 54)))

    def lamps(self) -> None:
        """Draw the headlamps; lit ones are white in the middle."""
        inner, outer, low, high = self.body.lamps
        lit = self._light.lamps > 0
        for side in (-1, 1):
            x = tuple(side * value for value in (inner, outer - 0.04, outer, inner + 0.10))
            self._front(x, (high - 0.03, high + 0.02, low + 0.03, low), self._tone((54, 52, 50)))
            for share, size in ((0.32, 0.040), (0.68, 0.034)):
                middle = side * (inner + share * (outer - inner))
                glow: Colour = (250, 252, 252) if lit else self._tone((214, 212, 206))
                self._round(middle, (low + high) / 2 + 0.005, size, glow)
                if not lit:
                    self._round(
                        middle, (low + high) / 2 + 0.01, size * 0.5, self._tone((96, 92, 88))
                    )
            ends = (side * (inner + 0.02), side * (outer - 0.04))
            self._line(ends, (high - 0.025, high + 0.012), self._tone((226, 226, 224)), 0.010)

    def creases(self) -> None:
        """Draw the seams of the bonnet and the bumper."""
        seam: Colour = tuple(self._paint * self._ambient * 0.42)
        y = self.body.profile[4][1] + 0.005
        self._line((-0.80, 0.80), (y, y), seam, 0.008)
        rim = self.body.profile[3][1] - 0.03
        for side in (-1, 1):
            self._line((side * 0.60, side * 0.86), (rim - 0.02, rim + 0.02), seam, 0.006)

    def shadow(self) -> None:
        """Lay the soft dark patch under the car onto what the car leaves free."""
        patch = np.array(((-0.95, 0, 0.05), (0.95, 0, 0.05), (1.0, 0, 4.2), (-1.0, 0, 4.2)))
        shade = np.zeros((HEIGHT // 4, WIDTH // 4), np.uint8)
        fill(shade, self._project(patch) / 4, (205,))
        soft = cv2.resize(cv2.GaussianBlur(shade, (0, 0), 5), (WIDTH, HEIGHT))
        cover = self.layer[..., 3]
        under = cv2.multiply(soft, cv2.bitwise_not(cover), scale=1 / 255)
        self.layer[..., 3] = cv2.add(cover, under)

    def _front(
        self, x: Points | tuple[float, ...], y: Points | tuple[float, ...], colour: Colour
    ) -> None:
        across, height = _dense(np.asarray(x, float), np.asarray(y, float))
        outline = self._project(on_front(self.body, across, height))
        fill(self.layer, outline, (*colour, _COVER))

    def _round(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._front(*_ring(x, y, radius, radius), colour)

    def _line(
        self, x: tuple[float, float], y: tuple[float, float], colour: Colour, width: float
    ) -> None:
        line = on_front(self.body, np.linspace(*x, 24), np.linspace(*y, 24))
        stroke(self.layer, self._project(line), (*colour, _COVER), width=self._pixels(width))

    def _fill(self, points: Points, colour: Colour) -> None:
        fill(self.layer, self._project(points), (*colour, _COVER))

    def _project(self, points: Points) -> Points:
        return self._view.project(self._placement.put(points))

    def _pixels(self, metres: float) -> float:
        return self._view.focal * metres / (self._placement.z + 0.3)

    def _tone(self, colour: Colour) -> Colour:
        lit = clipped(np.array(colour) * self._ambient * 1.1)
        return (float(lit[0]), float(lit[1]), float(lit[2]))


def _exposure(light: Light) -> float:
    """Cameras open up in poor light, though not all the way."""
    return 1.0 if light.lamps == 0 else 1.15


def _shoulder(shades: Points) -> Points:
    """Bend highlights down as a sensor does, so that white paint keeps its shape."""
    bent: Points = shades / (1 + (np.maximum(shades, 0.0) / 258) ** 4) ** 0.25
    return bent


def _ring(x: float, y: float, wide: float, tall: float) -> tuple[Points, Points]:
    angles = np.linspace(0, 2 * np.pi, 19)[:-1]
    return x + wide * np.cos(angles), y + tall * np.sin(angles)


def _dense(x: Points, y: Points) -> tuple[Points, Points]:
    """Put points along an outline's edges, so that they follow the body's curve."""
    steps = np.linspace(0.0, 1.0, 9)[:-1]
    across = [a + (b - a) * steps for a, b in zip(x, np.roll(x, -1), strict=True)]
    height = [a + (b - a) * steps for a, b in zip(y, np.roll(y, -1), strict=True)]
    return np.concatenate(across), np.concatenate(height)
