"""What follows from a decline besides the next attempt: messages, a suspension and its end."""

from collections.abc import Sequence
from datetime import datetime

from billing.core.dunning import Restore, restores
from billing.core.payment import NextStep, PaymentMethodKind
from billing.db import accounts
from billing.db.connection import Connection
from billing.db.obligations import ObligationRow
from billing.db.payments import PaymentRow
from billing.notifications import NotificationKind
from billing.services.notify import tell
from parking.core.ids import AccountId
from parking.core.money import Money

_REMINDERS = (
    NotificationKind.REMINDER_1,
    NotificationKind.REMINDER_2,
    NotificationKind.REMINDER_3,
)


async def follow_decline(
    db: Connection,
    payment: PaymentRow,
    account_id: AccountId,
    step: NextStep,
    *,
    now: datetime,
) -> None:
    """Count the decline, tell the driver, and suspend pay-later where the table says so."""
    dunning = step.dunning
    if dunning is None or step.decline_class is None:
        return
    if payment.method is PaymentMethodKind.CARD or dunning.suspend:
        # A deduction that is tried again keeps no card waiting.
        await accounts.count_decline(
            db,
            account_id,
            retry_at=dunning.retry_at,
            suspended_for=step.decline_class if dunning.suspend else None,
            now=now,
        )
    amount = {"amount": str(Money(payment.amount_minor, payment.currency))}
    if dunning.tell is not None:
        kind = NotificationKind(dunning.tell.value)
        await tell(
            db, kind, account_id=account_id, about=payment.payment_id, parameters=amount, now=now
        )
    for kind, at in zip(_REMINDERS, dunning.reminders_at, strict=False):
        await tell(
            db,
            kind,
            account_id=account_id,
            about=payment.payment_id,
            parameters=amount,
            due_at=at,
            now=now,
        )


async def restore_paid_up(db: Connection, rows: Sequence[ObligationRow], *, now: datetime) -> None:
    """End a suspension once everything is paid by hand, if the card itself may be good."""
    for account_id in sorted({row.account_id for row in rows if row.account_id is not None}):
        suspension = await accounts.lock_suspension(db, account_id)
        if suspension is None or suspension.owed_minor:
            continue
        if restores(suspension.suspended_for, by=Restore.ALL_PAID):
            await accounts.restore(db, account_id, now=now)
