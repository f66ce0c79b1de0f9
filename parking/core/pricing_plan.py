"""A tariff made ready for pricing: times in minutes, prices of a class worked out, texts begun.

Compile once per tariff version, price many stays: everything that does not depend on the stay is
done here.
"""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

import msgspec

from parking.core.calendar import WEEKDAYS, Calendar, calendar_named
from parking.core.events import PlateColour
from parking.core.plan import (
    NO_LIMIT,
    ClassPlan,
    CompiledTariff,
    FlatPlan,
    FreePlan,
    RatePlan,
    StepPlan,
    UnitPlan,
    WindowCapPlan,
)
from parking.core.pricing_texts import PER_TEXTS, Wording, free_texts, money_en, money_zh
from parking.core.rate_plans import rate_period, rate_plan
from parking.core.schedule_plan import SchedulePlan, TablePlan
from parking.core.tariff import FreeKind, FreePer, OnChange, Tariff, VehicleClass, VehicleKind
from parking.core.tariff_document import check_tariff, minute_of_day
from parking.core.tariff_rates import Per, Window
from parking.core.tariff_schedule import Edges, Schedule
from parking.core.timeline import Timelines

__all__ = [
    "NO_LIMIT",
    "ClassPlan",
    "CompiledTariff",
    "FlatPlan",
    "FreePlan",
    "RatePlan",
    "StepPlan",
    "UnitPlan",
    "compile_tariff",
    "money_en",
    "money_zh",
]


def compile_tariff(tariff: Tariff, *, calendar: Calendar | None = None) -> CompiledTariff:
    """Check a tariff and make it ready. Raises a TariffError that names the key.

    `calendar` stands in for the one that the tariff names.
    """
    check_tariff(tariff)
    days = (calendar or calendar_named(tariff.calendar)).with_holidays(tariff.holidays)
    base = _class_plan(tariff, None, days)
    colours = dict.fromkeys(PlateColour, base)
    vehicles: dict[VehicleKind, ClassPlan] = {}
    for own in tariff.classes:
        plan = _class_plan(tariff, own, days)
        colours.update(dict.fromkeys(own.colours, plan))
        vehicles.update(dict.fromkeys(own.vehicles, plan))
    schedules = [*tariff.schedules, *(s for own in tariff.classes for s in own.schedules or ())]
    return CompiledTariff(
        tariff_id=tariff.tariff_id,
        version=tariff.version,
        currency=tariff.currency,
        zone=ZoneInfo(tariff.zone),
        classes=colours,
        vehicles=vehicles,
        named_colours=frozenset(colour for own in tariff.classes for colour in own.colours),
        calendar=days,
        asks_calendar=any(set(schedule.on).difference(WEEKDAYS) for schedule in schedules),
        round_total=tariff.round_total,
        grace_after_paying_minutes=tariff.grace_after_paying_minutes,
        reentry_minutes=tariff.reentry_minutes,
        drive_through_free=tariff.drive_through_free,
        splits=tariff.on_change is OnChange.SPLIT,
        remembers=tariff.reentry_minutes > 0
        or any(_remembers(plan) for plan in (*colours.values(), *vehicles.values())),
        asks_facts=bool(tariff.rights or vehicles or tariff.grace_after_paying_minutes),
        offers={offer.right_id: offer for offer in tariff.rights},
    )


def _remembers(plan: ClassPlan) -> bool:
    return plan.free_per is not FreePer.VISIT or plan.day_cap_shared


class _Windows:
    """The windows of a class, each once: one that two tables share is one window.

    So midnight does not end a night that is written alike for both days.
    """

    def __init__(self, *, carries: bool) -> None:
        self._carries = carries
        self._places: dict[tuple[Window, int], int] = {}
        self.rates: list[RatePlan] = []
        self.periods: list[Per] = []
        self.caps: list[WindowCapPlan | None] = []

    def place(self, window: Window, wording: Wording) -> int:
        """Answer a window's place, made ready if it is new."""
        key = (window, wording.schedule_percent)
        if key not in self._places:
            self._places[key] = len(self.rates)
            self.rates.append(rate_plan(window, wording, carries=self._carries))
            self.periods.append(rate_period(window))
            self.caps.append(_window_cap(window, wording))
        return self._places[key]

    def table(self, windows: Iterable[Window], wording: Wording) -> TablePlan:
        """Put a day's windows in order, from midnight on."""
        ordered = sorted(windows, key=lambda window: minute_of_day(window.from_time))
        starts = [minute_of_day(window.from_time) for window in ordered]
        places = [self.place(window, wording) for window in ordered]
        if starts[0]:
            starts, places = [0, *starts], [places[-1], *places]
        return TablePlan(starts=tuple(starts), windows=tuple(places))


