"""What rights are worth on one stay: time that is not charged, then a share, then a sum off."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from parking.core.calendar import Calendar, day_words
from parking.core.fee import FeeLine
from parking.core.right import AmountOff, CoveredTime, FreeMinutes, Right, ShareOff
from parking.core.stretches import Span, total_length, without, without_first
from parking.core.tariff_checks import MINUTES_OF_DAY, minute_of_day
from parking.core.wall_clock import wall_instant

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


def usable_rights(
    rights: Iterable[Right], *, entered_at: datetime, left_at: datetime
) -> tuple[Right, ...]:
    """Keep the rights that are valid during a stay and not used up, in their order.

    One that is held twice counts once, unless its offer stacks. Time that is paid for does not
    need the rule: the same time cannot be taken out twice, and two months of a pass are two.
    """
    kept: list[Right] = []
    for right in rights:
        once = not right.offer.stacks and not isinstance(right.offer.benefit, CoveredTime)
        if right.is_usable(entered_at=entered_at, left_at=left_at) and not (
            once and any(other.offer == right.offer for other in kept)
        ):
            kept.append(right)
    return tuple(kept)


def cover(
    rights: Sequence[Right], spans: Sequence[Span], *, zone: ZoneInfo, calendar: Calendar
) -> tuple[list[Span], list[FeeLine]]:
    """Take out the time that rights pay for; answer what is left, and a line for each right."""
    left, lines = list(spans), list[FeeLine]()
    for right in rights:
        before = total_length(left)
        benefit = right.offer.benefit
        if isinstance(benefit, CoveredTime):
            for taken in _covered(right, benefit, spans, zone, calendar):
                left = without(left, taken)
        elif isinstance(benefit, FreeMinutes):
            left = _after_free_minutes(benefit, left)
        saved = (before - total_length(left)) // _MINUTE
        if saved:
            lines.append(_line(right, 0, f"：{saved} 分钟不收费", f": {saved} min are not charged"))
    return left, lines


def reductions(rights: Sequence[Right], total_minor: int) -> list[FeeLine]:
    """Take shares off a total, then sums off what is left; a line for each right that did."""
    lines: list[FeeLine] = []
    for right in rights:
        benefit = right.offer.benefit
        if isinstance(benefit, ShareOff):
            off = (total_minor * benefit.percent + 50) // 100
            off = off if benefit.most_minor is None else min(off, benefit.most_minor)
            if off:
                share = f"{benefit.percent}%"
                lines.append(_line(right, -off, f"：减免 {share}", f": {share} off"))
                total_minor -= off
    for right in rights:
        benefit = right.offer.benefit
        if isinstance(benefit, AmountOff):
            off = min(benefit.amount_minor, total_minor)
            if off:
                lines.append(_line(right, -off, "：抵扣", ": off the fee"))
                total_minor -= off
    return lines


def _line(right: Right, amount_minor: int, text_zh: str, text_en: str) -> FeeLine:
    return FeeLine(
        code=f"right:{right.offer.right_id}",
        amount_minor=amount_minor,
        text_zh=right.offer.name_zh + text_zh,
        text_en=right.offer.name_en + text_en,
    )


def _covered(
    right: Right,
    benefit: CoveredTime,
    spans: Sequence[Span],
    zone: ZoneInfo,
    calendar: Calendar,
) -> Iterable[Span]:
    """The hours that a pass pays for, within its validity, over a stay."""
    from_minute = minute_of_day(benefit.from_time)
    until_minute = minute_of_day(benefit.until_time)
    over_midnight = until_minute <= from_minute
    begins_at, ends_at = spans[0].from_at, spans[-1].until_at
    day = begins_at.astimezone(zone).date() - _DAY
    last = ends_at.astimezone(zone).date()
    while day <= last:
        if not benefit.on or not day_words(calendar, day).isdisjoint(benefit.on):
            end_day = day + _DAY if over_midnight or until_minute == MINUTES_OF_DAY else day
            from_at = wall_instant(zone, day, from_minute)
            until_at = wall_instant(zone, end_day, until_minute % MINUTES_OF_DAY)
            if right.valid_from is not None:
                from_at = max(from_at, right.valid_from)
            if right.valid_until is not None:
                until_at = min(until_at, right.valid_until)
            if from_at < until_at:
                yield Span(from_at, until_at)
        day += _DAY


def _after_free_minutes(benefit: FreeMinutes, spans: list[Span]) -> list[Span]:
    # As with a tariff's own free minutes, seconds of the last one are dropped.
    whole = total_length(spans) < (benefit.minutes + 1) * _MINUTE
    if whole:
        return []
    if benefit.forfeited_when_exceeded:
        return spans
    return without_first(spans, benefit.minutes * _MINUTE)
