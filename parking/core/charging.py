"""What one time in one window costs, as lines of a fee."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from parking.core.fee import FeeLine
from parking.core.plan import FlatPlan, FreePlan, RatePlan, UnitPlan

_MINUTE: Final = timedelta(minutes=1)


class TimeInWindow(Protocol):
    """An unbroken time in one window."""

    @property
    def window(self) -> int:
        """Its place in the class's windows."""
        ...

    @property
    def starts_at(self) -> datetime:
        """When it begins."""
        ...

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        ...


class Stretch(NamedTuple):
    """A time in one window that a tariff with schedules or periods charges as one."""

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
    run: TimeInWindow,
    units_had: list[int],
    lines: list[FeeLine],
    carry_until: datetime | None = None,
) -> datetime:
    """Add a run's lines; answer until when it is paid.

    `units_had` counts each window's units so far. `carry_until` is how far a unit's line may reach
    that runs on over the window's edge.
    """
    minutes = (run.ends_at - run.starts_at) // _MINUTE
    if not minutes:
        return run.starts_at
    if isinstance(rate, UnitPlan):
        return _charge_units(rate, run, minutes, units_had, lines, carry_until or run.ends_at)
    seen_before = units_had[run.window] > 0
    units_had[run.window] = 1
    if isinstance(rate, FlatPlan):
        if not (rate.once_a_visit and seen_before):
            lines.append(_flat_line(rate, run))
    elif not seen_before:
        lines.append(_not_charged_line(rate))
    return run.ends_at


def _charge_units(
    rate: UnitPlan,
    run: TimeInWindow,
    minutes: int,
    units_had: list[int],
    lines: list[FeeLine],
    line_ends_at: datetime,
) -> datetime:
    had, starts_at = units_had[run.window], run.starts_at
    for step in rate.steps:  # pragma: no branch - the last step has no end
        if had >= step.last_unit:
            continue
        unit_minutes = step.unit_minutes
        units = -(-minutes // unit_minutes) if rate.round_up else minutes // unit_minutes
        units = min(units, step.last_unit - had)
        if units > 0:
            charged_minutes = units * unit_minutes
            until_at = starts_at + timedelta(minutes=charged_minutes)
            line_until = min(line_ends_at, until_at)
            lines.append(
                FeeLine(
                    code=step.code,
                    amount_minor=units * step.price_minor,
                    text_zh=f"{step.head_zh}{units}",
                    text_en=f"{step.head_en}{units}",
                    from_at=starts_at,
                    until_at=line_until,
                    units=units,
                    unit_minutes=unit_minutes,
                    unit_price_minor=step.price_minor,
                )
            )
            had, starts_at, minutes = had + units, until_at, minutes - charged_minutes
        if minutes <= 0 or had < step.last_unit:
            break
    units_had[run.window] = had
    return starts_at


def _flat_line(rate: FlatPlan, run: TimeInWindow) -> FeeLine:
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
