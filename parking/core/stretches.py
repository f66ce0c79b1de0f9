"""A stay cut into times in windows where days differ, rates begin anew, or time is covered."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from parking.core.caps import calendar_day
from parking.core.charging import Stretch
from parking.core.plan import ClassPlan
from parking.core.tariff_rates import Per

_DAY: Final = timedelta(days=1)


class Span(NamedTuple):
    """An unbroken time, `[from_at, until_at)`."""

    from_at: datetime
    until_at: datetime


class Timetable:
    """Which windows and periods of their rates hold when, for one stay."""

    def __init__(self, plan: ClassPlan, *, entered_at: datetime, zone: ZoneInfo) -> None:
        self._timeline = plan.timelines.of_entry(entered_at)
        self._periods = plan.periods
        self._zone = zone
        self._entered_at = entered_at

    def stretches(self, ends_at: datetime, open_spans: Sequence[Span]) -> Iterator[Stretch]:
        """Cut the stay where windows and periods change, and leave out what no span holds."""
        for window, occurs_from, occurs_until in self._timeline.runs(self._entered_at, ends_at):
            for period, from_at, until_at in self._by_period(window, occurs_from, occurs_until):
                for span in open_spans:
                    starts_at, stops_at = max(from_at, span.from_at), min(until_at, span.until_at)
                    if starts_at < stops_at:
                        yield Stretch(
                            window, starts_at, stops_at, period, occurs_from, occurs_until
                        )

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
