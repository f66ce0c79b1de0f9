"""The shapes of a compiled tariff. `pricing_plan.compile_tariff` makes them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from parking.core.calendar import Calendar
from parking.core.events import PlateColour
from parking.core.ids import TariffId
from parking.core.right import RightId, RightOffer
from parking.core.schedule_plan import TablePlan
from parking.core.tariff import FreePer, RoundTotal
from parking.core.tariff_rates import Per
from parking.core.timeline import Timelines
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


class BillLine(NamedTuple):
    """A line of a fee but for the instant at which it begins."""

    begins: timedelta
    """After the beginning of the time that is charged."""
    ends: timedelta
    code: str
    amount_minor: int
    text_zh: str
    text_en: str
    units: int
    unit_minutes: int
    unit_price_minor: int


class Bill(NamedTuple):
    """What some minutes in a window cost, after some units of it."""

    lines: tuple[BillLine, ...]
    units_had: int
    """How many units there have been after it."""
    paid: timedelta
    """How much time is paid for, to the end of the last unit."""


class UnitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Charged by the unit."""

    steps: tuple[StepPlan, ...]
    round_up: bool
    carries: bool = False
    """A unit that is not over when the window is runs on to its end."""
    bills: dict[tuple[int, int], Bill] = {}
    """Those already written, by how many units there were before, and for how many minutes."""


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
    """No window has a cap, all rates remember for the visit or nothing, and units are cut."""
    alone: bool
    """Plain, and what other stays of the day have had does not matter."""
    rates: tuple[RatePlan, ...]
    """Those of the usual windows, and after them those of the schedules' own."""
    periods: tuple[Per, ...]
    """For how long each of `rates` remembers what it has charged."""
    window_caps: tuple[WindowCapPlan | None, ...]
    base: TablePlan
    timelines: Timelines
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
    """Fees up to this are under all three."""
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
