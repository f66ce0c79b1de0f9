"""Making the next attempt of a payment by card: checked, worded and stored before it is sent."""

from datetime import datetime, timedelta

import msgspec

from billing.core.payment import PaymentMethodKind, PaymentState, check_arrow
from billing.db import (
    accounts,
    appeals,
    attempts,
    dispute_reads,
    obligations,
    payments,
    registrations,
)
from billing.db.attempts import Attempt
from billing.db.connection import Connection
from billing.db.payments import PaymentRow
from billing.gateway import ChargeOrder, PaymentProvider
from billing.services.settle_payment import abandon
from billing.settings import BillingSettings


async def prepare_attempt(
    db: Connection,
    payment: PaymentRow,
    *,
    gateway: PaymentProvider,
    settings: BillingSettings,
    now: datetime,
) -> Attempt | None:
    """Store the next attempt of a locked payment; None where there is none to be made."""
    if not await _still_owed(db, payment):
        await _call_off(db, payment, now=now)
        return None
    order = await _order(db, payment, gateway_name=gateway.name)
    if order is None:
        await _call_off(db, payment, now=now)
        return None
    check_arrow(payment.state, PaymentState.IN_FLIGHT)
    return await attempts.start(
        db,
        payment,
        gateway.charge_request(order),
        idempotency_key=f"payment-{payment.payment_id}-{payment.attempts + 1}",
        due_at=now + timedelta(seconds=settings.attempt_lease_seconds),
        now=now,
    )


async def _order(db: Connection, payment: PaymentRow, *, gateway_name: str) -> ChargeOrder | None:
    """Say what is to be charged, and to what; None where there is nothing to charge it to."""
    if payment.account_id is None or payment.customer_ref is None:
        return None
    order = ChargeOrder(
        payment_id=payment.payment_id,
        attempt=payment.attempts + 1,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        customer_ref=payment.customer_ref,
        trace_id=payment.trace_id,
        payment_ref=payment.payment_ref,
    )
    if payment.method is PaymentMethodKind.DEDUCTION:
        stay = await registrations.charged(db, payment.payment_id, gateway=gateway_name)
        return None if stay is None else msgspec.structs.replace(order, stay=stay)
    card = await accounts.method_ref(db, payment.account_id, gateway=gateway_name)
    return None if card is None else msgspec.structs.replace(order, method_ref=card)


async def _still_owed(db: Connection, payment: PaymentRow) -> bool:
    """Whether each part is still owed in full, and by this account."""
    parts = await payments.held_parts(db, payment.payment_id)
    rows = await obligations.lock(db, list(parts))
    if await appeals.live_among(db, list(parts)):
        return False
    if await dispute_reads.uncollectable_among(db, list(parts)):
        return False
    if (
        payment.method is PaymentMethodKind.CARD
        and payment.account_id is not None
        and await dispute_reads.is_disputing(db, payment.account_id)
    ):
        # The card is charged for nothing else meanwhile; another service has no such quarrel.
        return False
    return all(
        row.money.outstanding_minor == parts[row.money.obligation_id]
        and row.account_id == payment.account_id
        and row.hold is None
        for row in rows
    )


async def _call_off(db: Connection, payment: PaymentRow, *, now: datetime) -> None:
    if payment.state is PaymentState.READY and payment.payment_ref is None:
        # The gateway has never heard of it.
        await abandon(db, payment, now=now)
        return
    check_arrow(payment.state, PaymentState.ABANDONING)
    calling_off = msgspec.structs.replace(payment, state=PaymentState.ABANDONING, due_at=now)
    await payments.move(db, calling_off, now=now)
