"""Pricing: a stay and a tariff make a fee whose lines add up and explain themselves.

Time is counted in whole minutes of each window; seconds are dropped, in the driver's favour. A
longer stay never costs less, and no fee is negative: units are counted from the entry on, caps are
spent in the same order, and more time only adds units.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from parking.core.caps import cap_lines
from parking.core.charging import charge
from parking.core.durations import minutes
from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee, FeeLine
from parking.core.money import Money
from parking.core.plan import NO_LIMIT, ClassPlan, CompiledTariff
from parking.core.pricing_full import (
    NOTHING_EARLIER,
    EarlierToday,
    Part,
    Visit,
    closing_lines,
    free_line,
    full_lines,
)
from parking.core.pricing_plan import compile_tariff
from parking.core.right import Right
from parking.core.tariff import Tariff
from parking.core.timeline import Timeline
from parking.core.vehicle import VehicleKind

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
    vehicle: VehicleKind | None = None,
    rights: Sequence[Right] = (),
    earlier: EarlierToday = NOTHING_EARLIER,
    later: Sequence[tuple[datetime, CompiledTariff]] = (),
) -> Fee:
    """Price a stay, line by line, under one version of a tariff.

    `vehicle`, where it is known and a class names it, decides what is paid before the colour does.
    `rights` are used in their order, as far as they are valid; `earlier` tells what other stays of
    the day have had, for free minutes and caps that a day shares. `later` are the versions that
    begin to hold during the stay and price it from then on, in order, each with that instant.

    Hand in a CompiledTariff where speed matters; a Tariff is compiled and remembered. Raises
    NaiveInstantError, LeftBeforeEnteredError, StayTooLongError, and a TariffError where the tariff
    cannot be used.
    """
    ready = tariff if isinstance(tariff, CompiledTariff) else _compiled(tariff)
    if entered_at.tzinfo is not UTC or left_at.tzinfo is not UTC:
        if entered_at.tzinfo is None or left_at.tzinfo is None:
            raise NaiveInstantError
        entered_at, left_at = entered_at.astimezone(UTC), left_at.astimezone(UTC)
    if left_at < entered_at:
        raise LeftBeforeEnteredError(entered_at=entered_at, left_at=left_at)
    if left_at - entered_at > _LONGEST:
        raise StayTooLongError(entered_at=entered_at, left_at=left_at)
    plan = ready.classes[colour] if vehicle is None else ready.plan_for(colour, vehicle)
    timeline = plan.timelines.of_entry(entered_at)
    if plan.alone and not rights and not later and timeline.knows(entered_at, left_at):
        lines = _quick_lines(ready, plan, timeline, entered_at, left_at)
    else:
        parts = [
            Part(from_at=from_at.astimezone(UTC), tariff=each, plan=each.plan_for(colour, vehicle))
            for from_at, each in later
        ]
        visit = Visit(
            entered_at=entered_at, left_at=left_at, rights=rights, earlier=earlier, parts=parts
        )
        lines = full_lines(ready, plan, visit)
    if not lines:
        lines.append(_nothing_line(entered_at, left_at))
    return Fee(
        total=Money(sum([line.amount_minor for line in lines]), ready.currency),
        lines=tuple(lines),
        tariff_id=ready.tariff_id,
        tariff_version=ready.version,
    )


def _quick_lines(
    tariff: CompiledTariff,
    plan: ClassPlan,
    timeline: Timeline,
    entered_at: datetime,
    left_at: datetime,
) -> list[FeeLine]:
    """Price a stay without rights, of which nothing but itself is asked."""
    lines: list[FeeLine] = []
    starts_at = entered_at
    if plan.free_minutes:
        free_until = entered_at + minutes(plan.free_minutes)
        if left_at < free_until + _MINUTE:
            return [free_line(plan, entered_at, left_at)]
        if not plan.free_is_threshold:
            starts_at = free_until
            lines.append(free_line(plan, entered_at, free_until))
    units_had = [0] * len(plan.rates)
    for run in timeline.runs(starts_at, left_at):
        charge(plan.rates[run[0]], run, units_had, lines)
    if plan.cap_minor_min < NO_LIMIT:
        lines += cap_lines(
            lines, plan=plan, entered_at=entered_at, zone=tariff.zone, currency=tariff.currency
        )
    if plan.minimum_minor or tariff.round_total is not None:
        lines += closing_lines(tariff, plan, (), lines)
    return lines


def _nothing_line(from_at: datetime, until_at: datetime) -> FeeLine:
    return FeeLine(
        code="under_one_unit",
        amount_minor=0,
        text_zh="不足一个计费单位",
        text_en="Less than one unit that is charged",
        from_at=from_at,
        until_at=until_at,
    )
