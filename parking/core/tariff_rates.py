"""What a window of a tariff charges: so much a unit, a total by elapsed time, a price, nothing.

docs/tariffs.md describes each key. Prices are whole minor units (fen), durations whole minutes.
"""

from enum import Enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

PriceMinor: TypeAlias = Annotated[int, Meta(ge=0, le=100_000_000)]
"""A price in the currency's minor unit (fen), at most a million yuan."""
Minutes: TypeAlias = Annotated[int, Meta(ge=1, le=366 * 24 * 60)]
LocalTime: TypeAlias = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""`HH:MM` on the wall clock; `24:00` is the end of the day."""


class Rounding(Enum):
    """What happens to a unit that was begun but not completed."""

    UP = "up"
    """It is charged whole."""
    DOWN = "down"
    """It is not charged."""


class Per(Enum):
    """For how long a rate remembers what it has charged; then it begins anew."""

    VISIT = "visit"
    """The whole stay, however often it passes through the window."""
    WINDOW = "window"
    """Each time the stay is in the window: once a night, for example."""
    DAY = "day"
    """Each calendar day of the zone; such a window ends at midnight."""
    ROLLING_24H = "24h"
    """Each 24 hours from the entry; such a window ends with them."""


class RateStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price per unit that holds for a while, or to the end."""

    price_minor: PriceMinor
    """For each unit."""
    unit_minutes: Minutes
    lasts_minutes: Minutes | None = None
    """How many charged minutes of the visit the step holds for; None in the last step only."""


class UnitRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="units"):
    """So much for each unit of time, step after step: `first hour 2, then 1 an hour`.

    Units are counted from the moment the stay enters the window. The steps go on where they were
    when the stay enters the same window again, unless `per` says otherwise.
    """

    steps: tuple[RateStep, ...]
    rounding: Rounding = Rounding.UP
    per: Per = Per.VISIT


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a time up to some length costs in all."""

    total_minor: PriceMinor
    up_to_minutes: Minutes | None = None
    """None in the last tier only, which holds however long the time."""


class TierRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tiers"):
    """A total by elapsed time: `up to 1 h 1.40, up to 2 h 2.80, longer 4.40`."""

    tiers: tuple[Tier, ...]
    per: Per = Per.WINDOW


class FlatRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="flat"):
    """One price, however long."""

    price_minor: PriceMinor
    per: Per = Per.WINDOW


class NoCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="free"):
    """Nothing is charged in this window."""


Rate: TypeAlias = UnitRate | TierRate | FlatRate | NoCharge


class Window(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_time": "from", "until_time": "until"},
):
    """A time of day and its rate, `[from, until)`; over midnight where `until` is the earlier."""

    from_time: LocalTime
    until_time: LocalTime
    rate: Rate
    cap_minor: PriceMinor | None = None
    """The most that the window may cost."""
    cap_per: Per = Per.WINDOW
    """Each time, each day, …: what `cap_minor` is the most of."""
