"""Appeals against a fee: on which grounds, until when, and what a granted one corrects. Pure."""

from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

import msgspec

from parking.core.plate import Plate


class Ground(Enum):
    """Why a driver says that a fee is wrong."""

    NOT_MY_CAR = "not_my_car"
    BARRIER_BROKEN = "barrier_broken"
    """The car could not leave when it wanted to."""
    WRONG_TIME = "wrong_time"
    OTHER = "other"


class RightPlate(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="plate"):
    """It was another car: this one."""

    plate: Plate


class RightExit(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="left_at"):
    """The car left, or was ready to leave, at this instant."""

    left_at: datetime


class NeverWas(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="never_was"):
    """There was no such stay at all."""


Correction: TypeAlias = RightPlate | RightExit | NeverWas
"""The fact that a granted appeal corrects. The fee follows from it, and the money from the fee."""


class AppealRule(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a fee may be contested."""

    window: timedelta
    """After the exit."""
    times_max: int


class Refusal(Enum):
    """Why an appeal is not taken."""

    FREE = "nothing was charged"
    TOO_LATE = "the time to contest it is over"
    LIVE = "it is contested already"
    TOO_OFTEN = "it was contested and decided before"


def may_appeal(
    *,
    charged_minor: int,
    left_at: datetime,
    earlier: int,
    live: bool,
    rule: AppealRule,
    now: datetime,
) -> Refusal | None:
    """Say why a fee cannot be contested; None: it can. `earlier` counts decided appeals."""
    if live:
        return Refusal.LIVE
    if not charged_minor:
        return Refusal.FREE
    if now > left_at + rule.window:
        return Refusal.TOO_LATE
    return Refusal.TOO_OFTEN if earlier >= rule.times_max else None
