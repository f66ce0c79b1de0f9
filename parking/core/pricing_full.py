"""Pricing with all that a tariff may say: schedules, periods, rights, minimum, rounded totals.

Plain tariffs take the short way in `pricing`; tests hold both ways to the same lines.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parking.core.caps import calendar_day, cap_lines
from parking.core.charging import Stretch, charge
from parking.core.fee import FeeLine
from parking.core.plan import ClassPlan, CompiledTariff, UnitPlan
from parking.core.right import CoveredTime, FreeMinutes, Right
from parking.core.right_benefits import cover, reductions, usable_rights
from parking.core.stretches import Span, Timetable, total_length, without_first
from parking.core.tariff import FreePer, RoundTotal, Way
from parking.core.tariff_price_checks import WHOLE_MINOR

_MINUTE: Final = timedelta(minutes=1)


class EarlierToday(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier stays of the same calendar day have had, for free minutes that days share."""

    visits: int = 0
    free_minutes: int = 0
    """How many free minutes they used."""
    charged_minor: int = 0
    """What they were charged on that day, for a day's cap that they share."""


NOTHING_EARLIER: Final = EarlierToday()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A later version of the tariff that prices the stay from an instant on."""

    from_at: datetime
    tariff: CompiledTariff
    plan: ClassPlan


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A stay to be priced, in UTC."""

    entered_at: datetime
    left_at: datetime
    rights: Sequence[Right] = ()
    earlier: EarlierToday = NOTHING_EARLIER
    parts: Sequence[Part] = ()
    """The versions that begin to hold during the stay, in order, where the tariff splits it."""


def full_lines(tariff: CompiledTariff, plan: ClassPlan, visit: Visit) -> list[FeeLine]:
    """Price a stay; the lines may be none where nothing was chargeable.

    A right to time never makes a stay dearer: where cutting the time would (a unit that it splits
    in two is charged twice), the right is not used.
    """
    rights = usable_rights(visit.rights, entered_at=visit.entered_at, left_at=visit.left_at)
    lines = _priced(tariff, plan, visit, rights)
    timed = [r for r in rights if isinstance(r.offer.benefit, CoveredTime | FreeMinutes)]
    if timed:
        others = [right for right in rights if right not in timed]
        plain = _priced(tariff, plan, visit, others)
        if _total(plain) < _total(lines):
            lines = plain
    return lines


def _priced(
    tariff: CompiledTariff, plan: ClassPlan, visit: Visit, rights: Sequence[Right]
) -> list[FeeLine]:
    lines = _charged(tariff, plan, visit, rights)
    return lines + closing_lines(tariff, plan, rights, lines)


def closing_lines(
    tariff: CompiledTariff, plan: ClassPlan, rights: Sequence[Right], lines: Sequence[FeeLine]
) -> list[FeeLine]:
    """What the whole stay adds to its lines: the minimum, shares and sums off, the rounding."""
    total = _total(lines)
    more: list[FeeLine] = []
    if 0 < total < plan.minimum_minor:
        more.append(_minimum_line(plan.minimum_minor - total))
        total = plan.minimum_minor
    off = reductions(rights, total)
    more += off
    if tariff.round_total is not None:
        more += _rounding_lines(tariff.round_total, total + _total(off))
    return more


def _charged(
    tariff: CompiledTariff, plan: ClassPlan, visit: Visit, rights: Sequence[Right]
) -> list[FeeLine]:
    """What the windows and caps come to, without the time that is free or covered.

    What is free or covered the version at the entry says, for the whole stay.
    """
    entered_at, left_at = visit.entered_at, visit.left_at
    spans, lines = cover(
        rights, [Span(entered_at, left_at)], zone=tariff.zone, calendar=tariff.calendar
    )
    spans, free_lines = _after_free_time(tariff, plan, visit, spans)
    lines += free_lines
    if not visit.parts:
        lines += _window_lines(tariff, plan, visit, spans)
    else:
        first = Part(from_at=entered_at, tariff=tariff, plan=plan)
        ends = [part.from_at for part in visit.parts] + [left_at]
        for part, until_at in zip((first, *visit.parts), ends, strict=True):
            if part is not first:
                lines.append(_change_line(part))
            within = [
                Span(max(s.from_at, part.from_at), min(s.until_at, until_at))
                for s in spans
                if s.from_at < until_at and s.until_at > part.from_at
            ]
            lines += _window_lines(part.tariff, part.plan, visit, within)
    return lines + _unknown_years(tariff, entered_at, left_at)


def _window_lines(
    tariff: CompiledTariff, plan: ClassPlan, visit: Visit, spans: Sequence[Span]
) -> list[FeeLine]:
    """What some times of a stay cost in a version's windows, under its caps."""
    zone, entered_at = tariff.zone, visit.entered_at
    lines: list[FeeLine] = []
    origins: list[Stretch | None] = []
    if plan.plain:
        _charge_spans(plan, entered_at, spans, lines)
    else:
        timetable = Timetable(plan, entered_at=entered_at, zone=zone)
        ends_at = spans[-1].until_at if spans else entered_at
        _charge_stretches(plan, timetable, spans, ends_at, lines, origins)
    return lines + cap_lines(
        lines,
        plan=plan,
        entered_at=entered_at,
        zone=zone,
        currency=tariff.currency,
        origins=origins,
        charged_today_minor=visit.earlier.charged_minor,
    )


def _change_line(part: Part) -> FeeLine:
    shown = part.from_at.astimezone(part.tariff.zone).strftime("%Y-%m-%d %H:%M")
    return FeeLine(
        code="tariff_changed",
        amount_minor=0,
        text_zh=f"自 {shown} 起按费率第 {part.tariff.version} 版",
        text_en=f"Version {part.tariff.version} of the tariff from {shown} on",
        from_at=part.from_at,
    )


