"""The checks of a tariff that no single key can make alone. Each mistake is yielded, in order."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from parking.core.calendar import (
    CALENDAR_WORDS,
    CALENDARS,
    HOLIDAY,
    MAKEUP_DAY,
    WEEKDAYS,
    Calendar,
    calendar_named,
)
from parking.core.right import CoveredTime
from parking.core.tariff import Tariff, VehicleClass
from parking.core.tariff_errors import (
    ClassWithoutColoursError,
    ColourInTwoClassesError,
    DatesBackwardsError,
    EffectiveDatesBackwardsError,
    EmptyTimesError,
    NoSuchDayError,
    ReentryCircularError,
    RightTwiceError,
    ScheduleAlwaysHoldsError,
    ScheduleChangesNothingError,
    TariffError,
    UnknownDayWordError,
    UnknownTariffCalendarError,
    UnknownZoneError,
    VehicleInTwoClassesError,
    WindowsLeaveGapError,
    WindowsOverlapError,
    WindowTimesError,
)
from parking.core.tariff_price_checks import cap_mistakes, rate_mistakes
from parking.core.tariff_rates import Window
from parking.core.tariff_schedule import Schedule

MINUTES_OF_DAY: Final = 24 * 60
_A_LEAP_YEAR: Final = 2024


def tariff_mistakes(tariff: Tariff) -> Iterator[TariffError]:
    """Hold a tariff to the rules that span keys; yield what is wrong, the first mistake first."""
    yield from _zone_mistakes(tariff.zone)
    yield from _window_mistakes(tariff.windows, "windows")
    yield from _class_mistakes(tariff.classes)
    if tariff.calendar not in CALENDARS:
        reason = f"there is no calendar {tariff.calendar!r}; write one of: {', '.join(CALENDARS)}"
        yield UnknownTariffCalendarError(key="calendar", reason=reason)
        return
    calendar = calendar_named(tariff.calendar).with_holidays(tariff.holidays)
    yield from _schedule_mistakes(tariff.schedules, "schedules", calendar)
    for index, own in enumerate(tariff.classes):
        yield from _schedule_mistakes(own.schedules or (), f"classes[{index}].schedules", calendar)
    yield from _effective_mistakes(tariff)
    yield from cap_mistakes(tariff)
    yield from _right_mistakes(tariff, calendar)
    if tariff.reentry_minutes >= MINUTES_OF_DAY:
        reason = "a car that comes every day would never begin a new stay; write less than 1440"
        yield ReentryCircularError(key="reentry_minutes", reason=reason)


def _effective_mistakes(tariff: Tariff) -> Iterator[TariffError]:
    first, last = tariff.effective_from, tariff.effective_to
    if first is not None and last is not None and last < first:
        reason = f"{last} is before {first}, on which it begins; write the last day of the version"
        yield EffectiveDatesBackwardsError(key="effective_to", reason=reason)


def minute_of_day(local_time: str) -> int:
    """Turn `HH:MM` into minutes since midnight: `24:00` is 1440."""
    hours, minutes = local_time.split(":")
    return int(hours) * 60 + int(minutes)


def _zone_mistakes(zone: str) -> Iterator[TariffError]:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        reason = f"{zone!r} is no IANA time zone; China's is Asia/Shanghai"
        yield UnknownZoneError(key="zone", reason=reason)


def _window_mistakes(windows: Sequence[Window], key: str) -> Iterator[TariffError]:
    spans: list[tuple[int, int, int]] = []
    for index, window in enumerate(windows):
        where = f"{key}[{index}]"
        mistakes = list(_time_mistakes(window, where))
        yield from mistakes
        if mistakes:
            return
        spans.extend((*span, index) for span in _spans(window))
        yield from rate_mistakes(window, where)
    covered_until = 0
    for start, end, index in sorted(spans):
        if start < covered_until:
            reason = (
                f"overlaps another window at {_clock(start)}; let one end where the next begins"
            )
            yield WindowsOverlapError(key=f"{key}[{index}]", reason=reason)
            return
        yield from _gap_mistakes(covered_until, start, key)
        covered_until = end
    yield from _gap_mistakes(covered_until, MINUTES_OF_DAY, key)


def _time_mistakes(window: Window, key: str) -> Iterator[TariffError]:
    if window.from_time == "24:00":
        reason = "24:00 only ends a window; begin it at 00:00"
        yield WindowTimesError(key=f"{key}.from", reason=reason)
    elif window.from_time == window.until_time:
        reason = "the window is empty; a whole day is 00:00 to 24:00"
        yield WindowTimesError(key=f"{key}.until", reason=reason)


def _spans(window: Window) -> list[tuple[int, int]]:
    """Cut a window that runs over midnight in two."""
    start, end = minute_of_day(window.from_time), minute_of_day(window.until_time)
    if start < end:
        return [(start, end)]
    return [(start, MINUTES_OF_DAY)] + ([(0, end)] if end else [])


def _gap_mistakes(covered_until: int, start: int, key: str) -> Iterator[TariffError]:
    if covered_until < start:
        times = f"{_clock(covered_until)} to {_clock(start)}"
        reason = f"{times} is in no window; write a free rate if nothing is charged then"
        yield WindowsLeaveGapError(key=key, reason=reason)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _class_mistakes(classes: Sequence[VehicleClass]) -> Iterator[TariffError]:
    taken: dict[object, int] = {}
    for index, own in enumerate(classes):
        key = f"classes[{index}]"
        if not own.colours and not own.vehicles:
            reason = "at least one colour, or one kind in vehicles, is needed"
            yield ClassWithoutColoursError(key=f"{key}.colours", reason=reason)
        for colour in own.colours:
            first = taken.setdefault(colour, index)
            if first != index:
                reason = f"{colour.value} is in classes[{first}] already; take it out of one"
                yield ColourInTwoClassesError(key=f"{key}.colours", reason=reason)
        for kind in own.vehicles:
            first = taken.setdefault(kind, index)
            if first != index:
                reason = f"{kind.value} is in classes[{first}] already; take it out of one"
                yield VehicleInTwoClassesError(key=f"{key}.vehicles", reason=reason)
        if own.windows is not None:
            yield from _window_mistakes(own.windows, f"{key}.windows")


def _schedule_mistakes(
    schedules: Sequence[Schedule], key: str, calendar: Calendar
) -> Iterator[TariffError]:
    for index, schedule in enumerate(schedules):
        where = f"{key}[{index}]"
        if not (schedule.on or schedule.season or schedule.dates or schedule.entered):
            reason = "say when it holds: on, season, dates or entered; or make it the own windows"
            yield ScheduleAlwaysHoldsError(key=where, reason=reason)
        if schedule.windows is not None:
            yield from _window_mistakes(schedule.windows, f"{where}.windows")
        elif schedule.percent == 100 and not schedule.event:  # noqa: PLR2004 - per cent
            reason = "give it windows of its own, or a percent of the usual ones"
            yield ScheduleChangesNothingError(key=where, reason=reason)
        yield from _word_mistakes(schedule.on, f"{where}.on", calendar)
        yield from _date_mistakes(schedule, where)


def _word_mistakes(words: Iterable[str], key: str, calendar: Calendar) -> Iterator[TariffError]:
    for index, word in enumerate(words):
        where = f"{key}[{index}]"
        if word not in CALENDAR_WORDS and word not in WEEKDAYS and word not in calendar.names:
            known = sorted(CALENDAR_WORDS | calendar.names)
            reason = f"{word!r} is no kind of day here; write mon to sun, or: {', '.join(known)}"
            yield UnknownDayWordError(key=where, reason=reason)
        elif word in {HOLIDAY, MAKEUP_DAY} and not (calendar.holidays or calendar.makeup_days):
            reason = f'no day is a {word} in the calendar week; write calendar = "china"'
            yield UnknownDayWordError(key=where, reason=reason)


def _date_mistakes(schedule: Schedule, key: str) -> Iterator[TariffError]:
    dates, season, entered = schedule.dates, schedule.season, schedule.entered
    if dates is not None and dates.until_date < dates.from_date:
        reason = f"{dates.until_date} is before {dates.from_date}; write the last day of them"
        yield DatesBackwardsError(key=f"{key}.dates.until", reason=reason)
    if season is not None:
        for name, day in (("from", season.from_day), ("until", season.until_day)):
            if not _is_day(day):
                reason = f"no month has a {day}; write MM-DD"
                yield NoSuchDayError(key=f"{key}.season.{name}", reason=reason)
    if entered is not None and entered.from_time == entered.until_time:
        reason = "no entry fits; a whole day is 00:00 to 24:00"
        yield EmptyTimesError(key=f"{key}.entered.until", reason=reason)


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(f"{_A_LEAP_YEAR}-{day}")
    except ValueError:
        return False
    return True


def _right_mistakes(tariff: Tariff, calendar: Calendar) -> Iterator[TariffError]:
    seen: set[str] = set()
    for index, offer in enumerate(tariff.rights):
        key = f"rights[{index}]"
        if offer.right_id in seen:
            reason = f"{offer.right_id} is there twice; give each right a name of its own"
            yield RightTwiceError(key=f"{key}.right_id", reason=reason)
        seen.add(offer.right_id)
        benefit = offer.benefit
        if isinstance(benefit, CoveredTime):
            if benefit.from_time in {benefit.until_time, "24:00"}:
                reason = "it covers no time; a whole day is 00:00 to 24:00"
                yield EmptyTimesError(key=f"{key}.benefit.until", reason=reason)
            yield from _word_mistakes(benefit.on, f"{key}.benefit.on", calendar)
