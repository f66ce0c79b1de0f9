"""A tariff: what a lot charges, as a document that an operator edits, never as code.

docs/tariffs.md describes the format key by key. A document is decoded strictly (an unknown key is
an error) and then checked as a whole by `check_tariff`; `pricing.assess` prices a stay with it.
Prices are whole minor units (fen), durations whole minutes, times of day the wall clock of `zone`.
"""

from datetime import date
from enum import Enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from parking.core.events import PlateColour
from parking.core.ids import SLUG_PATTERN, TariffId
from parking.core.right import RightOffer
from parking.core.tariff_rates import (
    FlatRate,
    Minutes,
    NoCharge,
    Per,
    PriceMinor,
    Rate,
    RateStep,
    Rounding,
    Tier,
    TierRate,
    UnitRate,
    Window,
)
from parking.core.tariff_schedule import (
    Dates,
    Edges,
    EntryTimes,
    Name,
    Percent,
    Schedule,
    Season,
)
from parking.core.vehicle import VehicleKind

__all__ = [
    "Caps",
    "Dates",
    "Edges",
    "EntryTimes",
    "FlatRate",
    "FreeKind",
    "FreePer",
    "FreePeriod",
    "NoCharge",
    "OnChange",
    "Per",
    "Rate",
    "RateStep",
    "RoundTotal",
    "Rounding",
    "Schedule",
    "Season",
    "Tariff",
    "Tier",
    "TierRate",
    "UnitRate",
    "VehicleClass",
    "VehicleKind",
    "Way",
    "WholeUnit",
    "Window",
]

Slug: TypeAlias = Annotated[str, Meta(pattern=SLUG_PATTERN)]


class FreeKind(Enum):
    """How free minutes at the start of a stay count."""

    THRESHOLD = "threshold"
    """A stay no longer than this is free; a longer one is charged from its first minute."""
    DEDUCTION = "deduction"
    """Charging starts when the free minutes are over."""


class FreePer(Enum):
    """How often free minutes are given."""

    VISIT = "visit"
    """In each stay."""
    DAY = "day"
    """Once in each calendar day, shared by the stays of the day."""
    FIRST_OF_DAY = "first_of_day"
    """To the first stay of a calendar day only."""


class WholeUnit(Enum):
    """What totals are whole numbers of."""

    FEN = "fen"
    """The currency's minor unit: nothing is rounded."""
    JIAO = "jiao"
    """Ten minor units."""
    YUAN = "yuan"
    """A hundred minor units."""


class Way(Enum):
    """Which way a total is rounded."""

    UP = "up"
    HALF_UP = "half_up"
    DOWN = "down"


class OnChange(Enum):
    """What a stay pays during which a new version of the tariff begins to hold."""

    ENTRY = "entry"
    """The whole stay is priced by the version in force at its entry."""
    SPLIT = "split"
    """Each version prices the time in which it holds."""


class RoundTotal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the total of a stay is rounded, after everything else."""

    to: WholeUnit
    way: Way = Way.HALF_UP


class FreePeriod(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Free minutes at the start of a stay."""

    minutes: Minutes
    kind: FreeKind = FreeKind.THRESHOLD
    per: FreePer = FreePer.VISIT


class Caps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that may be charged. A unit counts where it begins."""

    calendar_day_minor: PriceMinor | None = None
    """In one day of the tariff's zone."""
    rolling_24h_minor: PriceMinor | None = None
    """In each 24 hours from the entry."""
    stay_minor: PriceMinor | None = None
    """In the whole stay."""
    calendar_day_shared: bool = False
    """`calendar_day_minor` holds for all stays of a plate on a day together."""


class VehicleClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What some kinds of vehicles, or plates of some colours, pay instead."""

    colours: tuple[PlateColour, ...] = ()
    vehicles: tuple[VehicleKind, ...] = ()
    """A kind that is known decides before the colour does."""
    name_zh: Name
    name_en: Name
    percent: Percent = 100
    """Of every price and cap, rounded half up to the minor unit: 200 is double, 50 half."""
    windows: tuple[Window, ...] | None = None
    """In place of the tariff's own, before `percent`; so are `schedules`, `free` and `caps`."""
    schedules: tuple[Schedule, ...] | None = None
    """A class with windows of its own has none of the tariff's schedules unless it repeats them."""
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
    schedules: tuple[Schedule, ...] = ()
    """Other windows for some days; the first that fits a day holds, else `windows`."""
    calendar: Annotated[str, Meta(pattern=SLUG_PATTERN)] = "week"
    """Where holidays come from: `china`, or `week` for none."""
    holidays: tuple[date, ...] = ()
    """Holidays beside the calendar's."""
    edges: Edges = Edges.CUT
    minimum_minor: PriceMinor = 0
    """The least that a stay costs that is not free."""
    round_total: RoundTotal | None = None
    rights: tuple[RightOffer, ...] = ()
    """Passes, validations and other rights that are honoured."""
    grace_after_paying_minutes: Annotated[int, Meta(ge=0, le=24 * 60)] = 0
    """How long a car may take to leave after its stay was paid for."""
    reentry_minutes: Annotated[int, Meta(ge=0)] = 0
    """A car that is back within this time goes on with the stay that it left."""
    drive_through_free: bool = False
    """A car that only drives through (in by one lane, soon out by another) pays nothing."""
    on_change: OnChange = OnChange.ENTRY
    """The version in force at the entry says how a stay over the next version's beginning pays."""
    effective_from: date | None = None
    """The first day on which this version holds, from midnight on; None: since ever."""
    effective_to: date | None = None
    """The last day on which it holds; None: until the next version."""
    source: str = ""
    """Where the rule was published."""
