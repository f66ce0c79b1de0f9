"""Paying operators: one transfer for each settlement, and taking one back.

What is sent is stored first, under its key; an answer that is lost is found out as it is for
payments. A refused transfer is tried again later under another key; a reversed one never is: what
came back is owed again and stands in the next settlement.
"""

from datetime import datetime, timedelta

import structlog

from billing.core import entries
from billing.core.attempt import NotExecuted, Unknown
from billing.core.payment import backoff
from billing.db import ledger, payouts
from billing.db.connection import Connection, Pool, transaction
from billing.db.payouts import PayoutInHand, PayoutRow, Unpaid
from billing.gateway import (
    PaymentGateway,
    TransferAnswer,
    TransferOrder,
    Transferred,
    TransferRefused,
)
from billing.services.concurrently import each_apart
from billing.services.days import booking
from billing.services.ids import new_id
from billing.services.resolve import send_or_look
from billing.settings import BillingSettings
from parking.core.money import Money

_log = structlog.get_logger(__name__)
_WORKER = "worker"


async def prepare_payouts(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, *, now: datetime
) -> int:
    """Store a transfer for each settlement that has none on its way; says how many."""
    retry = timedelta(seconds=settings.payout_retry_seconds)
    async with transaction(pool) as db:
        found = await payouts.unpaid(
            db, gateway.name, failed_before=now - retry, limit=settings.worker_batch
        )
        stored = [await _prepare(db, gateway, each, now=now) for each in found]
    return sum(stored)


async def _prepare(
    db: Connection, gateway: PaymentGateway, unpaid: Unpaid, *, now: datetime
) -> bool:
    payout_id = new_id(now)
    request = gateway.transfer_request(
        TransferOrder(
            payout_id=payout_id,
            settlement_id=unpaid.settlement_id,
            account_ref=unpaid.account_ref,
            amount_minor=unpaid.amount_minor,
            currency=unpaid.currency,
        )
    )
    row = PayoutRow(
        payout_id=payout_id,
        settlement_id=unpaid.settlement_id,
        reverses=None,
        operator_id=unpaid.operator_id,
        gateway=gateway.name,
        account_ref=unpaid.account_ref,
        amount_minor=unpaid.amount_minor,
        currency=unpaid.currency,
        said_by=_WORKER,
        reason="settlement",
        state="prepared",
        idempotency_key=f"payout-{payout_id}",
        sends=0,
        transfer_ref=None,
        created_at=now,
        started_at=None,
    )
    return await payouts.insert(db, row, request)


async def take_payouts(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, *, now: datetime
) -> list[PayoutInHand]:
    """Take the payouts that are due; from here on each is in doubt until it is answered."""
    async with transaction(pool) as db:
        return await payouts.claim_due(
            db,
            gateway=gateway.name,
            limit=settings.worker_concurrency,
            lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
            now=now,
        )


async def work_payouts(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, *, now: datetime
) -> int:
    """Send the payouts that are due, or ask what became of them; says how many."""
    taken = await take_payouts(pool, gateway, settings, now=now)
    await each_apart(
        taken, lambda each: _work(pool, gateway, settings, each, now=now), name="payout"
    )
    return len(taken)


async def _work(
    pool: Pool,
    gateway: PaymentGateway,
    settings: BillingSettings,
    payout: PayoutInHand,
    *,
    now: datetime,
) -> None:
    row, request = payout.row, payout.request
    answer: TransferAnswer | NotExecuted = await send_or_look(
        lambda: gateway.transfer(request, idempotency_key=row.idempotency_key),
        lambda: gateway.find_transfer(request, payout_id=row.payout_id),
        alive=now - payout.started_at < timedelta(seconds=settings.key_lifetime_seconds),
    )
    async with transaction(pool) as db:
        if await payouts.lock_unfinished(db, row.payout_id):
            await _store(db, settings, row, answer, now=now)


async def _store(
    db: Connection,
    settings: BillingSettings,
    row: PayoutRow,
    answer: TransferAnswer | NotExecuted,
    *,
    now: datetime,
) -> None:
    match answer:
        case Transferred():
            await payouts.move(
                db,
                row.payout_id,
                state="succeeded",
                transfer_ref=answer.transfer_ref,
                finished_at=answer.transferred_at,
            )
            entry = (entries.paid_out if row.reverses is None else entries.payout_reversed)(
                row.operator_id,
                Money(row.amount_minor, row.currency),
                payout_id=str(row.payout_id),
                gateway=row.gateway,
                booking=booking(settings, now=now, occurred_at=answer.transferred_at, trace_id=""),
            )
            await ledger.append(db, [(new_id(now), entry)], now=now)
        case Unknown():
            await payouts.move(
                db,
                row.payout_id,
                state="unknown",
                due_at=now + backoff(sends=row.sends, pace=settings.pace),
                detail=answer.reason,
            )
        case TransferRefused() | NotExecuted():
            _log.error("payout_refused", payout_id=str(row.payout_id), reason=answer.reason)
            await payouts.move(
                db, row.payout_id, state="failed", detail=answer.reason, finished_at=now
            )
