"""The shapes of a compiled tariff. `pricing_plan.compile_tariff` makes them."""

from collections.abc import Mapping
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from parking.core.calendar import Calendar
from parking.core.day_schedules import DaySchedules
from parking.core.events import PlateColour
from parking.core.ids import TariffId
from parking.core.right import RightId, RightOffer
from parking.core.schedule_plan import SchedulePlan, TablePlan
from parking.core.tariff import FreePer, RoundTotal
from parking.core.tariff_rates import Per
from parking.core.vehicle import VehicleKind

NO_LIMIT: Final = 1 << 62


class StepPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A price per unit, and up to which unit of the visit it holds."""

    price_minor: int
    unit_minutes: int
    last_unit: int
    """How many units there have been when the step is over; past NO_LIMIT for the last step."""
    head_zh: str
    """The line's text but for the number of units."""
    head_en: str
    code: str = "rate"


class UnitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Charged by the unit."""

    steps: tuple[StepPlan, ...]
    round_up: bool
    carries: bool = False
    """A unit that is not over when the window is runs on to its end."""


class FlatPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Charged once a period, or each time."""

    price_minor: int
    once_a_visit: bool
    text_zh: str
    text_en: str


class FreePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Not charged."""

    text_zh: str
    text_en: str


RatePlan: TypeAlias = UnitPlan | FlatPlan | FreePlan


class WindowCapPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one window may cost."""

    cap_minor: int
    per: Per
    most_zh: str
    in_en: str


class ClassPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one vehicle class pays."""

    plain: bool
    """Nothing but windows, free minutes, and caps of a day and of 24 hours, but for schedules."""
    starts: tuple[int, ...]
    """Minutes of the day at which the usual windows begin, in order."""
    rates: tuple[RatePlan, ...]
    """The rate that begins at each of `starts`; after them those of the schedules' own windows."""
    periods: tuple[Per, ...]
    """For how long each of `rates` remembers what it has charged."""
    window_caps: tuple[WindowCapPlan | None, ...]
    base: TablePlan
    schedules: tuple[SchedulePlan, ...]
    days: DaySchedules
    free_minutes: int
    free_is_threshold: bool
    free_per: FreePer
    free_zh: str
    free_en: str
    day_cap_minor: int
    day_cap_shared: bool
    """The day's cap holds for all stays of a plate on that day together."""
    rolling_cap_minor: int
    stay_cap_minor: int
    """NO_LIMIT where there is no cap."""
    cap_minor_min: int
    """Fees up to this are under every cap."""
    minimum_minor: int


class CompiledTariff(msgspec.Struct, frozen=True, kw_only=True):
    """A checked tariff, ready to price stays."""

    tariff_id: TariffId
    version: int
    currency: str
    zone: ZoneInfo
    classes: Mapping[PlateColour, ClassPlan]
    """One for each colour there is."""
    vehicles: Mapping[VehicleKind, ClassPlan]
    """One for each kind that a class names."""
    named_colours: frozenset[PlateColour]
    """Those that a class names."""
    calendar: Calendar
    asks_calendar: bool
    """Some price depends on which days are holidays."""
    round_total: RoundTotal | None
    grace_after_paying_minutes: int
    reentry_minutes: int
    drive_through_free: bool
    splits: bool
    """A stay over the next version's beginning is priced by both, each for its time."""
    remembers: bool
    """What a stay costs may depend on earlier stays of its plate."""
    asks_facts: bool
    """What a stay costs may depend on rights, payments before leaving or stated vehicles."""
    offers: Mapping[RightId, RightOffer]
    """The rights that are honoured."""

    def plan_for(self, colour: PlateColour, vehicle: VehicleKind | None) -> ClassPlan:
        """Find what a vehicle pays: by its kind where a class names it, else by its colour."""
        if vehicle is not None and vehicle in self.vehicles:
            return self.vehicles[vehicle]
        return self.classes[colour]
