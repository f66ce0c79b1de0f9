"""What a pass costs for any dates: whole calendar months, and the days' share of others."""

from calendar import monthrange
from datetime import date, timedelta

import msgspec

from parking.core.right import NoMonthlyPriceError, PassEndsBeforeItBeginsError, RightOffer


class PassMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One calendar month's share of a pass."""

    first_day: date
    last_day: date
    days_of_month: int
    amount_minor: int


def pass_price(*, offer: RightOffer, first_day: date, last_day: date) -> tuple[PassMonth, ...]:
    """Price a pass from its first to its last day, both included, month by month.

    The sum of the months is the exact price rounded half up to the minor unit. Raises
    NoMonthlyPriceError and PassEndsBeforeItBeginsError.
    """
    if offer.month_minor is None:
        raise NoMonthlyPriceError(offer.right_id)
    if last_day < first_day:
        raise PassEndsBeforeItBeginsError(first_day=first_day, last_day=last_day)
    months: list[PassMonth] = []
    numerator, denominator, charged = 0, 1, 0
    while first_day <= last_day:
        days = monthrange(first_day.year, first_day.month)[1]
        end = min(first_day.replace(day=days), last_day)
        share = offer.month_minor * ((end - first_day).days + 1)
        numerator, denominator = numerator * days + share * denominator, denominator * days
        so_far = (2 * numerator + denominator) // (2 * denominator)
        months.append(
            PassMonth(
                first_day=first_day,
                last_day=end,
                days_of_month=days,
                amount_minor=so_far - charged,
            )
        )
        charged = so_far
        first_day = end + timedelta(days=1)
    return tuple(months)
