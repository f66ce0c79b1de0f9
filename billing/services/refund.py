"""Giving money back: what a driver paid and no longer owed, from the payments that brought it."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from billing.core import dispute_entries, entries
from billing.core.attempt import NotExecuted, Unknown
from billing.core.disputes import FINAL, DisputeState
from billing.core.payment import backoff
from billing.db import dispute_money, dispute_reads, ledger, refunds
from billing.db.connection import Connection, Pool, transaction
from billing.db.refunds import Refundable, RefundRow
from billing.gateway import (
    PaymentProvider,
    RefundAnswer,
    RefundBlocked,
    RefundDelayed,
    Refunded,
    RefundFailed,
    RefundOrder,
    RefundPending,
    RefundReturned,
    RefundWording,
)
from billing.gateway_request import GatewayRequest
from billing.services.concurrently import each_apart
from billing.services.days import booking
from billing.services.ids import new_id
from billing.services.resolve import send_or_look
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import ObligationId, PaymentId
from parking.core.money import Money

_log = structlog.get_logger(__name__)
_LATER = timedelta(hours=1)
"""After an answer that no driver's payment changes in a moment."""


class NothingLeftToRefundError(DomainError):
    """More is to be given back than was captured and not yet given back."""

    def __init__(self, obligation_id: ObligationId, *, missing_minor: int) -> None:
        super().__init__(f"obligation {obligation_id} has {missing_minor} more to refund than paid")


