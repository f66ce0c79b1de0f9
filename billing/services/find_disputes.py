"""Hearing of disputes without a webhook: from the gateway's list of them, and from its report."""

from datetime import datetime, timedelta

from billing.db import disputes, report
from billing.db.connection import Connection, Pool, transaction
from billing.dispute_gateway import DisputeGateway
from billing.services.ids import new_id
from billing.settings import BillingSettings

_FIRST_LOOK_BACK = timedelta(days=120)
"""Cardholders have about so long to dispute."""

_REPORT_LAG = timedelta(days=2)
"""The report may tell of a day's money later than the day."""


async def find_disputes(
    pool: Pool, name: str, gateway: DisputeGateway, settings: BillingSettings, *, now: datetime
) -> int:
    """Hear of disputes that nobody told of, when it is time to; says how many were named."""
    poll = timedelta(seconds=settings.dispute_poll_seconds)
    cursor = f"{name}:disputes"
    async with transaction(pool) as db:
        through = await report.claim_cursor(
            db, cursor, next_due_at=now + poll, begin_at=now - _FIRST_LOOK_BACK, now=now
        )
    if through is None:
        return 0
    since = through - timedelta(seconds=settings.report_overlap_seconds)
    named = [ref async for ref in gateway.disputes_since(since)]
    async with transaction(pool) as db:
        named += await disputes.in_report(db, name, since=since - _REPORT_LAG)
        fresh = await disputes.unheard(db, name, named)
        await hear(db, name, fresh, now=now)
        await report.advance_cursor(db, cursor, through=now)
    return len(fresh)


async def hear(db: Connection, name: str, refs: list[str], *, now: datetime) -> None:
    """Have disputes looked at now, known ones and new ones."""
    named = [(new_id(now), ref) for ref in sorted(set(refs))]
    await disputes.hear(db, name, named, now=now)
