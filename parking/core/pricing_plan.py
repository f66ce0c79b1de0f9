"""A tariff made ready for pricing: times in minutes, prices of a class worked out, texts begun.

Compile once per tariff version, price many stays: everything that does not depend on the stay is
done here.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from parking.core.events import PlateColour
from parking.core.ids import TariffId
from parking.core.tariff import (
    FlatRate,
    FreeKind,
    FreePeriod,
    NoCharge,
    Per,
    RateStep,
    Rounding,
    Tariff,
    UnitRate,
    VehicleClass,
    Window,
)
from parking.core.tariff_document import MINUTES_OF_DAY, check_tariff, minute_of_day

NO_LIMIT: Final = 1 << 62


class StepPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A price per unit, and up to which unit of the visit it holds."""

    price_minor: int
    unit_minutes: int
    last_unit: int
    """How many units the visit has had when the step is over; past NO_LIMIT for the last step."""
    head_zh: str
    """The line's text but for the number of units."""
    head_en: str


class UnitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Charged by the unit."""

    steps: tuple[StepPlan, ...]
    round_up: bool


class FlatPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Charged once a visit or once a window."""

    price_minor: int
    once_a_visit: bool
    text_zh: str
    text_en: str


class FreePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Not charged."""

    text_zh: str
    text_en: str


RatePlan: TypeAlias = UnitPlan | FlatPlan | FreePlan


class ClassPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one vehicle class pays."""

    starts: tuple[int, ...]
    """Minutes of the day at which windows begin, in order."""
    rates: tuple[RatePlan, ...]
    """The rate that begins at each of `starts`."""
    free_minutes: int
    free_is_threshold: bool
    free_zh: str
    free_en: str
    day_cap_minor: int
    rolling_cap_minor: int
    """NO_LIMIT where there is no cap."""
    cap_minor_min: int
    """Fees up to this are under every cap."""


class CompiledTariff(msgspec.Struct, frozen=True, kw_only=True):
    """A checked tariff, ready to price stays."""

    tariff_id: TariffId
    version: int
    currency: str
    zone: ZoneInfo
    classes: Mapping[PlateColour, ClassPlan]
    """One for each colour there is."""


class _Wording(msgspec.Struct, frozen=True, kw_only=True):
    """How one class's lines begin and show sums."""

    currency: str
    percent: int
    name_zh: str = ""
    name_en: str = ""

    def scaled(self, price_minor: int) -> int:
        """A price of the class: its per cent of the price, rounded half up."""
        return (price_minor * self.percent + 50) // 100

    def sum_zh(self, amount_minor: int) -> str:
        return money_zh(amount_minor, self.currency)

    def sum_en(self, amount_minor: int) -> str:
        return money_en(amount_minor, self.currency)


def money_zh(amount_minor: int, currency: str) -> str:
    """Show a sum to a Chinese reader: `5.00 元`."""
    unit = "元" if currency == "CNY" else currency
    return f"{amount_minor // 100}.{amount_minor % 100:02d} {unit}"


def money_en(amount_minor: int, currency: str) -> str:
    """Show a sum to an English reader: `CNY 5.00`."""
    return f"{currency} {amount_minor // 100}.{amount_minor % 100:02d}"


def compile_tariff(tariff: Tariff) -> CompiledTariff:
    """Check a tariff and make it ready. Raises a TariffError that names the key."""
    check_tariff(tariff)
    base = _class_plan(tariff, None)
    classes = dict.fromkeys(PlateColour, base)
    for vehicle_class in tariff.classes:
        plan = _class_plan(tariff, vehicle_class)
        classes.update(dict.fromkeys(vehicle_class.colours, plan))
    return CompiledTariff(
        tariff_id=tariff.tariff_id,
        version=tariff.version,
        currency=tariff.currency,
        zone=ZoneInfo(tariff.zone),
        classes=classes,
    )


