"""Car bodies as surfaces: a profile along the middle, swept across with a crown and a bow.

A body stands with its foremost point at z = 0 and its middle at x = 0, in metres.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec
import numpy as np

from gateway_sim.gates.pictures import Points

ROWS, COLUMNS = 66, 44
"""How finely the swept surface is cut."""
SIDE_ROWS = 7
_GLASS_REACH = 0.93
"""The share of a windscreen's width that is glass; the rest is pillars."""
_WINDOW_DEPTH = 0.4
"""The share of a side's height that its windows take."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of car. Each row of the profile: z, y, half width, bow, crown (metres)."""

    profile: tuple[tuple[float, float, float, float, float], ...]
    glass: tuple[float, float]
    """The profile rows between which the windscreen lies."""
    plate_y: float
    """The height of the number plate's middle."""
    lamps: tuple[float, float, float, float]
    """A headlamp's inner and outer x, lower and upper y, as seen from the front."""
    grille: tuple[float, float, float]
    """The grille's half width, lower and upper y."""


BODIES: Mapping[str, Body] = MappingProxyType(
    {
        "saloon": Body(
            profile=(
                (0.16, 0.17, 0.78, 0.34, 0.00),
                (0.03, 0.26, 0.86, 0.38, 0.00),
                (0.00, 0.44, 0.89, 0.36, 0.00),
                (0.04, 0.60, 0.89, 0.34, 0.01),
                (0.12, 0.74, 0.87, 0.32, 0.04),
                (0.30, 0.83, 0.85, 0.26, 0.07),
                (0.75, 0.92, 0.83, 0.16, 0.08),
                (1.20, 0.98, 0.81, 0.12, 0.06),
                (1.30, 1.00, 0.76, 0.20, 0.04),
                (1.98, 1.38, 0.60, 0.16, 0.05),
                (2.20, 1.44, 0.57, 0.10, 0.05),
                (3.20, 1.46, 0.56, 0.00, 0.05),
            ),
            glass=(8, 9),
            plate_y=0.46,
            lamps=(0.50, 0.84, 0.60, 0.73),
            grille=(0.46, 0.57, 0.72),
        ),
        "suv": Body(
            profile=(
                (0.14, 0.24, 0.80, 0.28, 0.00),
                (0.02, 0.34, 0.88, 0.32, 0.00),
                (0.00, 0.58, 0.92, 0.30, 0.00),
                (0.02, 0.78, 0.92, 0.28, 0.01),
                (0.08, 0.96, 0.90, 0.26, 0.04),
                (0.26, 1.05, 0.88, 0.22, 0.07),
                (0.70, 1.11, 0.86, 0.14, 0.07),
                (1.10, 1.15, 0.84, 0.10, 0.05),
                (1.20, 1.17, 0.80, 0.16, 0.03),
                (1.75, 1.60, 0.68, 0.14, 0.04),
                (1.98, 1.67, 0.65, 0.08, 0.04),
                (3.40, 1.70, 0.64, 0.00, 0.04),
            ),
            glass=(8, 9),
            plate_y=0.60,
            lamps=(0.56, 0.88, 0.80, 0.93),
            grille=(0.52, 0.72, 0.92),
        ),
        "hatch": Body(
            profile=(
                (0.14, 0.17, 0.74, 0.36, 0.00),
                (0.02, 0.27, 0.82, 0.40, 0.00),
                (0.00, 0.46, 0.85, 0.40, 0.00),
                (0.05, 0.64, 0.85, 0.38, 0.02),
                (0.16, 0.79, 0.83, 0.34, 0.06),
                (0.34, 0.88, 0.80, 0.26, 0.09),
                (0.66, 0.96, 0.78, 0.16, 0.08),
                (0.95, 1.02, 0.76, 0.12, 0.06),
                (1.05, 1.04, 0.72, 0.20, 0.04),
                (1.72, 1.45, 0.58, 0.16, 0.05),
                (1.95, 1.52, 0.56, 0.10, 0.05),
                (3.00, 1.53, 0.55, 0.00, 0.05),
            ),
            glass=(8, 9),
            plate_y=0.47,
            lamps=(0.50, 0.81, 0.62, 0.80),
            grille=(0.36, 0.63, 0.70),
        ),
        "van": Body(
            profile=(
                (0.10, 0.22, 0.80, 0.16, 0.00),
                (0.01, 0.32, 0.87, 0.18, 0.00),
                (0.00, 0.55, 0.90, 0.18, 0.00),
                (0.02, 0.76, 0.90, 0.17, 0.01),
                (0.07, 0.94, 0.89, 0.16, 0.03),
                (0.17, 1.04, 0.88, 0.16, 0.04),
                (0.38, 1.12, 0.87, 0.14, 0.04),
                (0.55, 1.18, 0.86, 0.12, 0.04),
                (0.60, 1.20, 0.83, 0.16, 0.03),
                (1.10, 1.78, 0.74, 0.14, 0.04),
                (1.32, 1.88, 0.71, 0.08, 0.04),
                (3.60, 1.92, 0.70, 0.00, 0.04),
            ),
            glass=(8, 9),
            plate_y=0.52,
            lamps=(0.54, 0.86, 0.76, 0.92),
            grille=(0.42, 0.66, 0.74),
        ),
    }
)


