"""Which of a class's schedules holds on a date, remembered: most days are like the last ones."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from parking.core.calendar import WEEKDAYS, Calendar, day_words
from parking.core.schedule_plan import SchedulePlan

_DAY: Final = timedelta(days=1)
_REMEMBERED_MAX: Final = 4096


class DaySchedules:
    """The schedules of one class that are told by the date alone, first come first."""

    def __init__(self, schedules: Sequence[SchedulePlan], calendar: Calendar) -> None:
        self._schedules = tuple(each for each in schedules if each.entered is None)
        self._by_entry = len(self._schedules) < len(schedules)
        self._calendar = calendar
        self._asks_calendar = any(each.on.difference(WEEKDAYS) for each in self._schedules)
        self._found: dict[date, SchedulePlan | None] = {}
        self._usual: dict[date, bool] = {}

    def on(self, day: date) -> SchedulePlan | None:
        """Find the schedule of a date; None for the usual windows."""
        try:
            return self._found[day]
        except KeyError:
            if len(self._found) >= _REMEMBERED_MAX:
                self._found.clear()
                self._usual.clear()
            found = next((s for s in self._schedules if holds_on(s, day, self._calendar)), None)
            self._found[day] = found
            return found

    def none_holds(self, shown: datetime, left_at: datetime) -> bool:
        """Say whether a stay is in usual windows throughout, in years whose holidays are known.

        `shown` is the entry on the zone's wall clock.
        """
        if self._by_entry:
            return False
        day, last = shown.date(), left_at.astimezone(shown.tzinfo).date()
        while day < last:
            if not self._is_usual(day):
                return False
            day += _DAY
        return self._is_usual(last)

    def _is_usual(self, day: date) -> bool:
        usual = self._usual.get(day)
        if usual is None:
            known = not self._asks_calendar or self._calendar.knows(day)
            usual = self._usual[day] = known and self.on(day) is None
        return usual


def holds_on(schedule: SchedulePlan, day: date, calendar: Calendar) -> bool:
    """Say whether a schedule's conditions on the date are met."""
    return (
        (not schedule.on or not schedule.on.isdisjoint(day_words(calendar, day)))
        and (schedule.season is None or schedule.season.includes(day))
        and (schedule.dates is None or schedule.dates.includes(day))
    )
