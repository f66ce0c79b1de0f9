"""What Stripe's objects mean to billing. Pure."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

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
from billing.gateway import (
    CalledOff,
    CallOffAnswer,
    CheckoutOpened,
    ForgedWebhookError,
    Notice,
    RefundAnswer,
    Refunded,
    RefundFailed,
    RefundPending,
)
from billing.providers.stripe.shapes import (
    ErrorShape,
    EventShape,
    IntentShape,
    RefundShape,
    SessionShape,
    decline_class_of,
)
from parking.core.ids import PaymentId


def outcome_of(intent: IntentShape) -> Outcome:
    """Read where a payment intent stands."""
    match intent.status:
        case "succeeded" if intent.charge_ref is not None:
            return Succeeded(
                payment_ref=intent.id,
                charge_ref=intent.charge_ref,
                amount_minor=intent.amount_received,
                currency=intent.currency.upper(),
                captured_at=datetime.fromtimestamp(intent.charged_at, UTC),
            )
        case "processing" | "requires_capture":
            return Pending(payment_ref=intent.id)
        case "requires_action" | "requires_confirmation":
            return ActionRequired(payment_ref=intent.id, code=intent.status)
        case "canceled":
            return Declined(decline_class=DeclineClass.REFUSED, code="canceled", ended=True)
        case "requires_payment_method":
            return _unpaid(intent)
        case _:
            return Unknown(reason=f"the payment intent is {intent.status}")


def _unpaid(intent: IntentShape) -> Outcome:
    if intent.last_payment_error is None:
        return NotExecuted(reason="made, but never confirmed")
    return decline(intent.last_payment_error, payment_ref=intent.id)


def decline(error: ErrorShape, *, payment_ref: str | None) -> Outcome:
    """Read why a card was declined."""
    code = error.decline_code or error.code or "unknown"
    if "authentication_required" in {error.code, error.decline_code} and payment_ref is not None:
        return ActionRequired(payment_ref=payment_ref)
    return Declined(decline_class=decline_class_of(code), code=code, payment_ref=payment_ref)


def call_off_answer(outcome: Outcome) -> CallOffAnswer:
    """Read what a payment intent that would not be cancelled is instead."""
    match outcome:
        case Succeeded() | Pending() | Unknown():
            return outcome
        case Declined(code="canceled"):
            return CalledOff()
        case _:
            return Unknown(reason="neither cancelled nor paid")


def page_opened(page: SessionShape) -> CheckoutOpened:
    """Read a new page."""
    return CheckoutOpened(checkout_ref=page.id, url=page.url or "")


def refund_answer(refund: RefundShape) -> RefundAnswer:
    """Read where a refund stands."""
    match refund.status:
        case "succeeded":
            return Refunded(
                refund_ref=refund.id, refunded_at=datetime.fromtimestamp(refund.created, UTC)
            )
        case "failed" | "canceled":
            return RefundFailed(reason=refund.failure_reason or refund.status)
        case _:
            return RefundPending(refund_ref=refund.id)


def notice(body: bytes) -> Notice:
    """Read a webhook whose signature was verified."""
    try:
        event = msgspec.json.decode(body, type=EventShape)
    except msgspec.MsgspecError as error:
        reason = "it is not an event"
        raise ForgedWebhookError(reason) from error
    about = event.data.object
    metadata = about.metadata or {}
    payment_id, setup_id, refund_id = (
        _uuid(metadata.get(name)) for name in ("payment_id", "setup_id", "refund_id")
    )
    return Notice(
        event_ref=event.id,
        kind=event.type,
        object_ref=about.id,
        payment_id=None if payment_id is None else PaymentId(payment_id),
        setup_id=setup_id,
        refund_id=refund_id,
        dispute_ref=about.id if about.object == "dispute" else None,
        payment_ref=about.id if about.object == "payment_intent" else about.payment_intent,
        account_ref=event.account,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
