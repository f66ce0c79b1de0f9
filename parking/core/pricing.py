"""Pricing: a stay and a tariff make a fee whose lines add up and explain themselves.

Time is counted in whole minutes of each window; seconds are dropped, in the driver's favour. A
longer stay never costs less, and no fee is negative: units are counted from the entry on, caps are
spent in the same order, and more time only adds units.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from parking.core.caps import cap_lines
from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee, FeeLine
from parking.core.money import Money
from parking.core.pricing_plan import (
    ClassPlan,
    CompiledTariff,
    FlatPlan,
    FreePlan,
    StepPlan,
    UnitPlan,
    compile_tariff,
)
from parking.core.tariff import Tariff
from parking.core.window_runs import Run, window_runs

STAY_DAYS_MAX: Final = 366
_MINUTE: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=STAY_DAYS_MAX)
_compiled = lru_cache(maxsize=256)(compile_tariff)


class NaiveInstantError(DomainError):
    """An instant without a time zone is no instant."""

    def __init__(self) -> None:
        super().__init__("entered_at and left_at must carry a time zone")


class LeftBeforeEnteredError(DomainError):
    """A stay cannot end before it begins."""

    def __init__(self, *, entered_at: datetime, left_at: datetime) -> None:
        super().__init__(f"left at {left_at}, before it came in at {entered_at}")
        self.entered_at = entered_at
        self.left_at = left_at


class StayTooLongError(DomainError):
    """Nobody parks for years; one of the instants is wrong."""

    def __init__(self, *, entered_at: datetime, left_at: datetime) -> None:
        super().__init__(
            f"{entered_at} to {left_at} is longer than the {STAY_DAYS_MAX} days that are priced"
        )
        self.entered_at = entered_at
        self.left_at = left_at


def assess(
    *,
    entered_at: datetime,
    left_at: datetime,
    tariff: Tariff | CompiledTariff,
    colour: PlateColour,
) -> Fee:
    """Price a stay, line by line, under one version of a tariff.

    Hand in a CompiledTariff where speed matters; a Tariff is compiled and remembered. Raises
    NaiveInstantError, LeftBeforeEnteredError, StayTooLongError, and a TariffError where the tariff
    cannot be used.
    """
    ready = tariff if isinstance(tariff, CompiledTariff) else _compiled(tariff)
    if entered_at.tzinfo is None or left_at.tzinfo is None:
        raise NaiveInstantError
    entered_at, left_at = entered_at.astimezone(UTC), left_at.astimezone(UTC)
    if left_at < entered_at:
        raise LeftBeforeEnteredError(entered_at=entered_at, left_at=left_at)
    if left_at - entered_at > _LONGEST:
        raise StayTooLongError(entered_at=entered_at, left_at=left_at)
    lines = _lines(ready, ready.classes[colour], entered_at, left_at)
    return Fee(
        total=Money(sum([line.amount_minor for line in lines]), ready.currency),
        lines=tuple(lines),
        tariff_id=ready.tariff_id,
        tariff_version=ready.version,
    )


def _lines(
    tariff: CompiledTariff, plan: ClassPlan, entered_at: datetime, left_at: datetime
) -> list[FeeLine]:
    lines: list[FeeLine] = []
    starts_at = entered_at
    if plan.free_minutes:
        free_until = entered_at + plan.free_minutes * _MINUTE
        if left_at < free_until + _MINUTE:
            return [_free_line(plan, entered_at, left_at)]
        if not plan.free_is_threshold:
            starts_at = free_until
            lines.append(_free_line(plan, entered_at, free_until))
    units_had = [0] * len(plan.rates)
    for run in window_runs(plan.starts, starts_at, left_at, tariff.zone):
        _charge_run(plan, run, units_had, lines)
    if sum([line.amount_minor for line in lines]) > plan.cap_minor_min:
        zone, currency = tariff.zone, tariff.currency
        lines += cap_lines(lines, plan=plan, entered_at=entered_at, zone=zone, currency=currency)
    return lines or [_nothing_line(entered_at, left_at)]


def _charge_run(plan: ClassPlan, run: Run, units_had: list[int], lines: list[FeeLine]) -> None:
    """Add what one time in one window costs. `units_had` counts each window's units so far."""
    rate = plan.rates[run.window]
    minutes = (run.ends_at - run.starts_at) // _MINUTE
    if not minutes:
        return
    if isinstance(rate, UnitPlan):
        _charge_units(rate, run, minutes, units_had, lines)
        return
    seen_before = units_had[run.window] > 0
    units_had[run.window] = 1
    if isinstance(rate, FlatPlan):
        if not (rate.once_a_visit and seen_before):
            lines.append(_flat_line(rate, run))
    elif not seen_before:
        lines.append(_not_charged_line(rate))


def _charge_units(
    rate: UnitPlan,
    run: Run,
    minutes: int,
    units_had: list[int],
    lines: list[FeeLine],
) -> None:
    had, starts_at = units_had[run.window], run.starts_at
    for step in rate.steps:  # pragma: no branch - the last step has no end
        if had >= step.last_unit:
            continue
        unit_minutes = step.unit_minutes
        wanted = -(-minutes // unit_minutes) if rate.round_up else minutes // unit_minutes
        units = min(wanted, step.last_unit - had)
        if units > 0:
            charged_minutes = units * unit_minutes
            until_at = starts_at + charged_minutes * _MINUTE
            line_until = min(until_at, run.ends_at)
            lines.append(_unit_line(step, units, starts_at, line_until))
            had, starts_at, minutes = had + units, until_at, minutes - charged_minutes
        if minutes <= 0 or had < step.last_unit:
            break
    units_had[run.window] = had


def _unit_line(step: StepPlan, units: int, from_at: datetime, until_at: datetime) -> FeeLine:
    return FeeLine(
        code="rate",
        amount_minor=units * step.price_minor,
        text_zh=f"{step.head_zh}{units}",
        text_en=f"{step.head_en}{units}",
        from_at=from_at,
        until_at=until_at,
        units=units,
        unit_minutes=step.unit_minutes,
        unit_price_minor=step.price_minor,
    )


def _flat_line(rate: FlatPlan, run: Run) -> FeeLine:
    return FeeLine(
        code="flat",
        amount_minor=rate.price_minor,
        text_zh=rate.text_zh,
        text_en=rate.text_en,
        from_at=run.starts_at,
        until_at=run.ends_at,
        units=1,
        unit_price_minor=rate.price_minor,
    )


def _not_charged_line(rate: FreePlan) -> FeeLine:
    return FeeLine(code="not_charged", amount_minor=0, text_zh=rate.text_zh, text_en=rate.text_en)


def _free_line(plan: ClassPlan, from_at: datetime, until_at: datetime) -> FeeLine:
    return FeeLine(
        code="free_period",
        amount_minor=0,
        text_zh=plan.free_zh,
        text_en=plan.free_en,
        from_at=from_at,
        until_at=until_at,
    )


def _nothing_line(from_at: datetime, until_at: datetime) -> FeeLine:
    return FeeLine(
        code="under_one_unit",
        amount_minor=0,
        text_zh="不足一个计费单位",
        text_en="Less than one unit that is charged",
        from_at=from_at,
        until_at=until_at,
    )
