"""Webhooks: verify, store once, answer. A worker then looks at what the webhook is about.

A webhook is only a hint: what it says of amounts and states is not read. So its order, its
repetition and its loss change nothing but how soon we look.
"""

from collections.abc import Mapping
from datetime import datetime

from billing.db import advances, inbox, payments, refunds, registrations, setups
from billing.db.connection import Pool, transaction
from billing.gateway import PaymentProvider
from billing.services.find_disputes import hear
from billing.settings import BillingSettings


async def receive_webhook(
    pool: Pool, gateway: PaymentProvider, *, body: bytes, headers: Mapping[str, str], now: datetime
) -> bool:
    """Store a webhook; False where it was stored before. ForgedWebhookError unless it verifies."""
    notice = gateway.read_webhook(body, headers=headers, now=now)
    async with transaction(pool) as db:
        return await inbox.insert(db, notice, gateway=gateway.name, now=now)


async def handle_webhooks(
    pool: Pool, gateway: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Have what a batch of webhooks is about looked at now; says how many there were."""
    async with transaction(pool) as db:
        notices = await inbox.take(db, gateway=gateway.name, limit=settings.worker_batch, now=now)
        hints = {
            (notice.payment_id, notice.payment_ref)
            for notice in notices
            if notice.payment_id is not None or notice.payment_ref is not None
        }
        if hints:
            await payments.poke(db, sorted(hints, key=str), gateway=gateway.name, now=now)
        payment_ids = {each.payment_id for each in notices if each.payment_id is not None}
        if payment_ids and gateway.capabilities.advances:
            await advances.poke(db, sorted(payment_ids), now=now)
        registration_ids = {
            each.registration_id for each in notices if each.registration_id is not None
        }
        if registration_ids:
            await registrations.poke(db, sorted(registration_ids), now=now)
        setup_ids = {notice.setup_id for notice in notices if notice.setup_id is not None}
        if setup_ids:
            await setups.poke(db, sorted(setup_ids), now=now)
        refund_ids = {notice.refund_id for notice in notices if notice.refund_id is not None}
        if refund_ids:
            await refunds.poke(db, sorted(refund_ids), now=now)
        dispute_refs = [each.dispute_ref for each in notices if each.dispute_ref is not None]
        if dispute_refs:
            await hear(db, gateway.name, dispute_refs, now=now)
    return len(notices)
