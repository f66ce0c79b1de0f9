"""What kind of day a date is: a day of the week, a holiday, a day worked to make up for one.

A calendar is data: holidays and working weekends by date, for the years that were announced.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from parking.core import china_days
from parking.core.errors import DomainError

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SATURDAY: Final = 5
WORKDAY: Final = "workday"
REST_DAY: Final = "rest_day"
HOLIDAY: Final = "holiday"
MAKEUP_DAY: Final = "makeup_day"
CALENDAR_WORDS: Final = frozenset({WORKDAY, REST_DAY, HOLIDAY, MAKEUP_DAY})


class UnknownCalendarError(DomainError):
    """There is no calendar of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no calendar {name!r}; there are: {', '.join(CALENDARS)}")
        self.name = name


class Calendar:
    """Holidays and make-up days of the years that are known. Compared by identity."""

    def __init__(self, *, holidays: Mapping[date, str], makeup_days: Iterable[date]) -> None:
        """Take holidays with their names, and the weekend days that are worked."""
        self.holidays = dict(holidays)
        self.makeup_days = frozenset(makeup_days)
        self.names = frozenset(self.holidays.values())
        # A new year's holiday is announced with the old year, and says nothing of the new one.
        self.years = frozenset(day.year for day in self.holidays if day.month > 1)

    def knows(self, day: date) -> bool:
        """Say whether holidays of that year were announced when the calendar was made."""
        return day.year in self.years

    def with_holidays(self, days: Iterable[date]) -> "Calendar":
        """Answer a calendar in which these days are holidays as well."""
        more = {day: HOLIDAY for day in days if day not in self.holidays}
        bigger = Calendar(holidays=self.holidays | more, makeup_days=self.makeup_days - more.keys())
        bigger.years = self.years
        return bigger


class Week(Calendar):
    """A calendar without public holidays: every week is alike, in every year."""

    def __init__(self) -> None:
        super().__init__(holidays={}, makeup_days=())

    def knows(self, day: date) -> bool:  # noqa: ARG002 - every day is known
        """Every year is known."""
        return True

    def with_holidays(self, days: Iterable[date]) -> "Calendar":
        """Answer a week with these days as holidays; no year is unknown to it either."""
        bigger = Week()
        bigger.holidays = dict.fromkeys(days, HOLIDAY)
        return bigger


@lru_cache(maxsize=4096)
def day_words(calendar: Calendar, day: date) -> frozenset[str]:
    """All the words that fit a date: `{"sat", "workday", "makeup_day"}`."""
    weekday = day.weekday()
    words = {WEEKDAYS[weekday]}
    holiday = calendar.holidays.get(day)
    if holiday is not None:
        return frozenset(words | {HOLIDAY, REST_DAY, holiday})
    if day in calendar.makeup_days:
        return frozenset(words | {WORKDAY, MAKEUP_DAY})
    return frozenset(words | {WORKDAY if weekday < _SATURDAY else REST_DAY})


def _spans(text: str) -> dict[date, str]:
    """Read lines of `first..last name`."""
    days: dict[date, str] = {}
    for line in text.split("\n"):
        span, _, name = line.strip().partition(" ")
        if span:
            first, _, last = span.partition("..")
            day, end = date.fromisoformat(first), date.fromisoformat(last or first)
            while day <= end:
                days[day] = name
                day += timedelta(days=1)
    return days


WEEK: Final = Week()
CHINA: Final = Calendar(
    holidays=_spans(china_days.HOLIDAYS), makeup_days=_spans(china_days.MAKEUP_DAYS)
)
CALENDARS: Final = {"week": WEEK, "china": CHINA}


def calendar_named(name: str) -> Calendar:
    """Find a calendar by its name. Raises UnknownCalendarError."""
    try:
        return CALENDARS[name]
    except KeyError:
        raise UnknownCalendarError(name) from None