def _class_plan(tariff: Tariff, own: VehicleClass | None, calendar: Calendar) -> ClassPlan:
    windows, free, caps, schedules = tariff.windows, tariff.free, tariff.caps, tariff.schedules
    wording = Wording(currency=tariff.currency)
    if own is not None:
        schedules = own.schedules or (schedules if own.windows is None else ())
        windows, free, caps = own.windows or windows, own.free or free, own.caps or caps
        wording = Wording(
            currency=tariff.currency,
            percent=own.percent,
            name_zh=f"（{own.name_zh}）",
            name_en=f" ({own.name_en})",
        )
    day_cap = _cap(caps.calendar_day_minor, wording)
    rolling_cap = _cap(caps.rolling_24h_minor, wording)
    free_zh, free_en = free_texts(free)
    kept = _Windows(carries=tariff.edges is Edges.CARRY)
    base = kept.table(windows, wording)
    schedule_plans = tuple(_schedule_plan(each, windows, kept, wording) for each in schedules)
    stay_cap = _cap(caps.stay_minor, wording)
    shares_cap = caps.calendar_day_shared and day_cap < NO_LIMIT
    free_per = FreePer.VISIT if free is None else free.per
    plain = _is_plain(tariff, kept)
    return ClassPlan(
        plain=plain,
        alone=plain and free_per is FreePer.VISIT and not shares_cap,
        rates=tuple(kept.rates),
        periods=tuple(kept.periods),
        window_caps=tuple(kept.caps),
        base=base,
        timelines=Timelines(base, schedule_plans, zone=ZoneInfo(tariff.zone), calendar=calendar),
        free_minutes=0 if free is None else free.minutes,
        free_is_threshold=free is None or free.kind is FreeKind.THRESHOLD,
        free_per=free_per,
        free_zh=free_zh,
        free_en=free_en,
        day_cap_minor=day_cap,
        day_cap_shared=shares_cap,
        rolling_cap_minor=rolling_cap,
        stay_cap_minor=stay_cap,
        cap_minor_min=min(day_cap, rolling_cap, stay_cap),
        minimum_minor=wording.scaled(tariff.minimum_minor),
    )


def _is_plain(tariff: Tariff, kept: _Windows) -> bool:
    """Say whether each run in a window is charged the same, wherever a period might begin anew."""
    return (
        tariff.edges is Edges.CUT
        and not any(kept.caps)
        and all(
            period is Per.VISIT or (period is Per.WINDOW and isinstance(rate, FlatPlan))
            for rate, period in zip(kept.rates, kept.periods, strict=True)
        )
    )


def _schedule_plan(
    schedule: Schedule, usual: Sequence[Window], kept: _Windows, wording: Wording
) -> SchedulePlan:
    wording = msgspec.structs.replace(
        wording,
        schedule_percent=schedule.percent,
        schedule_zh=f"{schedule.name_zh} ",
        schedule_en=f"{schedule.name_en}, ",
    )
    entered = schedule.entered
    return SchedulePlan(
        on=frozenset(schedule.on),
        season=schedule.season,
        dates=schedule.dates,
        entered=None
        if entered is None
        else (minute_of_day(entered.from_time), minute_of_day(entered.until_time)),
        table=kept.table(schedule.windows or usual, wording),
        event=schedule.event,
        name_zh=schedule.name_zh,
        name_en=schedule.name_en,
    )


def _cap(cap_minor: int | None, wording: Wording) -> int:
    return NO_LIMIT if cap_minor is None else wording.scaled(cap_minor)


def _window_cap(window: Window, wording: Wording) -> WindowCapPlan | None:
    if window.cap_minor is None:
        return None
    label_zh, label_en = wording.labels(window)
    per_zh, per_en = PER_TEXTS[window.cap_per]
    return WindowCapPlan(
        cap_minor=wording.scaled(window.cap_minor),
        per=window.cap_per,
        most_zh=f"{label_zh}{per_zh}最高",
        in_en=f"{label_en} {per_en}",
    )
