"""The money of a dispute in the ledger: what moved, its fee, and whose loss it is in the end."""

from datetime import datetime

from billing.core import dispute_entries
from billing.core.disputes import DisputedPart, Loss, Movement, share_fee, share_loss
from billing.core.ledger import JournalEntry
from billing.core.obligation import ObligationState
from billing.core.settlement import DisputeBearer
from billing.db import accounts, dispute_money, ledger, obligations
from billing.db.connection import Connection
from billing.db.dispute_money import DisputedPayment
from billing.db.disputes import DisputeRow
from billing.services.days import booking
from billing.services.ids import new_id
from billing.services.write_off import reinstate
from billing.settings import BillingSettings
from parking.core.money import Money

_RULE = "rule:disputes"


async def book_movement(
    db: Connection,
    dispute: DisputeRow,
    payment: DisputedPayment,
    movement: Movement,
    *,
    currency: str,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Book money that a bank took or gave back, and what the gateway kept for it."""
    when = booking(settings, now=now, occurred_at=movement.moved_at, trace_id=payment.trace_id)
    booked = [
        dispute_entries.moved(movement, gateway=dispute.gateway, currency=currency, booking=when)
    ]
    if movement.fee_minor:
        fee = Money(movement.fee_minor, currency)
        parts = await lock_parts(db, payment, settings=settings, now=now)
        booked.append(
            dispute_entries.fee_kept(
                fee,
                share_fee(fee, parts),
                movement_ref=movement.ref,
                gateway=dispute.gateway,
                booking=when,
            )
        )
    await _append(db, booked, now=now)


async def lock_parts(
    db: Connection, payment: DisputedPayment, *, settings: BillingSettings, now: datetime
) -> list[DisputedPart]:
    """Lock what a captured payment was for; what was written off of it is revived first."""
    # Obligations before allocations: in the order in which everybody else locks them.
    rows = await obligations.lock_of_payment(db, payment.payment_id)
    allocations = {
        each.obligation_id: each
        for each in await dispute_money.lock_allocations(
            db, payment.payment_id, default=DisputeBearer.OPERATOR
        )
    }
    parts = []
    for row in rows:
        allocation = allocations[row.money.obligation_id]
        if row.money.state is ObligationState.WRITTEN_OFF:
            reason = "its payment is disputed"
            row = await reinstate(db, row, settings=settings, said_by=_RULE, reason=reason, now=now)  # noqa: PLW2901
        parts.append(
            DisputedPart(
                obligation=row.money,
                bearer=allocation.bearer,
                captured_minor=allocation.amount_minor,
                kept_minor=allocation.kept_minor,
            )
        )
    return parts


async def lose(
    db: Connection,
    dispute: DisputeRow,
    payment: DisputedPayment,
    amount: Money,
    *,
    settings: BillingSettings,
    now: datetime,
) -> bool:
    """Book what a lost dispute took; False: a refund is in doubt, so it cannot be known yet."""
    parts = await lock_parts(db, payment, settings=settings, now=now)
    refunds = await dispute_money.lock_refunds(db, payment.payment_id)
    if refunds.in_doubt:
        return False
    loss = share_loss(amount, parts=parts, owed_back=refunds.owed)
    await dispute_money.cover_refunds(db, loss.covered, now=now)
    await dispute_money.fail_blocked_refunds(db, payment.payment_id, now=now)
    await dispute_money.store_loss(
        db,
        dispute.dispute_id,
        payment.payment_id,
        loss.parts,
        covered_minor=loss.covered_minor,
        excess_minor=loss.excess_minor,
    )
    await obligations.write_sums(db, [part.obligation for part in loss.parts], now=now)
    await _append(db, _entries(dispute, payment, loss, amount, settings, now), now=now)
    await accounts.poke_owners(db, [part.obligation.obligation_id for part in loss.parts])
    return True


def _entries(
    dispute: DisputeRow,
    payment: DisputedPayment,
    loss: Loss,
    amount: Money,
    settings: BillingSettings,
    now: datetime,
) -> list[JournalEntry]:
    return dispute_entries.lost(
        loss,
        dispute_id=str(dispute.dispute_id),
        gateway=dispute.gateway,
        currency=amount.currency,
        booking=booking(settings, now=now, occurred_at=now, trace_id=payment.trace_id),
    )


async def _append(db: Connection, booked: list[JournalEntry], *, now: datetime) -> None:
    await ledger.append(db, [(new_id(now), entry) for entry in booked], now=now)
