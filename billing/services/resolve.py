"""Finding out what became of an attempt: ask by name, send the same again, or look for it.

A key is good for a day. While it is, the same request under the same key is the surest question;
after that, what the gateway has never heard of was never executed.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from billing.core.attempt import NotExecuted, Outcome, Pending, Succeeded, Unknown
from billing.db.attempts import Attempt
from billing.db.payments import PaymentRow
from billing.gateway import PaymentProvider
from billing.settings import BillingSettings

Answer = TypeVar("Answer")


async def send_or_look(
    send: Callable[[], Awaitable[Answer | Unknown]],
    look: Callable[[], Awaitable[Answer | Unknown | None]],
    *,
    alive: bool,
) -> Answer | Unknown | NotExecuted:
    """Send what is to be done once, or find out what became of it.

    `send` sends it under its key, `look` looks for it by its name (None: it is not there), and
    `alive` says whether the key still holds; where it does not, what is not there never will be.
    """
    answer: Answer | Unknown = Unknown(reason="the key is too old to send again")
    if alive:
        answer = await send()
        if not isinstance(answer, Unknown) or answer.conclusive_later:
            return answer
    found = await look()
    if found is not None:
        return found
    return answer if alive else NotExecuted(reason="the gateway never heard of it")


def key_is_alive(attempt: Attempt, settings: BillingSettings, *, now: datetime) -> bool:
    """Whether the gateway still knows the attempt's key."""
    return now - attempt.started_at < timedelta(seconds=settings.key_lifetime_seconds)


async def resolve(
    gateway: PaymentProvider,
    settings: BillingSettings,
    payment: PaymentRow,
    attempt: Attempt,
    *,
    now: datetime,
) -> Outcome:
    """Find out what became of an attempt by card; Unknown if it cannot be known yet."""
    if payment.payment_ref is not None:
        outcome = await gateway.look_up(payment.payment_ref, payment_id=payment.payment_id)
        if isinstance(outcome, Succeeded | Pending):
            return outcome
    alive = key_is_alive(attempt, settings, now=now)
    if alive:
        outcome = await gateway.charge(attempt.request, idempotency_key=attempt.idempotency_key)
        if not isinstance(outcome, Unknown) or outcome.conclusive_later:
            return outcome
    found = await _look(gateway, payment, attempt)
    if alive and isinstance(found, NotExecuted):
        return Unknown(reason="not there yet", conclusive_later=False)
    return found


async def _look(gateway: PaymentProvider, payment: PaymentRow, attempt: Attempt) -> Outcome:
    if payment.payment_ref is not None:
        return await gateway.look_up(payment.payment_ref, payment_id=payment.payment_id)
    return await gateway.find(
        attempt.request,
        payment_id=payment.payment_id,
        since=attempt.started_at,
    )
