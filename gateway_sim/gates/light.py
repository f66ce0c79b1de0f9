"""Daylight, dusk and night: what the sky, the sun, the car's lamps and the camera's lamp give."""

from datetime import datetime, time
from enum import Enum
from types import MappingProxyType

import msgspec
import numpy as np

from gateway_sim.gates.pictures import Colour, Points


class DayPart(Enum):
    """How light it is."""

    DAY = "day"
    DUSK = "dusk"
    """Half an hour around sunrise and the hour after sunset."""
    NIGHT = "night"


_PARTS = (
    (time(6, 0), DayPart.NIGHT),
    (time(6, 40), DayPart.DUSK),
    (time(17, 15), DayPart.DAY),
    (time(18, 20), DayPart.DUSK),
    (time.max, DayPart.NIGHT),
)
"""Until when each part lasts, on the lot's clock, in a Chinese autumn."""


def day_part(at: datetime) -> DayPart:
    """The part of the day on the clock that the instant is written in."""
    clock = at.time()
    return next(part for until, part in _PARTS if clock <= until)


class Light(msgspec.Struct, frozen=True, kw_only=True):
    """Light of one part of the day. Colours are blue-green-red, 0 to 255; strengths are shares."""

    zenith: Colour
    horizon: Colour
    ground: Colour
    ambient: Colour
    """What falls on a surface from everywhere, 1.0 for full daylight, by channel."""
    sun: float
    sun_from: tuple[float, float, float]
    """Where the sun or the street lamp stands, as seen from the car."""
    flash: float
    """The camera's own lamp, which plates throw straight back."""
    plate: float
    """How bright a plate comes out, 1.0 as drawn."""
    lamps: float
    """How strongly the headlamps dazzle."""
    noise: float
    """Standard deviation of the sensor's noise, in steps of 255."""


LIGHTS = MappingProxyType(
    {
        DayPart.DAY: Light(
            zenith=(205, 165, 120),
            horizon=(236, 230, 222),
            ground=(82, 84, 86),
            ambient=(0.62, 0.60, 0.58),
            sun=0.55,
            sun_from=(0.45, 0.75, -0.5),
            flash=0.0,
            plate=0.96,
            lamps=0.0,
            noise=3.0,
        ),
        DayPart.DUSK: Light(
            zenith=(120, 82, 62),
            horizon=(120, 140, 190),
            ground=(44, 40, 40),
            ambient=(0.36, 0.31, 0.29),
            sun=0.10,
            sun_from=(-0.7, 0.3, -0.4),
            flash=0.14,
            plate=0.74,
            lamps=0.55,
            noise=4.5,
        ),
        DayPart.NIGHT: Light(
            zenith=(20, 14, 12),
            horizon=(46, 44, 50),
            ground=(18, 18, 20),
            ambient=(0.10, 0.10, 0.11),
            sun=0.10,
            sun_from=(0.3, 0.9, -0.1),
            flash=0.20,
            plate=0.62,
            lamps=1.0,
            noise=6.0,
        ),
    }
)


def surroundings(light: Light, directions: Points) -> Points:
    """What a mirror that looks in these directions shows: sky, a skyline, the road."""
    up = directions[..., 1:2]
    zenith, horizon, ground = (np.array(c) for c in (light.zenith, light.horizon, light.ground))
    sky = horizon + (zenith - horizon) * np.clip((up - 0.12) / 0.75, 0.0, 1.0) ** 0.7
    skyline = horizon * 0.38
    above = _step(up, 0.10, 0.2)
    below = _step(-up, -0.02, 0.08)
    shown: Points = sky * above + skyline * (1 - above)
    return shown * (1 - below) + ground * below


def _step(values: Points, low: float, high: float) -> Points:
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    smooth: Points = share * share * (3 - 2 * share)
    return smooth
