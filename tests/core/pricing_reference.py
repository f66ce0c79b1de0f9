"""Pricing again, minute by minute: slow, plain, and written apart from the real one.

It prices stays that begin and end on whole minutes.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from parking.core.tariff import (
    FlatRate,
    FreeKind,
    NoCharge,
    Per,
    Rate,
    Rounding,
    Season,
    Tariff,
    TierRate,
    UnitRate,
    Window,
)

MINUTE = timedelta(minutes=1)
HOLIDAYS_2026 = [
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
]
WORKED_2026 = {
    "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
}  # fmt: skip


def reference_total(entered_at: datetime, left_at: datetime, tariff: Tariff) -> int:
    starts_at = entered_at
    if tariff.free is not None:
        free_until = entered_at + tariff.free.minutes * MINUTE
        if left_at <= free_until:
            return 0
        if tariff.free.kind is FreeKind.DEDUCTION:
            starts_at = free_until
    total = 0
    spent: dict[object, int] = {}
    for begins_at, wall_date, price in _charges(starts_at, left_at, tariff, entered_at):
        day, turn = wall_date, (begins_at - entered_at) // timedelta(days=1)
        allowed = price
        for key, cap in (
            (day, tariff.caps.calendar_day_minor),
            (turn, tariff.caps.rolling_24h_minor),
        ):
            if cap is not None:
                allowed = min(allowed, cap - spent.get(key, 0))
        for key in (day, turn):
            spent[key] = spent.get(key, 0) + allowed
        total += allowed
    return total


def _charges(
    starts_at: datetime, left_at: datetime, tariff: Tariff, entered_at: datetime
) -> Iterator[tuple[datetime, date, int]]:
    """Each unit or flat price: when it begins, on which local date, and what it costs."""
    minutes = list(_minutes(starts_at, left_at, tariff))
    had: dict[object, int] = {}
    for window, group in groupby(minutes, key=lambda minute: minute[0]):
        occurrence = list(group)
        for period, part in groupby(occurrence, key=lambda m: _period(window, m, entered_at)):
            run = list(part)
            key = (window, occurrence[0][1] if _per(window) is Per.WINDOW else period)
            yield from _charged(window.rate, run, had, key)


Minute = tuple[Window, datetime, date]


def _per(window: Window) -> Per:
    return Per.VISIT if isinstance(window.rate, NoCharge) else window.rate.per


def _period(window: Window, minute: Minute, entered_at: datetime) -> object:
    if _per(window) is Per.DAY:
        return minute[2]
    if _per(window) is Per.ROLLING_24H:
        return (minute[1] - entered_at) // timedelta(days=1)
    return None


def _charged(
    rate: Rate, run: list[Minute], had: dict[object, int], key: object
) -> Iterator[tuple[datetime, date, int]]:
    if isinstance(rate, NoCharge):
        return
    if isinstance(rate, FlatRate):
        if key not in had:
            yield run[0][1], run[0][2], rate.price_minor
        had[key] = 1
        return
    while run:
        length, price = _unit(rate, had.get(key, 0))
        rounds_down = isinstance(rate, UnitRate) and rate.rounding is Rounding.DOWN
        if len(run) < length and rounds_down:
            break
        yield run[0][1], run[0][2], price
        had[key] = had.get(key, 0) + 1
        run = run[length:]


def _unit(rate: UnitRate | TierRate, had: int) -> tuple[int, int]:
    """How long the next unit is, and its price."""
    if isinstance(rate, TierRate):
        if had >= len(rate.tiers):
            return 10**6, 0
        ends = [0, *(tier.up_to_minutes or 10**6 for tier in rate.tiers)]
        totals = [0, *(tier.total_minor for tier in rate.tiers)]
        return ends[had + 1] - ends[had], totals[had + 1] - totals[had]
    for step in rate.steps:
        if step.lasts_minutes is None or had < step.lasts_minutes // step.unit_minutes:
            return step.unit_minutes, step.price_minor
        had -= step.lasts_minutes // step.unit_minutes
    raise AssertionError


def _minutes(starts_at: datetime, left_at: datetime, tariff: Tariff) -> Iterator[Minute]:
    """Each minute of the stay with its window and local date, on a clock that never goes back."""
    zone = ZoneInfo(tariff.zone)
    minute = starts_at.astimezone(UTC) - timedelta(hours=3)
    shown = datetime.min  # noqa: DTZ901 - wall clock
    while minute < left_at:
        shown = max(shown, minute.astimezone(zone).replace(tzinfo=None))
        if minute >= starts_at:
            windows = _windows(tariff, shown.date())
            yield _window(windows, shown.hour * 60 + shown.minute), minute, shown.date()
        minute += MINUTE


def _windows(tariff: Tariff, day: date) -> tuple[Window, ...]:
    for schedule in tariff.schedules:
        if (
            (not schedule.on or any(_fits(word, day) for word in schedule.on))
            and (schedule.season is None or _in_season(schedule.season, day))
            and (
                schedule.dates is None
                or schedule.dates.from_date <= day <= schedule.dates.until_date
            )
        ):
            return schedule.windows or tariff.windows
    return tariff.windows


def _fits(word: str, day: date) -> bool:
    """Kinds of days of 2026, from the announcement itself."""
    holiday = any(date.fromisoformat(a) <= day <= date.fromisoformat(b) for a, b in HOLIDAYS_2026)
    works = not holiday and (day.weekday() < 5 or day.isoformat() in WORKED_2026)
    if word == "workday":
        return works
    if word == "rest_day":
        return not works
    if word == "holiday":
        return holiday
    if word == "spring_festival":
        return date(2026, 2, 15) <= day <= date(2026, 2, 23)
    return word == day.strftime("%a").lower()


def _in_season(season: Season, day: date) -> bool:
    first, last, shown = season.from_day, season.until_day, day.strftime("%m-%d")
    return first <= shown <= last if first <= last else not last < shown < first


def _window(windows: tuple[Window, ...], wall: int) -> Window:
    for window in windows:
        start, end = (
            int(clock[:2]) * 60 + int(clock[3:]) for clock in (window.from_time, window.until_time)
        )
        if start <= wall < end or (end < start and (wall >= start or wall < end)):
            return window
    raise AssertionError