def _charge_spans(
    plan: ClassPlan, entered_at: datetime, spans: Sequence[Span], lines: list[FeeLine]
) -> None:
    timeline = plan.timelines.of_entry(entered_at)
    units_had = [0] * len(plan.rates)
    for from_at, until_at in spans:
        for run in timeline.runs(from_at, until_at):
            charge(plan.rates[run[0]], run, units_had, lines)


def _charge_stretches(
    plan: ClassPlan,
    timetable: Timetable,
    spans: Sequence[Span],
    left_at: datetime,
    lines: list[FeeLine],
    origins: list[Stretch | None],
) -> None:
    units_had = [0] * len(plan.rates)
    remembered: list[object] = [None] * len(plan.rates)
    paid_until = spans[0].from_at if spans else left_at
    for stretch in timetable.stretches(left_at, spans):
        window = stretch.window
        if stretch.period != remembered[window]:
            remembered[window] = stretch.period
            units_had[window] = 0
        rate = plan.rates[window]
        starts_at = max(stretch.starts_at, paid_until)
        if starts_at >= stretch.ends_at:
            continue
        carries = isinstance(rate, UnitPlan) and rate.carries
        run = (window, starts_at, stretch.ends_at)
        until_at = charge(rate, run, units_had, lines, left_at if carries else None)
        if carries:
            paid_until = until_at
        origins += [stretch] * (len(lines) - len(origins))


def _after_free_time(
    tariff: CompiledTariff, plan: ClassPlan, visit: Visit, spans: list[Span]
) -> tuple[list[Span], list[FeeLine]]:
    minutes = _free_minutes(plan, visit.earlier)
    if not spans:
        return spans, []
    # Seconds are dropped: the last free minute is free to its end.
    if minutes and total_length(spans) < (minutes + 1) * _MINUTE:
        return [], [free_line(plan, spans[0].from_at, spans[-1].until_at)]
    if plan.free_per is FreePer.DAY and not plan.free_is_threshold:
        return _after_free_days(tariff, plan, minutes, spans)
    if not minutes or plan.free_is_threshold:
        return spans, []
    left = without_first(spans, minutes * _MINUTE)
    return left, [free_line(plan, spans[0].from_at, left[0].from_at)]


def _free_minutes(plan: ClassPlan, earlier: EarlierToday) -> int:
    if plan.free_per is FreePer.DAY:
        return max(plan.free_minutes - earlier.free_minutes, 0)
    if plan.free_per is FreePer.FIRST_OF_DAY and earlier.visits:
        return 0
    return plan.free_minutes


def _after_free_days(
    tariff: CompiledTariff, plan: ClassPlan, minutes: int, spans: list[Span]
) -> tuple[list[Span], list[FeeLine]]:
    """Take the first minutes out of each calendar day; earlier stays count for the first day."""
    left: list[Span] = []
    lines: list[FeeLine] = []
    waiting = list(spans)
    while waiting:
        _, midnight = calendar_day(waiting[0].from_at, tariff.zone)
        today = [
            Span(s.from_at, min(s.until_at, midnight)) for s in waiting if s.from_at < midnight
        ]
        waiting = [
            Span(max(s.from_at, midnight), s.until_at) for s in waiting if s.until_at > midnight
        ]
        charged = without_first(today, minutes * _MINUTE)
        free_until = charged[0].from_at if charged else today[-1].until_at
        if minutes:
            lines.append(free_line(plan, today[0].from_at, free_until))
        left += charged
        minutes = plan.free_minutes
    return left, lines


def _rounding_lines(rounding: RoundTotal, total_minor: int) -> list[FeeLine]:
    whole = WHOLE_MINOR[rounding.to]
    add = {Way.UP: whole - 1, Way.HALF_UP: whole // 2, Way.DOWN: 0}[rounding.way]
    change = (total_minor + add) // whole * whole - total_minor
    if not change:
        return []
    names = {1: ("分", "minor unit"), 10: ("角", "jiao"), 100: ("元", "yuan")}
    zh, en = names[whole]
    return [
        FeeLine(
            code="rounding",
            amount_minor=change,
            text_zh=f"取整到{zh}",
            text_en=f"Rounded to whole {en}",
        )
    ]


def _minimum_line(amount_minor: int) -> FeeLine:
    return FeeLine(
        code="minimum",
        amount_minor=amount_minor,
        text_zh="补足最低收费",
        text_en="Up to the minimum",
    )


def free_line(plan: ClassPlan, from_at: datetime, until_at: datetime) -> FeeLine:
    """Say which time is free, in the words of the tariff's class."""
    return FeeLine(
        code="free_period",
        amount_minor=0,
        text_zh=plan.free_zh,
        text_en=plan.free_en,
        from_at=from_at,
        until_at=until_at,
    )


def _unknown_years(
    tariff: CompiledTariff, entered_at: datetime, left_at: datetime
) -> list[FeeLine]:
    """Tell of years whose holidays were not announced when the calendar was made."""
    if not tariff.asks_calendar:
        return []
    days = {instant.astimezone(tariff.zone).date() for instant in (entered_at, left_at)}
    return [
        FeeLine(
            code="calendar_unknown",
            amount_minor=0,
            text_zh=f"{year} 年节假日安排未知，按星期计",
            text_en=f"Holidays of {year} are not known; days count by the week",
        )
        for year in sorted({day.year for day in days if not tariff.calendar.knows(day)})
    ]


def _total(lines: Sequence[FeeLine]) -> int:
    return sum([line.amount_minor for line in lines])
