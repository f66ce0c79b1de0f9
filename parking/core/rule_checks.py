"""Which rules of a lot make no sense, and what would."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from parking.core.place import StayRules
from parking.core.pricing import STAY_DAYS_MAX

_DAY_MINUTES: Final = 24 * 60


class Bounds(msgspec.Struct, frozen=True):
    """From where to where a rule may go, and why not further."""

    least: float
    most: float
    why: str


BOUNDS: Final[Mapping[str, Bounds]] = MappingProxyType(
    {
        "debounce_seconds": Bounds(0, 600, "a car that stands for longer is one that parks"),
        "maximum_stay_hours": Bounds(1, 24 * STAY_DAYS_MAX, "longer stays have no price"),
        "clock_drift_tolerance_seconds": Bounds(0, 3600, "set the cameras' clocks instead"),
        "near_miss_hold_seconds": Bounds(0, 30 * 24 * 3600, "fees are due within a month"),
        "match_score_min": Bounds(0.05, 1, "it is a share, and 0 would match anything"),
        "match_margin_min": Bounds(0, 1, "it is a share"),
        "hand_tolerance_minutes": Bounds(0, _DAY_MINUTES, "another day is another leaving"),
        "reentry_minutes": Bounds(
            0, _DAY_MINUTES - 1, "a car that comes daily would never begin anew"
        ),
        "drive_through_seconds": Bounds(0, 3600, "who stays for an hour has parked"),
    }
)


def rule_mistakes(rules: StayRules) -> Iterator[str]:
    """Say of each rule that is out of its bounds what it is, what it may be and why."""
    for name, bounds in BOUNDS.items():
        value = getattr(rules, name)
        if not bounds.least <= value <= bounds.most:
            yield (
                f"{name} is {value}, it must be from {bounds.least} to {bounds.most}: {bounds.why}"
            )
