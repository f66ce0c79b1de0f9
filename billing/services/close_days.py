"""Closing the ledger's days, so that reading a balance never means reading the whole ledger."""

from datetime import date, datetime, timedelta

import structlog

from billing.db import ledger_days
from billing.db.connection import Pool, transaction
from billing.services.days import ledger_day
from billing.settings import BillingSettings

_log = structlog.get_logger(__name__)


async def close_days(pool: Pool, settings: BillingSettings, *, now: datetime) -> date:
    """Close every day that ended some time ago; answers the newest closed one.

    `settlement_delay_seconds` after a day ended; what was still being booked on it then is waited
    for, and what comes later is refused (LedgerDayClosedError) and booked on another day.
    """
    delay = timedelta(seconds=settings.settlement_delay_seconds)
    through = ledger_day(settings, now=now - delay) - timedelta(days=1)
    async with transaction(pool) as db:
        known = await ledger_days.closed_through(db)
        if known is not None and known >= through:
            return known
        if await ledger_days.close(db, through=through, now=now):
            _log.info("ledger_closed", closed_through=str(through))
            return through
        return await ledger_days.closed_through(db) or through
