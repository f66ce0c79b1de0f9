"""Where a lane's camera stands and how it projects the lane: a pinhole, in metres and pixels.

The lane's own axes: x to the right, y up from the road, z away from the camera along the lane.
"""

import math
import random
from functools import lru_cache

import msgspec
import numpy as np

from gateway_sim.gates.pictures import Points

WIDTH, HEIGHT = 1280, 720
"""Pixels of a frame."""


class Viewpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A camera beside a lane."""

    aside: float
    """Metres right of the lane's middle; negative: left."""
    above: float
    """Metres above the road."""
    focal: float
    """Focal length in pixels."""
    roll: float
    """Degrees: nobody mounts a camera quite level."""
    looks_at: tuple[float, float, float] = (0.0, 0.62, 5.0)
    """The point of the lane in the frame's middle, in metres."""

    def project(self, points: Points) -> Points:
        """Project points (rows of x, y, z in metres) to pixels."""
        right, up, forward = _axes(self)
        seen = np.asarray(points, dtype=np.float64) - (self.aside, self.above, 0.0)
        depth = np.maximum(seen @ forward, 0.05)
        across, over = seen @ right / depth, seen @ up / depth
        turn = math.radians(self.roll)
        cosine, sine = math.cos(turn), math.sin(turn)
        x = across * cosine - over * sine
        y = across * sine + over * cosine
        return np.stack((WIDTH / 2 + self.focal * x, HEIGHT / 2 - self.focal * y), axis=-1)

    def towards(self, points: Points) -> Points:
        """Unit vectors from points to the camera."""
        rays = np.array((self.aside, self.above, 0.0)) - points
        unit: Points = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        return unit


@lru_cache(maxsize=64)
def _axes(view: Viewpoint) -> tuple[Points, Points, Points]:
    """Answer where right, up and forward are for a camera. A car has a thousand points."""
    forward = np.array(view.looks_at) - (view.aside, view.above, 0.0)
    forward /= np.linalg.norm(forward)
    right = _across(np.array((0.0, 1.0, 0.0)), forward)
    right /= np.linalg.norm(right)
    return right, _across(forward, right), forward


def _across(one: Points, other: Points) -> Points:
    return np.asarray(np.cross(one, other), dtype=np.float64)


def viewpoint_of(lane: str) -> Viewpoint:
    """The camera of a lane: the same for every frame of it, and different from lane to lane."""
    chance = random.Random(f"viewpoint {lane}")
    side = chance.choice((-1, 1))
    return Viewpoint(
        aside=side * chance.uniform(0.7, 2.1),
        above=chance.uniform(1.25, 2.3),
        focal=chance.uniform(1650, 2050),
        roll=chance.uniform(-1.5, 1.5),
    )
