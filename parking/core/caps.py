"""Caps: what is over the most that a period may cost comes off again, as lines of their own."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from parking.core.charging import Stretch
from parking.core.fee import FeeLine
from parking.core.plan import NO_LIMIT, ClassPlan, WindowCapPlan
from parking.core.pricing_texts import money_en, money_zh
from parking.core.tariff_rates import Per
from parking.core.wall_clock import wall_instant

_DAY: Final = timedelta(days=1)
_MINUTES_OF_FLAT: Final = 1
"""A flat price counts where it begins, so any length that is not zero will do."""
Period: TypeAlias = tuple[datetime, datetime]


def _always(period: Period, _instant: datetime) -> Period:
    return period


class _Meter:
    """Counts what was charged in the present period of one cap, and what was too much."""

    def __init__(self, cap_minor: int, period_of: Callable[[datetime], Period]) -> None:
        self.cap_minor = cap_minor
        self.period_of = period_of
        self._from_at: datetime | None = None
        self.until_at: datetime | None = None
        self.spent_minor = 0
        self.cuts: list[tuple[datetime, datetime, int]] = []

    def move_to(self, instant: datetime) -> datetime:
        """Enter the period that the instant is in; answer its end."""
        if self.until_at is None or instant >= self.until_at:
            from_at, self.until_at = self.period_of(instant)
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
    lines: Sequence[FeeLine],
    *,
    plan: ClassPlan,
    entered_at: datetime,
    zone: ZoneInfo,
    currency: str,
    origins: Sequence[Stretch | None] = (),
    charged_today_minor: int = 0,
) -> list[FeeLine]:
    """Answer the reductions that hold a fee's lines, given in order of time, to the plan's caps.

    A unit counts in the period in which it begins. Caps of windows are applied first, then the
    day's, that of 24 hours, and the stay's, each to what is left. `origins` tell of which time in
    which window each line is; caps of windows need them. `charged_today_minor` is what earlier
    stays of the entry's day were charged, where they share its cap.
    """
    if plan.plain and not charged_today_minor and _total(lines) <= plan.cap_minor_min:
        return []
    meters = _Meters(plan, entered_at=entered_at, zone=zone)
    if plan.day_cap_shared and charged_today_minor:
        meters.day_has_had(charged_today_minor)
    for place, line in enumerate(lines):
        if line.from_at is not None and line.units is not None:
            unit = timedelta(minutes=line.unit_minutes or _MINUTES_OF_FLAT)
            chain = meters.chain(origins[place] if origins else None)
            _spend(line.from_at, line.units, unit, line.amount_minor // line.units, chain)
    return meters.lines(currency)


def _total(lines: Sequence[FeeLine]) -> int:
    return sum([line.amount_minor for line in lines])


class _Meters:
    """The meters of one fee: one for each window that has a cap, and those of the whole tariff."""

    def __init__(self, plan: ClassPlan, *, entered_at: datetime, zone: ZoneInfo) -> None:
        self._plan = plan
        self._entered_at = entered_at
        self._zone = zone
        self._windows: dict[int, _Meter] = {}
        self._day = _Meter(plan.day_cap_minor, self._calendar_day)
        self._rolling = _Meter(plan.rolling_cap_minor, self._rolling_day)
        self._stay = _Meter(plan.stay_cap_minor, self._whole_stay)
        meters = (self._day, self._rolling, self._stay)
        self._common = [meter for meter in meters if meter.cap_minor < NO_LIMIT]

    def day_has_had(self, charged_minor: int) -> None:
        """Begin the entry's day with what earlier stays have spent of its cap."""
        self._day.move_to(self._entered_at)
        self._day.spent_minor = min(charged_minor, self._day.cap_minor)

    def chain(self, origin: Stretch | None) -> list[_Meter]:
        """Find the meters that a line passes, in order."""
        cap = None if origin is None else self._plan.window_caps[origin.window]
        if cap is None or origin is None:
            return self._common
        meter = self._windows.get(origin.window)
        if meter is None:
            meter = _Meter(cap.cap_minor, self._period_of(cap.per))
            self._windows[origin.window] = meter
        if cap.per is Per.WINDOW:
            meter.period_of = partial(_always, (origin.occurs_from, origin.occurs_until))
        return [meter, *self._common]

    def lines(self, currency: str) -> list[FeeLine]:
        """Write a line for each period in which something was cut."""
        found: list[FeeLine] = []
        for window, meter in self._windows.items():
            cap = self._plan.window_caps[window]
            assert cap is not None  # noqa: S101 - only windows with caps have meters
            found += _window_lines(meter, cap, currency)
        return [
            *found,
            *_lines(self._day, "cap_calendar_day", "当日最高", "in one calendar day", currency),
            *_lines(self._rolling, "cap_rolling_24h", "24 小时内最高", "in 24 h", currency),
            *_lines(self._stay, "cap_stay", "单次最高", "a stay", currency),
        ]

    def _period_of(self, per: Per) -> Callable[[datetime], Period]:
        if per is Per.DAY:
            return self._calendar_day
        return self._rolling_day if per is Per.ROLLING_24H else self._whole_stay

    def _calendar_day(self, instant: datetime) -> Period:
        return calendar_day(instant, self._zone)

    def _rolling_day(self, instant: datetime) -> Period:
        from_at = self._entered_at + (instant - self._entered_at) // _DAY * _DAY
        return from_at, from_at + _DAY

    def _whole_stay(self, _: datetime) -> Period:
        return self._entered_at, self._entered_at + 10_000 * _DAY


def _spend(
    starts_at: datetime, units: int, unit: timedelta, price_minor: int, meters: list[_Meter]
) -> None:
    while units and meters:
        boundary = min([meter.move_to(starts_at) for meter in meters])
        begun_before = -((starts_at - boundary) // unit)
        count = min(units, begun_before)
        allowed = count * price_minor
        for meter in meters:
            allowed = meter.cut(allowed)
        for meter in meters:
            meter.spent_minor += allowed
        units -= count
        starts_at += count * unit


def _window_lines(meter: _Meter, cap: WindowCapPlan, currency: str) -> list[FeeLine]:
    return _lines(meter, "cap_window", cap.most_zh, f"in {cap.in_en}", currency)


def _lines(meter: _Meter, code: str, most_zh: str, in_en: str, currency: str) -> list[FeeLine]:
    if not any(cut_minor for _, _, cut_minor in meter.cuts):
        return []
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


def calendar_day(instant: datetime, zone: ZoneInfo) -> Period:
    """When the zone's calendar day that an instant is in begins and ends."""
    day = instant.astimezone(zone).date()
    until_at = wall_instant(zone, day + _DAY, 0)
    while until_at <= instant:  # a clock set back over midnight shows the old date once more
        day += _DAY
        until_at = wall_instant(zone, day + _DAY, 0)
    return wall_instant(zone, day, 0), until_at
