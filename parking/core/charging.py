"""What one time in one window costs, as lines of a fee."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from parking.core.durations import minutes as minutes_long
from parking.core.fee import FeeLine
from parking.core.plan import Bill, BillLine, FlatPlan, FreePlan, RatePlan, UnitPlan
from parking.core.timeline import Run

_MINUTES_OF_DAY: Final = 24 * 60
_BILLS_MAX: Final = 4096


class Stretch(NamedTuple):
    """A time in one window that a tariff with periods or covered time charges as one."""

    window: int
    starts_at: datetime
    ends_at: datetime
    period: object
    """What the window's rate remembers by: equal for stretches that continue each other."""
    occurs_from: datetime
    occurs_until: datetime
    """The whole time in the window, of which covered time may have left only this stretch."""


def charge(
    rate: RatePlan,
    run: Run,
    units_had: list[int],
    lines: list[FeeLine],
    carry_until: datetime | None = None,
) -> datetime:
    """Add a run's lines; answer until when it is paid.

    `units_had` counts each window's units so far. `carry_until` is how far a unit's line may reach
    that runs on over the window's edge.
    """
    window, starts_at, ends_at = run
    length = ends_at - starts_at
    minutes = length.days * _MINUTES_OF_DAY + length.seconds // 60
    if not minutes:
        return starts_at
    if isinstance(rate, UnitPlan):
        bill = _bill(rate, units_had[window], minutes)
        units_had[window] = bill.units_had
        _add_lines(lines, bill.lines, starts_at, carry_until or ends_at)
        return starts_at + bill.paid
    seen_before = units_had[window] > 0
    units_had[window] = 1
    if isinstance(rate, FlatPlan):
        if not (rate.once_a_visit and seen_before):
            lines.append(_flat_line(rate, starts_at, ends_at))
    elif not seen_before:
        lines.append(_not_charged_line(rate))
    return ends_at


def _add_lines(
    lines: list[FeeLine], billed: tuple[BillLine, ...], starts_at: datetime, ends_at: datetime
) -> None:
    for begins, ends, code, amount_minor, text_zh, text_en, units, unit_minutes, price in billed:
        until_at = starts_at + ends
        lines.append(
            FeeLine(
                code=code,
                amount_minor=amount_minor,
                text_zh=text_zh,
                text_en=text_en,
                from_at=starts_at + begins,
                until_at=min(ends_at, until_at),
                units=units,
                unit_minutes=unit_minutes,
                unit_price_minor=price,
            )
        )


def _bill(rate: UnitPlan, had: int, minutes: int) -> Bill:
    """Find or write what some minutes cost after so many units: most stays are like others."""
    bill = rate.bills.get((had, minutes))
    if bill is None:
        if len(rate.bills) >= _BILLS_MAX:
            rate.bills.clear()
        bill = rate.bills[had, minutes] = _written(rate, had, minutes)
    return bill


def _written(rate: UnitPlan, had: int, minutes: int) -> Bill:
    begins = timedelta()
    lines: list[BillLine] = []
    for step in rate.steps:  # pragma: no branch - the last step has no end
        if had >= step.last_unit:
            continue
        unit_minutes = step.unit_minutes
        units = -(-minutes // unit_minutes) if rate.round_up else minutes // unit_minutes
        units = min(units, step.last_unit - had)
        if units > 0:
            charged_minutes = units * unit_minutes
            ends = begins + minutes_long(charged_minutes)
            lines.append(
                BillLine(
                    begins=begins,
                    ends=ends,
                    code=step.code,
                    amount_minor=units * step.price_minor,
                    text_zh=f"{step.head_zh}{units}",
                    text_en=f"{step.head_en}{units}",
                    units=units,
                    unit_minutes=unit_minutes,
                    unit_price_minor=step.price_minor,
                )
            )
            had, begins, minutes = had + units, ends, minutes - charged_minutes
        if minutes <= 0 or had < step.last_unit:
            break
    return Bill(lines=tuple(lines), units_had=had, paid=begins)


def _flat_line(rate: FlatPlan, from_at: datetime, until_at: datetime) -> FeeLine:
    return FeeLine(
        code="flat",
        amount_minor=rate.price_minor,
        text_zh=rate.text_zh,
        text_en=rate.text_en,
        from_at=from_at,
        until_at=until_at,
        units=1,
        unit_price_minor=rate.price_minor,
    )


def _not_charged_line(rate: FreePlan) -> FeeLine:
    return FeeLine(code="not_charged", amount_minor=0, text_zh=rate.text_zh, text_en=rate.text_en)