class Mesh(msgspec.Struct, frozen=True):
    """A surface cut into four-cornered facets, ordered from the far end to the near."""

    corners: Points
    """Facets by 4 by 3, metres."""
    glass: Points
    """Facets: 1.0 where the facet is glass, 0.0 where it is painted sheet."""


@cache
def shell(body: Body) -> Mesh:
    """The body's front, bonnet, windscreen and roof, from above the middle to both edges."""
    at = np.linspace(0.0, len(body.profile) - 1.0, ROWS + 1)
    across = np.linspace(-1.0, 1.0, COLUMNS + 1)
    points = _swept(body, at, across)
    middle_row = (at[:-1] + at[1:]) / 2
    middle_column = np.abs(across[:-1] + across[1:]) / 2
    pane = (middle_row > body.glass[0]) & (middle_row < body.glass[1])
    glass = np.outer(pane, middle_column < _GLASS_REACH).astype(np.float64)
    return _ordered(_facets(points), glass)


@cache
def flanks(body: Body) -> Mesh:
    """Both sides, from the shell's edge down to the sill, with dark side windows."""
    at = np.linspace(2.0, len(body.profile) - 1.0, ROWS // 2 + 1)
    meshes = []
    for edge in (-1.0, 1.0):
        top = _swept(body, at, np.array([edge]))[:, 0, :]
        widest = np.maximum(np.abs(top[:, 0]), max(row[2] for row in body.profile) - 0.02)
        shares = np.linspace(0.0, 1.0, SIDE_ROWS + 1)
        # Before the wheel the side ends in the bumper; behind it, at the sill.
        sill = np.minimum(top[:, 1] - 0.01, np.interp(at, (2.0, 4.0), (top[0, 1], 0.26)))
        points = np.empty((len(top), SIDE_ROWS + 1, 3))
        for column, share in enumerate(shares):
            bulge = np.sin(np.pi / 2 * min(1.0, share * 2.2))
            half = np.abs(top[:, 0]) * (1 - bulge) + widest * bulge
            points[:, column] = np.stack(
                (edge * half, top[:, 1] * (1 - share) + sill * share, top[:, 2]), axis=-1
            )
        windowed = (at[:-1] > body.glass[0] + 0.35)[:, None] & (shares[:-1] < _WINDOW_DEPTH)[
            None, :
        ]
        meshes.append(_ordered(_facets(points), windowed.astype(np.float64)))
    corners = np.concatenate([mesh.corners for mesh in meshes])
    return Mesh(corners, np.concatenate([mesh.glass for mesh in meshes]))


def on_front(body: Body, across: Points, height: Points) -> Points:
    """Points of the front surface, given x and y as a person draws a car from the front."""
    front = np.array(body.profile[1:6])
    z, half, bow = (np.interp(height, front[:, 1], front[:, column]) for column in (0, 2, 3))
    share = np.clip(np.abs(across) / half, 0.0, 1.0)
    return np.stack((across, height, z + bow * share**3.5 - 0.004), axis=-1)


def on_glass(body: Body, across: Points, share: Points) -> Points:
    """Points of the windscreen: `across` -1.0 to 1.0, `share` 0.0 at the foot, 1.0 at the head."""
    at = body.glass[0] + share * (body.glass[1] - body.glass[0])
    return _surface(body, at, across)


def _swept(body: Body, at: Points, across: Points) -> Points:
    return _surface(body, at[:, None], across[None, :])


def _surface(body: Body, at: Points, across: Points) -> Points:
    """Points at profile rows `at` (fractions between rows too) and `across` -1.0 to 1.0."""
    z, y, half, bow, crown = (_smooth(at, column) for column in np.array(body.profile).T)
    share = np.abs(across)
    x = half * across * (1 - 0.04 * share**6)
    return np.stack((x, y - crown * share**3, z + bow * share**3.5), axis=-1)


def _smooth(at: Points, values: Points) -> Points:
    """Catmull-Rom through the profile's rows."""
    index = np.clip(np.floor(at).astype(int), 0, len(values) - 2)
    t = at - index
    before = values[np.maximum(index - 1, 0)]
    one, other = values[index], values[index + 1]
    after = values[np.minimum(index + 2, len(values) - 1)]
    pull_one, pull_other = (other - before) / 2, (after - one) / 2
    smooth: Points = (
        (2 * t**3 - 3 * t**2 + 1) * one
        + (t**3 - 2 * t**2 + t) * pull_one
        + (-2 * t**3 + 3 * t**2) * other
        + (t**3 - t**2) * pull_other
    )
    return smooth


def _facets(points: Points) -> Points:
    return np.stack((points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]), axis=2)


def _ordered(facets: Points, glass: Points) -> Mesh:
    """Far rows first, so that near ones are drawn over them."""
    return Mesh(facets[::-1].reshape(-1, 4, 3), glass[::-1].reshape(-1))