def _class_plan(tariff: Tariff, own: VehicleClass | None) -> ClassPlan:
    windows, free, caps = tariff.windows, tariff.free, tariff.caps
    wording = _Wording(currency=tariff.currency, percent=100)
    if own is not None:
        windows, free, caps = own.windows or windows, own.free or free, own.caps or caps
        wording = _Wording(
            currency=tariff.currency,
            percent=own.percent,
            name_zh=f"（{own.name_zh}）",
            name_en=f" ({own.name_en})",
        )
    day_cap = _cap(caps.calendar_day_minor, wording)
    rolling_cap = _cap(caps.rolling_24h_minor, wording)
    free_zh, free_en = _free_texts(free)
    ordered = sorted(windows, key=lambda window: minute_of_day(window.from_time))
    return ClassPlan(
        starts=tuple(minute_of_day(window.from_time) for window in ordered),
        rates=tuple(_rate_plan(window, wording) for window in ordered),
        free_minutes=0 if free is None else free.minutes,
        free_is_threshold=free is None or free.kind is FreeKind.THRESHOLD,
        free_zh=free_zh,
        free_en=free_en,
        day_cap_minor=day_cap,
        rolling_cap_minor=rolling_cap,
        cap_minor_min=min(day_cap, rolling_cap),
    )


def _free_texts(free: FreePeriod | None) -> tuple[str, str]:
    if free is None:
        return "", ""
    if free.kind is FreeKind.THRESHOLD:
        minutes = free.minutes
        return f"停放不超过 {minutes} 分钟免费", f"A stay of up to {minutes} min is free"
    return f"前 {free.minutes} 分钟免费", f"The first {free.minutes} min are free"


def _cap(cap_minor: int | None, wording: _Wording) -> int:
    return NO_LIMIT if cap_minor is None else wording.scaled(cap_minor)


def _rate_plan(window: Window, wording: _Wording) -> RatePlan:
    label_zh, label_en = _labels(window)
    label_zh, label_en = label_zh + wording.name_zh, label_en + wording.name_en
    rate = window.rate
    if isinstance(rate, NoCharge):
        return FreePlan(text_zh=f"{label_zh}：不收费", text_en=f"{label_en}: not charged")
    if isinstance(rate, FlatRate):
        return _flat_plan(rate, label_zh, label_en, wording)
    return _unit_plan(rate, label_zh, label_en, wording)


def _labels(window: Window) -> tuple[str, str]:
    if minute_of_day(window.until_time) - minute_of_day(window.from_time) == MINUTES_OF_DAY:
        return "全天", "All day"
    times = f"{window.from_time}–{window.until_time}"
    return times, times


def _flat_plan(rate: FlatRate, label_zh: str, label_en: str, wording: _Wording) -> FlatPlan:
    price = wording.scaled(rate.price_minor)
    once_a_visit = rate.per is Per.VISIT
    per_zh, per_en = ("每次停放", "a visit") if once_a_visit else ("每时段", "each time")
    return FlatPlan(
        price_minor=price,
        once_a_visit=once_a_visit,
        text_zh=f"{label_zh}：{per_zh} {wording.sum_zh(price)}",
        text_en=f"{label_en}: {wording.sum_en(price)} {per_en}",
    )


def _unit_plan(rate: UnitRate, label_zh: str, label_en: str, wording: _Wording) -> UnitPlan:
    steps: list[StepPlan] = []
    units_before = 0
    for step in rate.steps:
        lasts_minutes = step.lasts_minutes or NO_LIMIT * step.unit_minutes
        last_unit = units_before + lasts_minutes // step.unit_minutes
        when_zh, when_en = _when(step, first=not steps)
        price = wording.scaled(step.price_minor)
        minutes = step.unit_minutes
        steps.append(
            StepPlan(
                price_minor=price,
                unit_minutes=minutes,
                last_unit=last_unit,
                head_zh=f"{label_zh}{when_zh}：每 {minutes} 分钟 {wording.sum_zh(price)} × ",
                head_en=f"{label_en}{when_en}: {wording.sum_en(price)} per {minutes} min × ",
            )
        )
        units_before = last_unit
    return UnitPlan(steps=tuple(steps), round_up=rate.rounding is Rounding.UP)


def _when(step: RateStep, *, first: bool) -> tuple[str, str]:
    """Say which part of the visit a step is about."""
    if step.lasts_minutes is None:
        return ("", "") if first else ("，之后", ", after that")
    if first:
        return f"，前 {step.lasts_minutes} 分钟", f", first {step.lasts_minutes} min"
    return f"，其后 {step.lasts_minutes} 分钟", f", next {step.lasts_minutes} min"
