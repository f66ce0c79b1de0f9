"""Which window holds when: a class's windows and schedules as instants, worked out once a day.

Days here are those of UTC, so that an instant finds its own without a zone; in each the wall clock
of the tariff's zone has had its say already.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from parking.core.calendar import WEEKDAYS, Calendar, day_words
from parking.core.schedule_plan import SchedulePlan, TablePlan
from parking.core.wall_clock import wall_instant

_DAY: Final = timedelta(days=1)
_REMEMBERED_MAX: Final = 4096
Run: TypeAlias = tuple[int, datetime, datetime]
"""An unbroken time in one window: its place in the class's windows, when it begins and ends."""


class _Day(NamedTuple):
    """One day of UTC."""

    edges: tuple[datetime, ...]
    """The instants from its midnight on at which another window begins."""
    windows: tuple[int, ...]
    """The window before the first edge, and the one that begins at each."""
    known: bool
    """The holidays of its years were announced, as far as they matter."""


class Timeline:
    """Which window holds when, for all stays that have the same schedules."""

    def __init__(
        self,
        base: TablePlan,
        schedules: Sequence[SchedulePlan],
        *,
        zone: ZoneInfo,
        calendar: Calendar,
        asks_calendar: bool,
    ) -> None:
        """`asks_calendar`: which schedules these are, or when they hold, depends on holidays."""
        self._base = base
        self._schedules = tuple(schedules)
        self._zone = zone
        self._calendar = calendar
        self._asks_calendar = asks_calendar
        self._lone = base.windows[0] if len({*base.windows}) == 1 and not schedules else None
        self._days: dict[int, _Day] = {}

    def schedule_on(self, day: date) -> SchedulePlan | None:
        """Find the schedule of a date; None for the usual windows."""
        for schedule in self._schedules:
            # One by the time of the entry was chosen then, and holds as long as the stay.
            if schedule.entered is not None or holds_on(schedule, day, self._calendar):
                return schedule
        return None

    def knows(self, from_at: datetime, until_at: datetime) -> bool:
        """Say whether the holidays of both ends' years were announced, as far as they matter."""
        return not self._asks_calendar or (
            self._day(from_at.toordinal()).known and self._day(until_at.toordinal()).known
        )

    def runs(self, starts_at: datetime, ends_at: datetime) -> list[Run]:
        """Cut `[starts_at, ends_at)`, both in UTC, where another window begins, in order.

        Midnight cuts no window that both days have alike.
        """
        if self._lone is not None:
            return [(self._lone, starts_at, ends_at)]
        ordinal, last = starts_at.toordinal(), ends_at.toordinal()
        edges, windows, _ = self._day(ordinal)
        place = bisect_right(edges, starts_at)
        found: list[Run] = []
        while True:
            while place < len(edges) and edges[place] < ends_at:
                found.append((windows[place], starts_at, edges[place]))
                starts_at = edges[place]
                place += 1
            if ordinal == last:
                break
            ordinal, place = ordinal + 1, 0
            edges, windows, _ = self._day(ordinal)
        found.append((windows[place], starts_at, ends_at))
        return found

    def _day(self, ordinal: int) -> _Day:
        try:
            return self._days[ordinal]
        except KeyError:
            if len(self._days) >= _REMEMBERED_MAX:
                self._days.clear()
            found = self._days[ordinal] = self._work_out(ordinal)
            return found

    def _work_out(self, ordinal: int) -> _Day:
        begins_at = datetime.fromordinal(ordinal).replace(tzinfo=UTC)
        edges: list[datetime] = []
        windows = [-1]
        # No zone is a day and more off: the day before has begun and the one after not ended.
        days = [date.fromordinal(each) for each in range(ordinal - 1, ordinal + 2)]
        for day in days:
            schedule = self.schedule_on(day)
            table = self._base if schedule is None else schedule.table
            for start, window in zip(table.starts, table.windows, strict=True):
                edge = wall_instant(self._zone, day, start)
                if edge < begins_at:
                    windows = [window]
                elif edge < begins_at + _DAY:
                    _begin(edges, windows, edge, window)
        known = not self._asks_calendar or all(map(self._calendar.knows, days))
        return _Day(tuple(edges), tuple(windows), known)


def _begin(edges: list[datetime], windows: list[int], edge: datetime, window: int) -> None:
    """Let a window begin; one that the clock jumped over has not been."""
    if edges and edges[-1] == edge:
        edges.pop()
        windows.pop()
    if window != windows[-1]:
        edges.append(edge)
        windows.append(window)


class Timelines:
    """The timelines of a class: one, or where schedules go by the time of entry one for each."""

    def __init__(
        self,
        base: TablePlan,
        schedules: Sequence[SchedulePlan],
        *,
        zone: ZoneInfo,
        calendar: Calendar,
    ) -> None:
        self._zone = zone
        self._calendar = calendar
        asks = any(each.on.difference(WEEKDAYS) for each in schedules)

        def timeline(*these: SchedulePlan) -> Timeline:
            return Timeline(base, these, zone=zone, calendar=calendar, asks_calendar=asks)

        by_date: list[SchedulePlan] = []
        self._by_entry: list[tuple[SchedulePlan, int, int, Timeline]] = []
        for each in schedules:
            if each.entered is None:
                by_date.append(each)
            else:
                # Once it is chosen those that stand after it are never asked.
                self._by_entry.append((each, *each.entered, timeline(*by_date, each)))
        self._usual = timeline(*by_date)

    def of_entry(self, entered_at: datetime) -> Timeline:
        """Find the timeline of a stay."""
        if not self._by_entry:
            return self._usual
        shown = entered_at.astimezone(self._zone)
        minute, today = shown.hour * 60 + shown.minute, shown.date()
        for schedule, start, end, timeline in self._by_entry:
            if _within(minute, start, end) and holds_on(schedule, today, self._calendar):
                return timeline
        return self._usual


def _within(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start < end else minute >= start or minute < end


def holds_on(schedule: SchedulePlan, day: date, calendar: Calendar) -> bool:
    """Say whether a schedule's conditions on the date are met."""
    return (
        (not schedule.on or not schedule.on.isdisjoint(day_words(calendar, day)))
        and (schedule.season is None or schedule.season.includes(day))
        and (schedule.dates is None or schedule.dates.includes(day))
    )
