"""A tariff: what a lot charges, as a document that an operator edits, never as code.

docs/tariffs.md describes the format key by key. A document is decoded strictly (an unknown key is
an error) and then checked as a whole by `check_tariff`; `pricing.assess` prices a stay with it.
Prices are whole minor units (fen), durations whole minutes, times of day the wall clock of `zone`.
"""

from enum import Enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from parking.core.events import PlateColour
from parking.core.ids import SLUG_PATTERN, TariffId

PriceMinor: TypeAlias = Annotated[int, Meta(ge=0, le=100_000_000)]
"""A price in the currency's minor unit (fen), at most a million yuan."""
Minutes: TypeAlias = Annotated[int, Meta(ge=1, le=366 * 24 * 60)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Slug: TypeAlias = Annotated[str, Meta(pattern=SLUG_PATTERN)]
LocalTime: TypeAlias = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""`HH:MM` on the wall clock; `24:00` is the end of the day."""


class Rounding(Enum):
    """What happens to a unit that was begun but not completed."""

    UP = "up"
    """It is charged whole."""
    DOWN = "down"
    """It is not charged."""


class FreeKind(Enum):
    """How free minutes at the start of a stay count."""

    THRESHOLD = "threshold"
    """A stay no longer than this is free; a longer one is charged from its first minute."""
    DEDUCTION = "deduction"
    """Charging starts when the free minutes are over."""


class Per(Enum):
    """How often a flat price is charged."""

    VISIT = "visit"
    """Once in a stay, however often it passes through the window."""
    WINDOW = "window"
    """Each time the stay is in the window: once a night, for example."""


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
    when the stay enters the same window again.
    """

    steps: tuple[RateStep, ...]
    rounding: Rounding = Rounding.UP


class FlatRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="flat"):
    """One price, however long."""

    price_minor: PriceMinor
    per: Per = Per.WINDOW


class NoCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="free"):
    """Nothing is charged in this window."""


Rate: TypeAlias = UnitRate | FlatRate | NoCharge


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


class FreePeriod(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Free minutes at the start of a stay."""

    minutes: Minutes
    kind: FreeKind = FreeKind.THRESHOLD


class Caps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that may be charged. A unit counts where it begins."""

    calendar_day_minor: PriceMinor | None = None
    """In one day of the tariff's zone."""
    rolling_24h_minor: PriceMinor | None = None
    """In each 24 hours from the entry."""


class VehicleClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What plates of some colours pay instead."""

    colours: tuple[PlateColour, ...]
    name_zh: Name
    name_en: Name
    percent: Annotated[int, Meta(ge=0, le=1000)] = 100
    """Of every price and cap, rounded half up to the minor unit: 200 is double, 50 half."""
    windows: tuple[Window, ...] | None = None
    """In place of the tariff's own, before `percent`; so are `free` and `caps`."""
    free: FreePeriod | None = None
    caps: Caps | None = None


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a price list. A stay is priced by one version as a whole."""

    tariff_id: Annotated[TariffId, Meta(pattern=SLUG_PATTERN)]
    version: Annotated[int, Meta(ge=1)]
    name_zh: Name
    name_en: Name
    zone: str
    """IANA name of the zone whose wall clock decides windows and calendar days."""
    windows: tuple[Window, ...]
    """Together they cover the day once; write a `free` rate where nothing is charged."""
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "CNY"
    free: FreePeriod | None = None
    caps: Caps = Caps()
    classes: tuple[VehicleClass, ...] = ()
    source: str = ""
    """Where the rule was published."""
