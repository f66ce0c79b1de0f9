"""A stay cut into times in windows where days differ, rates begin anew, or time is covered."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from parking.core.calendar import Calendar
from parking.core.caps import calendar_day
from parking.core.charging import Stretch
from parking.core.day_schedules import holds_on
from parking.core.plan import ClassPlan
from parking.core.schedule_plan import SchedulePlan, TablePlan
from parking.core.tariff_rates import Per
from parking.core.wall_clock import wall_instant

_DAY: Final = timedelta(days=1)


class Span(NamedTuple):
    """An unbroken time, `[from_at, until_at)`."""

    from_at: datetime
    until_at: datetime


class Timetable:
    """Which windows hold when, for one stay."""

    def __init__(
        self, plan: ClassPlan, *, entered_at: datetime, zone: ZoneInfo, calendar: Calendar
    ) -> None:
        self._base = plan.base
        self._days = plan.days
        self._periods = plan.periods
        self._zone = zone
        self._calendar = calendar
        self._entered_at = entered_at
        local = entered_at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        # With schedules told by the entry, those of this stay; without, the days' own suffice.
        self._schedules: tuple[SchedulePlan, ...] | None = None
        if any(schedule.entered is not None for schedule in plan.schedules):
            today = local.date()
            self._schedules = tuple(
                each
                for each in plan.schedules
                if each.entered is None
                or (_within(minute, *each.entered) and holds_on(each, today, calendar))
            )

    def schedule_on(self, day: date) -> SchedulePlan | None:
        """Find the schedule of a date; None for the usual windows."""
        if self._schedules is None:
            return self._days.on(day)
        for schedule in self._schedules:
            if schedule.entered is not None or holds_on(schedule, day, self._calendar):
                return schedule
        return None

    def stretches(self, ends_at: datetime, open_spans: Sequence[Span]) -> Iterator[Stretch]:
        """Cut the stay where windows and periods change, and leave out what no span holds."""
        for window, occurs_from, occurs_until in self._occurrences(ends_at):
            for period, from_at, until_at in self._by_period(window, occurs_from, occurs_until):
                for span in open_spans:
                    starts_at, stops_at = max(from_at, span.from_at), min(until_at, span.until_at)
                    if starts_at < stops_at:
                        yield Stretch(
                            window, starts_at, stops_at, period, occurs_from, occurs_until
                        )

    def _table(self, day: date) -> TablePlan:
        schedule = self.schedule_on(day)
        return self._base if schedule is None else schedule.table

    def _occurrences(self, ends_at: datetime) -> Iterator[tuple[int, datetime, datetime]]:
        """Each time in a window; midnight ends none that both days' tables have alike."""
        window, from_at, until_at = -1, self._entered_at, self._entered_at
        for following, edge in self._pieces(ends_at):
            if following != window and until_at > from_at:
                yield window, from_at, until_at
                from_at = until_at
            window, until_at = following, edge
        if until_at > from_at:
            yield window, from_at, until_at

    def _pieces(self, ends_at: datetime) -> Iterator[tuple[int, datetime]]:
        """Each window and when it ends, from the entry on."""
        starts_at, zone = self._entered_at, self._zone
        local = starts_at.astimezone(zone)
        day = local.date()
        table = self._table(day)
        place = bisect_right(table.starts, local.hour * 60 + local.minute) - 1
        while starts_at < ends_at:
            window = table.windows[place]
            place += 1
            if place == len(table.starts):
                day, place = day + _DAY, 0
                table = self._table(day)
            edge = wall_instant(zone, day, table.starts[place])
            # An edge that has passed is one that the wall clock shows for the second time.
            if edge > starts_at:
                starts_at = min(edge, ends_at)
                yield window, starts_at

    def _by_period(
        self, window: int, from_at: datetime, until_at: datetime
    ) -> Iterator[tuple[object, datetime, datetime]]:
        per = self._periods[window]
        if per is Per.VISIT:
            yield None, from_at, until_at
        elif per is Per.WINDOW:
            yield from_at, from_at, until_at
        else:
            while from_at < until_at:
                begins_at, ends_at = self._period(per, from_at)
                yield begins_at, from_at, min(ends_at, until_at)
                from_at = ends_at

    def _period(self, per: Per, instant: datetime) -> tuple[datetime, datetime]:
        if per is Per.DAY:
            return calendar_day(instant, self._zone)
        from_at = self._entered_at + (instant - self._entered_at) // _DAY * _DAY
        return from_at, from_at + _DAY


def _within(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start < end else minute >= start or minute < end


def without(spans: Sequence[Span], taken: Span) -> list[Span]:
    """Take a time out of others."""
    left: list[Span] = []
    for span in spans:
        if taken.until_at <= span.from_at or span.until_at <= taken.from_at:
            left.append(span)
            continue
        if span.from_at < taken.from_at:
            left.append(Span(span.from_at, taken.from_at))
        if taken.until_at < span.until_at:
            left.append(Span(taken.until_at, span.until_at))
    return left


def without_first(spans: Sequence[Span], length: timedelta) -> list[Span]:
    """Take the first so much out of times that are in order."""
    left: list[Span] = []
    for span in spans:
        taken = min(length, span.until_at - span.from_at)
        length -= taken
        if span.from_at + taken < span.until_at:
            left.append(Span(span.from_at + taken, span.until_at))
    return left


def total_length(spans: Sequence[Span]) -> timedelta:
    """Add up how long some times are."""
    return sum([span.until_at - span.from_at for span in spans], timedelta())
