"""The ledger's days: midnight to midnight in one named zone, half open."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from billing.core.entries import Booking
from billing.settings import BillingSettings


def booking(
    settings: BillingSettings, *, now: datetime, occurred_at: datetime, trace_id: str
) -> Booking:
    """Book a fact on the day on which we hear of it."""
    return Booking(
        booked_on=ledger_day(settings, now=now), occurred_at=occurred_at, trace_id=trace_id
    )


def ledger_day(settings: BillingSettings, *, now: datetime) -> date:
    """Name the ledger's day of an instant."""
    return now.astimezone(ZoneInfo(settings.ledger_zone)).date()


def day_bounds(settings: BillingSettings, day: date) -> tuple[datetime, datetime]:
    """Give a day's first instant and the first one after it."""
    zone = ZoneInfo(settings.ledger_zone)
    begin, end = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return begin, end
