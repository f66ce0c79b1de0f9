"""What an account owes, gathered into a payment by the rule; one payment by card at a time."""

from datetime import datetime

from billing.core.gathering import Gathered, WaitUntil, gather
from billing.core.payment import PaymentMethodKind, PaymentState
from billing.db import accounts, obligations, payments
from billing.db.accounts import ToGather
from billing.db.connection import Connection, Pool, transaction
from billing.db.payments import NewPayment
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.ids import AccountId, PaymentId


async def gather_payments(
    pool: Pool, settings: BillingSettings, *, gateway_name: str, now: datetime
) -> int:
    """Look through one batch of accounts; says how many."""
    async with transaction(pool) as db:
        batch = await accounts.lock_to_gather(
            db, gateway=gateway_name, limit=settings.worker_batch, now=now
        )
        if not batch:
            return 0
        looks: list[tuple[AccountId, datetime | None]] = []
        ready = []
        for account in batch:
            if _can_pay(account) and (account.collect_after or now) <= now:
                ready.append(account)
            else:
                # Only a new card, or the end of the payment under way, changes anything.
                looks.append(
                    (account.account_id, account.collect_after if _can_pay(account) else None)
                )
        looks += await _gather(db, ready, settings=settings, gateway_name=gateway_name, now=now)
        await accounts.gather_next(db, looks)
        return len(batch)


def _can_pay(account: ToGather) -> bool:
    has_card = account.customer_ref is not None and account.method_ref is not None
    return has_card and not account.suspended and not account.paying


async def _gather(
    db: Connection,
    ready: list[ToGather],
    *,
    settings: BillingSettings,
    gateway_name: str,
    now: datetime,
) -> list[tuple[AccountId, datetime | None]]:
    due = await obligations.due_of(
        db, [account.account_id for account in ready], currency=settings.currency
    )
    looks: list[tuple[AccountId, datetime | None]] = []
    for account in ready:
        decision = gather(due.get(account.account_id, []), rule=settings.gather_rule, now=now)
        if isinstance(decision, Gathered):
            payment = _payment(account, decision, settings, gateway_name=gateway_name, now=now)
            await payments.insert(db, payment, now=now)
        looks.append((account.account_id, decision.at if isinstance(decision, WaitUntil) else None))
    return looks


def _payment(
    account: ToGather,
    decision: Gathered,
    settings: BillingSettings,
    *,
    gateway_name: str,
    now: datetime,
) -> NewPayment:
    return NewPayment(
        payment_id=PaymentId(new_id(now)),
        account_id=account.account_id,
        method=PaymentMethodKind.CARD,
        gateway=gateway_name,
        customer_ref=account.customer_ref,
        currency=settings.currency,
        state=PaymentState.READY,
        due_at=now,
        return_url=None,
        trace_id=decision.obligations[0].trace_id,
        parts=tuple((part.obligation_id, part.outstanding_minor) for part in decision.obligations),
    )
