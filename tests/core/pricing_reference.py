"""Pricing again, minute by minute: slow, plain, and written apart from the real one.

It prices stays that begin and end on whole minutes.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from parking.core.tariff import FlatRate, FreeKind, NoCharge, Per, Rounding, Tariff, UnitRate

MINUTE = timedelta(minutes=1)


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
    for begins_at, wall_date, price in _charges(starts_at, left_at, tariff):
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
    starts_at: datetime, left_at: datetime, tariff: Tariff
) -> Iterator[tuple[datetime, date, int]]:
    """Each unit or flat price: when it begins, on which local date, and what it costs."""
    minutes = list(_minutes(starts_at, left_at, tariff))
    units_had: dict[int, int] = {}
    for window, group in groupby(minutes, key=lambda minute: minute[0]):
        run = list(group)
        rate = tariff.windows[window].rate
        if isinstance(rate, NoCharge):
            continue
        if isinstance(rate, FlatRate):
            if rate.per is Per.WINDOW or window not in units_had:
                yield run[0][1], run[0][2], rate.price_minor
            units_had[window] = 1
            continue
        while run:
            had = units_had.get(window, 0)
            step = _step(rate, had)
            if len(run) < step.unit_minutes and rate.rounding is Rounding.DOWN:
                break
            yield run[0][1], run[0][2], step.price_minor
            units_had[window] = had + 1
            run = run[step.unit_minutes :]


def _step(rate: UnitRate, had: int):  # noqa: ANN202 - a RateStep
    for step in rate.steps:
        if step.lasts_minutes is None or had < step.lasts_minutes // step.unit_minutes:
            return step
        had -= step.lasts_minutes // step.unit_minutes
    raise AssertionError


def _minutes(
    starts_at: datetime, left_at: datetime, tariff: Tariff
) -> Iterator[tuple[int, datetime, date]]:
    """Each minute of the stay with its window and local date, on a clock that never goes back."""
    zone = ZoneInfo(tariff.zone)
    minute = starts_at.astimezone(UTC) - timedelta(hours=3)
    shown = datetime.min  # noqa: DTZ901 - wall clock
    while minute < left_at:
        shown = max(shown, minute.astimezone(zone).replace(tzinfo=None))
        if minute >= starts_at:
            yield _window(tariff, shown.hour * 60 + shown.minute), minute, shown.date()
        minute += MINUTE


def _window(tariff: Tariff, wall: int) -> int:
    for index, window in enumerate(tariff.windows):
        start, end = (
            int(clock[:2]) * 60 + int(clock[3:]) for clock in (window.from_time, window.until_time)
        )
        if start <= wall < end or (end < start and (wall >= start or wall < end)):
            return index
    raise AssertionError
