"""What a provider paid in a driver's stead: the operator has its money, the debt is the provider's.

Whether the driver has paid the provider back moves no money of ours; it is asked for so that the
driver and the desk can see it.
"""

from datetime import datetime, timedelta

from billing.core.attempt import Succeeded
from billing.db import advances
from billing.db.advances import Advance
from billing.db.connection import Pool, transaction
from billing.gateway import PaymentProvider
from billing.services.concurrently import each_apart
from billing.settings import BillingSettings

_ASK_EVERY = timedelta(days=1)
"""Its provider tells at once; this is for when what it tells is lost."""


async def follow_advances(
    pool: Pool, provider: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Ask about the advances that are due; says how many."""
    async with transaction(pool) as db:
        due = await advances.claim_due(
            db,
            gateway=provider.name,
            limit=settings.worker_concurrency,
            next_at=now + _ASK_EVERY,
            now=now,
        )

    async def ask(each: Advance) -> None:
        outcome = await provider.look_up(each.payment_ref, payment_id=each.payment_id)
        if isinstance(outcome, Succeeded) and outcome.repaid:
            async with transaction(pool) as db:
                await advances.mark_repaid(db, each.payment_id, now=now)

    await each_apart(due, ask, name="advance")
    return len(due)
