"""Reading the gateway's own report: copied line by line, and its fees booked."""

from datetime import datetime, timedelta

from billing.core import entries
from billing.core.ledger import JournalEntry
from billing.db import ledger, report
from billing.db.connection import Pool, transaction
from billing.db.report import FeeUnknown
from billing.gateway import GatewayTransaction, GatewayUnavailableError, PaymentProvider
from billing.services.days import booking
from billing.services.ids import new_id
from billing.settings import BillingSettings

_FIRST_READING_BACK = timedelta(days=7)


async def read_report(
    pool: Pool, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Copy what is new in the report, when it is time to; says how many lines."""
    async with transaction(pool) as db:
        through = await report.claim_cursor(
            db,
            gateway.name,
            next_due_at=now + gateway.capabilities.report_every,
            begin_at=now - _FIRST_READING_BACK,
            now=now,
        )
    if through is None:
        return 0
    since = through - timedelta(seconds=settings.report_overlap_seconds)
    lines: list[GatewayTransaction] = []
    try:
        async for line in gateway.transactions(since=since, until=now):
            lines.append(line)  # noqa: PERF401 - what came before an error is worth keeping
    except GatewayUnavailableError:
        if gateway.capabilities.report_in_order:
            await _store(pool, gateway, lines, now=now)
        raise
    return await _store(pool, gateway, lines, now=now)


async def _store(
    pool: Pool, gateway: PaymentProvider, lines: list[GatewayTransaction], *, now: datetime
) -> int:
    if not lines:
        return 0
    through = max(line.created_at for line in lines)
    async with transaction(pool) as db:
        return await report.store(db, gateway.name, lines, through=through, now=now)


async def book_fees(
    pool: Pool, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Book what the gateway kept of payments, as far as its report tells; says how many."""
    async with transaction(pool) as db:
        known = await report.lock_fees_unknown(db, gateway.name, limit=settings.worker_batch)
        if not known:
            return 0
        booked = [_fee_entry(each, gateway, settings, now=now) for each in known]
        await report.store_fees(db, known)
        await ledger.append(
            db, [(new_id(now), entry) for entry in booked if entry is not None], now=now
        )
    return len(known)


async def book_refund_fees(
    pool: Pool, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Book what refunds did to the provider's fees, as far as its report tells; says how many."""
    async with transaction(pool) as db:
        known = await report.lock_refund_fees_unknown(db, gateway.name, limit=settings.worker_batch)
        if not known:
            return 0
        booked = [
            entries.refund_fee_known(
                each.operator_id,
                each.fee,
                refund_id=str(each.refund_id),
                gateway=gateway.name,
                booking=booking(
                    settings, now=now, occurred_at=each.refunded_at, trace_id=each.trace_id
                ),
            )
            for each in known
        ]
        await report.store_refund_fees(db, known)
        await ledger.append(
            db, [(new_id(now), entry) for entry in booked if entry is not None], now=now
        )
    return len(known)


def _fee_entry(
    known: FeeUnknown, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> JournalEntry | None:
    return entries.fee_known(
        known.shares,
        fee=known.fee,
        payment_id=known.payment_id,
        gateway=gateway.name,
        booking=booking(settings, now=now, occurred_at=known.captured_at, trace_id=known.trace_id),
    )
