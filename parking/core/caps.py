"""Caps: what is over the most that a day may cost comes off again, as lines of their own."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from parking.core.fee import FeeLine
from parking.core.pricing_plan import ClassPlan, money_en, money_zh
from parking.core.wall_clock import wall_instant

_DAY: Final = timedelta(days=1)
_MINUTES_OF_FLAT: Final = 1
"""A flat price counts where it begins, so any length that is not zero will do."""


class _Meter:
    """Counts what was charged in the present period of one cap, and what was too much."""

    def __init__(
        self, cap_minor: int, period_of: Callable[[datetime], tuple[datetime, datetime]]
    ) -> None:
        self.cap_minor = cap_minor
        self._period_of = period_of
        self.until_at: datetime | None = None
        self.spent_minor = 0
        self.cuts: list[tuple[datetime, datetime, int]] = []

    def move_to(self, instant: datetime) -> datetime:
        """Enter the period that the instant is in; answer its end."""
        if self.until_at is None or instant >= self.until_at:
            from_at, self.until_at = self._period_of(instant)
            self.spent_minor = 0
            self.cuts.append((from_at, self.until_at, 0))
        return self.until_at

    def cut(self, amount_minor: int) -> int:
        """Answer what is left of an amount under the cap, and note what is cut."""
        allowed = min(amount_minor, self.cap_minor - self.spent_minor)
        from_at, until_at, cut_minor = self.cuts[-1]
        self.cuts[-1] = (from_at, until_at, cut_minor + amount_minor - allowed)
        return allowed


def cap_lines(
    lines: Iterable[FeeLine],
    *,
    plan: ClassPlan,
    entered_at: datetime,
    zone: ZoneInfo,
    currency: str,
) -> list[FeeLine]:
    """Answer the reductions that hold a fee's lines, given in order of time, to the plan's caps.

    A unit counts in the period in which it begins. The day's cap is applied first, the cap of
    24 hours to what is left.
    """
    day = _Meter(plan.day_cap_minor, lambda instant: _calendar_day(instant, zone))
    rolling = _Meter(plan.rolling_cap_minor, lambda instant: _rolling_day(instant, entered_at))
    for line in lines:
        if line.from_at is not None and line.units is not None:
            unit = timedelta(minutes=line.unit_minutes or _MINUTES_OF_FLAT)
            _spend(line.from_at, line.units, unit, line.amount_minor // line.units, day, rolling)
    return [
        *_lines(day, "cap_calendar_day", "当日最高", "in one calendar day", currency),
        *_lines(rolling, "cap_rolling_24h", "24 小时内最高", "in 24 h", currency),
    ]


def _spend(
    starts_at: datetime,
    units: int,
    unit: timedelta,
    price_minor: int,
    day: _Meter,
    rolling: _Meter,
) -> None:
    while units:
        boundary = min(day.move_to(starts_at), rolling.move_to(starts_at))
        begun_before = -((starts_at - boundary) // unit)
        count = min(units, begun_before)
        allowed = rolling.cut(day.cut(count * price_minor))
        day.spent_minor += allowed
        rolling.spent_minor += allowed
        units -= count
        starts_at += count * unit


def _lines(meter: _Meter, code: str, most_zh: str, in_en: str, currency: str) -> list[FeeLine]:
    most_zh = f"{most_zh} {money_zh(meter.cap_minor, currency)}"
    most_en = f"At most {money_en(meter.cap_minor, currency)} {in_en}"
    return [
        FeeLine(
            code=code,
            amount_minor=-cut_minor,
            text_zh=most_zh,
            text_en=most_en,
            from_at=from_at,
            until_at=until_at,
        )
        for from_at, until_at, cut_minor in meter.cuts
        if cut_minor
    ]


def _calendar_day(instant: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    day = instant.astimezone(zone).date()
    until_at = wall_instant(zone, day + _DAY, 0)
    while until_at <= instant:  # a clock set back over midnight shows the old date once more
        day += _DAY
        until_at = wall_instant(zone, day + _DAY, 0)
    return wall_instant(zone, day, 0), until_at


def _rolling_day(instant: datetime, entered_at: datetime) -> tuple[datetime, datetime]:
    from_at = entered_at + (instant - entered_at) // _DAY * _DAY
    return from_at, from_at + _DAY