async def return_credit(
    db: Connection,
    obligation_id: ObligationId,
    *,
    amount_minor: int,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Store a credit's refunds, from the newest payment back; the obligation is locked.

    What the driver's bank has given back already, at the platform's cost, is not refunded again.
    """
    left = amount_minor
    for source in await refunds.lock_refundable(db, obligation_id):
        part = min(left, source.left_minor)
        if part == 0:
            break
        refund_id = new_id(now)
        request = worded(gateway, source, refund_id, amount_minor=part)
        await refunds.insert(
            db,
            request,
            refund_id=refund_id,
            source=source,
            obligation_id=obligation_id,
            amount_minor=part,
            idempotency_key=f"refund-{refund_id}",
            now=now,
        )
        left -= part
    if left:
        left -= await _settle_by_loss(db, settings, obligation_id, amount_minor=left, now=now)
    if left:
        raise NothingLeftToRefundError(obligation_id, missing_minor=left)


async def send_blocked_again(
    db: Connection,
    payment_id: PaymentId,
    *,
    gateway: RefundWording,
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    """Make the refunds anew that were refused while a bank disputed the payment, or came back.

    Under other names and keys: a definite refusal stands under its key for good.
    """
    for old_id, source in await refunds.lock_blocked(db, payment_id):
        refund_id = new_id(now)
        await refunds.replace(
            db,
            old_id,
            worded(gateway, source, refund_id, amount_minor=source.left_minor),
            refund_id=refund_id,
            idempotency_key=f"refund-{refund_id}",
            due_at=due_at,
            now=now,
        )


def worded(
    gateway: RefundWording, source: Refundable, refund_id: UUID, *, amount_minor: int
) -> GatewayRequest:
    """Word a refund as its gateway takes it."""
    return gateway.refund_request(
        RefundOrder(
            gateway=source.gateway,
            refund_id=refund_id,
            payment_id=source.payment_id,
            payment_ref=source.payment_ref,
            charge_ref=source.charge_ref,
            charged_minor=source.charged_minor,
            amount_minor=amount_minor,
            currency=source.currency,
            trace_id=source.trace_id,
        )
    )


async def _settle_by_loss(
    db: Connection,
    settings: BillingSettings,
    obligation_id: ObligationId,
    *,
    amount_minor: int,
    now: datetime,
) -> int:
    """Settle a credit by what lost disputes gave the driver; answers how much of it."""
    left = amount_minor
    for lost in await dispute_money.lock_lost(db, obligation_id):
        part = min(left, lost.lost_minor)
        if part == 0:
            break
        await dispute_money.recover(db, lost, part)
        entry = dispute_entries.recovered(
            Money(part, lost.currency),
            # What is lost only ever gets less, so this names each recovery once.
            source=f"{lost.payment_id}:{obligation_id}:{lost.lost_minor}",
            booking=booking(settings, now=now, occurred_at=now, trace_id=lost.trace_id),
        )
        await ledger.append(db, [(new_id(now), entry)], now=now)
        left -= part
    return amount_minor - left


async def work_refunds(
    pool: Pool, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Send the refunds that are due, or ask what became of them; says how many.

    As many at once as the settings allow, and then the next: a round is dear beside a refund. One
    that fails is due again when its lease is over, and stops no other.
    """
    done = 0
    while True:
        claimed = await _claim(pool, gateway, settings, now=now)
        await each_apart(
            claimed, lambda refund: _work(pool, gateway, settings, refund, now=now), name="refund"
        )
        done += len(claimed)
        if len(claimed) < settings.worker_concurrency or done >= settings.worker_batch:
            return done


async def _claim(
    pool: Pool, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> list[RefundRow]:
    async with transaction(pool) as db:
        return await refunds.claim_due(
            db,
            gateway=gateway.name,
            limit=settings.worker_concurrency,
            lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
            now=now,
        )


async def _work(
    pool: Pool,
    gateway: PaymentProvider,
    settings: BillingSettings,
    refund: RefundRow,
    *,
    now: datetime,
) -> None:
    answer = await _ask(gateway, settings, refund, now=now)
    async with transaction(pool) as db:
        if await refunds.lock_unfinished(db, refund.refund_id):
            await _settle(db, gateway, settings, refund, answer, now=now)


async def _ask(
    gateway: PaymentProvider, settings: BillingSettings, refund: RefundRow, *, now: datetime
) -> RefundAnswer | NotExecuted:
    return await send_or_look(
        lambda: gateway.refund(refund.request, idempotency_key=refund.idempotency_key),
        lambda: gateway.find_refund(payment_ref=refund.payment_ref, refund_id=refund.refund_id),
        alive=now - refund.started_at < timedelta(seconds=settings.key_lifetime_seconds),
    )


async def _settle(
    db: Connection,
    gateway: PaymentProvider,
    settings: BillingSettings,
    refund: RefundRow,
    answer: RefundAnswer | NotExecuted,
    *,
    now: datetime,
) -> None:
    pace = settings.pace
    match answer:
        case Refunded():
            await refunds.move(
                db,
                refund.refund_id,
                state="succeeded",
                due_at=None,
                refund_ref=answer.refund_ref,
                finished_at=answer.refunded_at,
            )
            entry = entries.refunded(
                Money(refund.amount_minor, refund.currency),
                refund_id=str(refund.refund_id),
                gateway=gateway.name,
                booking=booking(
                    settings, now=now, occurred_at=answer.refunded_at, trace_id=refund.trace_id
                ),
            )
            await ledger.append(db, [(new_id(now), entry)], now=now)
        case RefundPending():
            await _wait(db, settings, refund, answer, now=now)
        case RefundDelayed():
            _log.warning("refund_delayed", refund_id=str(refund.refund_id), reason=answer.reason)
            later = now + _LATER
            await refunds.begin_again(db, refund.refund_id, due_at=later, detail=answer.reason)
        case RefundReturned():
            _log.warning("refund_returned", refund_id=str(refund.refund_id), reason=answer.reason)
            await refunds.move(db, refund.refund_id, state="blocked", due_at=None)
            await send_blocked_again(
                db, refund.payment_id, gateway=gateway, now=now, due_at=now + _LATER
            )
        case Unknown():
            await refunds.move(
                db,
                refund.refund_id,
                state="unknown",
                due_at=now + backoff(sends=refund.sends, pace=pace),
                detail=answer.reason,
            )
        case NotExecuted():
            # Every send of a whole day was lost on its way. The driver's money is still owed, and
            # the same key cannot give it back twice, so the day simply begins again.
            _log.warning("refund_begins_again", refund_id=str(refund.refund_id), sends=refund.sends)
            await refunds.begin_again(db, refund.refund_id, due_at=now, detail=answer.reason)
        case RefundBlocked():
            await _block(db, refund, answer, now=now)
        case RefundFailed():
            # The credit stays on the books as owed to the driver until a person sees to it.
            _log.error("refund_failed", refund_id=str(refund.refund_id), reason=answer.reason)
            await refunds.move(
                db,
                refund.refund_id,
                state="failed",
                due_at=None,
                detail=answer.reason,
                finished_at=now,
            )


async def _wait(
    db: Connection,
    settings: BillingSettings,
    refund: RefundRow,
    answer: RefundPending,
    *,
    now: datetime,
) -> None:
    """Ask again: soon, or where only a person can help it on, at the pace of persons."""
    if answer.stuck:
        _log.error("refund_stuck", refund_id=str(refund.refund_id), ref=answer.refund_ref)
    await refunds.move(
        db,
        refund.refund_id,
        state="pending",
        due_at=now + (_LATER if answer.stuck else settings.pace.poll),
        refund_ref=answer.refund_ref,
        detail="stuck: see to it on the gateway's own pages" if answer.stuck else "",
    )


async def _block(
    db: Connection, refund: RefundRow, answer: RefundBlocked, *, now: datetime
) -> None:
    """Wait for the bank's decision; where it has decided, the gateway will never make it."""
    states = await dispute_reads.states_of_payment(db, refund.payment_id)
    decided = DisputeState.LOST in states and states <= FINAL
    if decided:
        _log.error("refund_failed", refund_id=str(refund.refund_id), reason=answer.reason)
    await refunds.move(
        db,
        refund.refund_id,
        state="failed" if decided else "blocked",
        due_at=None,
        detail=answer.reason,
        finished_at=now if decided else None,
    )
