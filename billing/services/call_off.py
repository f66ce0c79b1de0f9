"""Calling a payment off, so that it can never succeed later: the gateway has the last word."""

from datetime import datetime

from billing.core.attempt import Succeeded
from billing.core.payment import PaymentState
from billing.db import payments
from billing.db.connection import Pool, transaction
from billing.db.payments import PaymentRow
from billing.gateway import CalledOff, CallOffAnswer, PaymentProvider, RefundWording
from billing.services.settle_payment import abandon, settle
from billing.settings import BillingSettings


async def call_off(
    pool: Pool,
    gateway: PaymentProvider,
    settings: BillingSettings,
    payment: PaymentRow,
    *,
    refunds: RefundWording,
    now: datetime,
) -> None:
    """End a payment that is being abandoned; if the gateway took the money after all, keep it."""
    answer: CallOffAnswer = CalledOff()
    if payment.payment_ref is not None:
        answer = await gateway.call_off(payment.payment_ref, payment_id=payment.payment_id)
    async with transaction(pool) as db:
        current = await payments.lock(db, payment.payment_id)
        if current.state is not PaymentState.ABANDONING:
            return
        match answer:
            case CalledOff():
                await abandon(db, current, now=now)
            case Succeeded():
                await settle(
                    db,
                    payment.payment_id,
                    answer,
                    gateway=refunds,
                    settings=settings,
                    now=now,
                )
            case _:
                await payments.postpone(
                    db, payment.payment_id, due_at=now + settings.pace.unknown_retry
                )
