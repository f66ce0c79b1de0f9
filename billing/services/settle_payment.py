"""What came of a payment, written down: its state, its obligations, its driver, the ledger.

Every way to learn an outcome (the answer itself, a repeat, a look-up, a webhook's hint, the sweep)
ends here, in one transaction under the payment's lock; so their order and number do not matter.
"""

from datetime import datetime

import msgspec

from billing.core import entries, obligation
from billing.core.attempt import (
    ActionRequired,
    DeclineClass,
    Declined,
    NotExecuted,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from billing.core.obligation import Capture
from billing.core.payment import (
    FINAL,
    NextStep,
    PaymentMethodKind,
    PaymentState,
    after_outcome,
    check_arrow,
)
from billing.db import (
    accounts,
    advances,
    attempts,
    ledger,
    notices,
    obligations,
    payments,
    registrations,
)
from billing.db.attempts import Attempt
from billing.db.connection import Connection
from billing.db.obligations import ObligationRow
from billing.db.payments import PaymentRow
from billing.gateway import RefundWording
from billing.services.days import booking
from billing.services.dunning import follow_decline, restore_paid_up
from billing.services.ids import new_id
from billing.services.refund import return_credit
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import PaymentId

_ATTEMPT_OUTCOMES: dict[type, str] = {
    Succeeded: "succeeded",
    Declined: "declined",
    ActionRequired: "action_required",
    Pending: "pending",
    Unknown: "unknown",
    NotExecuted: "not_executed",
}
_UNDECIDED = (Pending, Unknown)


class CapturedAmountDiffersError(DomainError):
    """The gateway took another sum than the payment's: a person must look."""

    def __init__(self, payment: PaymentRow, outcome: Succeeded) -> None:
        super().__init__(
            f"payment {payment.payment_id} is {payment.amount_minor} {payment.currency}, "
            f"the gateway captured {outcome.amount_minor} {outcome.currency}"
        )


async def settle(
    db: Connection,
    payment_id: PaymentId,
    outcome: Outcome,
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Write an outcome down. What is decided already stays decided."""
    payment = await payments.lock(db, payment_id)
    if payment.state in FINAL:
        return
    if isinstance(outcome, Succeeded):
        await _capture(db, payment, outcome, gateway=gateway, settings=settings, now=now)
        return
    attempt = await attempts.newest(db, payment_id)
    if attempt is None or not attempt.undecided:
        return
    step = after_outcome(
        outcome,
        declines=await _declines(db, payment),
        sends=attempt.sends,
        pace=settings.pace,
        now=now,
    )
    await _finish_attempt(db, payment, attempt.number, outcome, step, now=now)
    if await _card_is_newer(db, payment, attempt, step):
        # It was the old card that said no: the new one is asked at once, and nothing is counted.
        step = msgspec.structs.replace(step, state=PaymentState.WAITING, due_at=now, dunning=None)
    if payment.method is PaymentMethodKind.CHECKOUT and not isinstance(outcome, _UNDECIDED):
        await abandon(db, payment, now=now)
        return
    if payment.method is PaymentMethodKind.DEDUCTION and step.decline_class is DeclineClass.REFUSED:
        # The provider will not take this stay at all: its driver's card may, or the driver does.
        await registrations.refuse(
            db, payment_id, gateway=payment.gateway, detail=step.decline_code or ""
        )
        await abandon(db, payment, now=now)
        return
    check_arrow(payment.state, step.state)
    await payments.move(db, _moved(payment, step, outcome), now=now)
    if step.decline_class is not None and payment.account_id is not None:
        await follow_decline(db, payment, payment.account_id, step, now=now)


async def _declines(db: Connection, payment: PaymentRow) -> int:
    """Count the declines in a row: a card's of all its payments, a deduction's of its own."""
    if payment.account_id is None:
        return 0
    if payment.method is PaymentMethodKind.DEDUCTION:
        return payment.attempts - 1
    return await accounts.declines(db, payment.account_id)


async def abandon(db: Connection, payment: PaymentRow, *, now: datetime) -> None:
    """Free a locked payment's obligations: it is certain that it can no longer succeed."""
    check_arrow(payment.state, PaymentState.ABANDONED)
    parts = await payments.held_parts(db, payment.payment_id)
    rows = await obligations.lock(db, list(parts))
    await payments.release_parts(db, payment.payment_id)
    await obligations.write_sums(db, [obligation.release(row.money) for row in rows], now=now)
    await payments.move(
        db, msgspec.structs.replace(payment, state=PaymentState.ABANDONED, due_at=None), now=now
    )
    await notices.call_off_about(db, payment.payment_id)
    await accounts.poke_owners(db, list(parts))
    if payment.account_id is not None:
        await accounts.wake(db, payment.account_id, now=now)


async def _card_is_newer(
    db: Connection, payment: PaymentRow, attempt: Attempt, step: NextStep
) -> bool:
    """Whether the driver left another card after a declined attempt had begun."""
    if step.dunning is None or payment.account_id is None:
        return False
    return await accounts.has_card_since(
        db, payment.account_id, gateway=payment.gateway, since=attempt.started_at
    )


def _moved(payment: PaymentRow, step: NextStep, outcome: Outcome) -> PaymentRow:
    ref = getattr(outcome, "payment_ref", None) or payment.payment_ref
    ended = isinstance(outcome, Declined) and outcome.ended
    return msgspec.structs.replace(
        payment,
        state=step.state,
        due_at=step.due_at,
        payment_ref=None if ended else ref,
        decline_class=step.decline_class,
        decline_code=step.decline_code,
    )


async def _finish_attempt(
    db: Connection,
    payment: PaymentRow,
    number: int,
    outcome: Outcome,
    step: NextStep,
    *,
    now: datetime,
) -> None:
    await attempts.finish(
        db,
        payment.payment_id,
        number,
        outcome=_ATTEMPT_OUTCOMES[type(outcome)],
        decline_class=step.decline_class,
        decline_code=step.decline_code,
        detail=getattr(outcome, "reason", ""),
        finished_at=None if isinstance(outcome, _UNDECIDED) else now,
    )


async def _capture(
    db: Connection,
    payment: PaymentRow,
    outcome: Succeeded,
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    check_arrow(payment.state, PaymentState.SUCCEEDED)
    if (outcome.amount_minor, outcome.currency) != (payment.amount_minor, payment.currency):
        raise CapturedAmountDiffersError(payment, outcome)
    parts = await payments.held_parts(db, payment.payment_id)
    rows = await obligations.lock(db, list(parts))
    captures = [_captured(payment, row, parts[row.money.obligation_id]) for row in rows]
    await payments.mark_captured(
        db,
        payment.payment_id,
        payment_ref=outcome.payment_ref,
        charge_ref=outcome.charge_ref,
        captured_at=outcome.captured_at,
        now=now,
    )
    await attempts.finish(
        db, payment.payment_id, payment.attempts, outcome="succeeded", finished_at=now
    )
    await obligations.write_sums(db, [part.obligation for part in captures], now=now)
    entry = entries.captured(
        captures,
        payment_id=payment.payment_id,
        gateway=payment.gateway,
        currency=payment.currency,
        booking=booking(
            settings, now=now, occurred_at=outcome.captured_at, trace_id=payment.trace_id
        ),
    )
    await ledger.append(db, [(new_id(now), entry)], now=now)
    await _return_excess(db, captures, gateway=gateway, settings=settings, now=now)
    await notices.call_off_about(db, payment.payment_id)
    if outcome.advanced:
        await advances.record(
            db,
            payment.payment_id,
            gateway=payment.gateway,
            advanced_at=outcome.captured_at,
            repaid_at=now if outcome.repaid else None,
            due_at=None if outcome.repaid else now,
        )
    if payment.account_id is not None and payment.method is PaymentMethodKind.CARD:
        # By card, so the card is good: declines are forgotten, and a suspension that one of them
        # caused, which may have been heard of before this success was.
        await accounts.restore(db, payment.account_id, now=now)
    else:
        await restore_paid_up(db, rows, now=now)


def _captured(payment: PaymentRow, row: ObligationRow, amount_minor: int) -> Capture:
    by_hand = payment.method is PaymentMethodKind.CHECKOUT
    if not by_hand and payment.account_id != row.account_id:
        # While the charge was under way the stay turned out to be another driver's.
        return obligation.capture_in_error(row.money, amount_minor=amount_minor)
    return obligation.capture(row.money, amount_minor=amount_minor)


async def _return_excess(
    db: Connection,
    captures: list[Capture],
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    for part in captures:
        if part.excess_minor:
            await return_credit(
                db,
                part.obligation.obligation_id,
                amount_minor=part.excess_minor,
                gateway=gateway,
                settings=settings,
                now=now,
            )
