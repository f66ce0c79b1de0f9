"""Paying one stay by hand, on the gateway's own page; and never twice.

An obligation is held by one payment at a time. A charge under way keeps the page shut (409); a
charge that rests after a decline is called off first; a page that is open keeps the charge away
until it is paid or closed.
"""

from datetime import datetime, timedelta

import msgspec

from billing.core.attempt import Declined, NotExecuted, Outcome
from billing.core.obligation import ObligationState, hold
from billing.core.payment import FINAL, PaymentMethodKind, PaymentState
from billing.db import attempts, obligations, payments
from billing.db.attempts import Attempt
from billing.db.connection import Connection, Pool, transaction
from billing.db.obligations import ObligationRow
from billing.db.payments import NewPayment, PaymentRow
from billing.gateway import (
    CheckoutOpened,
    CheckoutOrder,
    CheckoutProgress,
    GatewayRefusedError,
    GatewayUnavailableError,
    PageExpired,
    PageOpen,
    PaymentGateway,
    RefundWording,
)
from billing.gateways import Providers, together
from billing.services.call_off import call_off
from billing.services.ids import new_id
from billing.services.settle_payment import abandon, settle
from billing.services.write_off import reinstate
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import PaymentId, StayId
from parking.core.plate import mask_plate

_TURNS = 3
# Stripe refuses pages that close earlier than half an hour from now.
_PAGE_LIFE_MIN = timedelta(minutes=31)


class ObligationNotFoundError(DomainError):
    """No fee of this stay has reached billing."""

    def __init__(self, stay_id: StayId) -> None:
        super().__init__(f"nothing is known of a fee for stay {stay_id}")


class NothingOwedError(DomainError):
    """The stay is paid, free, or was credited."""

    def __init__(self, stay_id: StayId, state: ObligationState) -> None:
        super().__init__(f"nothing is owed for stay {stay_id}: it is {state.value}")


class PaymentInProgressError(DomainError):
    """A payment for this stay is under way; its outcome must be known before another is begun."""

    def __init__(self, stay_id: StayId) -> None:
        super().__init__(f"a payment for stay {stay_id} is under way; look again in a moment")


class BelowMinimumError(DomainError):
    """The gateway does not take so small a sum by itself."""

    def __init__(self, *, amount_minor: int, minimum_minor: int, currency: str) -> None:
        super().__init__(
            f"{amount_minor} is less than the {minimum_minor} (minor units, {currency}) "
            "that can be paid by card at once"
        )


class _Send(msgspec.Struct, frozen=True):
    payment: PaymentRow
    attempt: Attempt


class _CallOff(msgspec.Struct, frozen=True):
    payment: PaymentRow


async def pay_by_hand(
    pool: Pool,
    gateway: PaymentGateway | Providers,
    settings: BillingSettings,
    *,
    stay_id: StayId,
    return_url: str,
    now: datetime,
) -> str:
    """Give the address of a page on which the stay can be paid; the same one while it is open."""
    providers = together(gateway)
    pages = providers.gateway
    for _ in range(_TURNS):
        async with transaction(pool) as db:
            plan = await _plan(db, pages, settings, stay_id, return_url, now=now)
        match plan:
            case _Send():
                return await _open(pool, pages, settings, plan, now=now)
            case _CallOff():
                payment = plan.payment
                provider = providers.named(payment.gateway)
                await call_off(pool, provider, settings, payment, refunds=providers, now=now)
            case str():
                return plan
    raise PaymentInProgressError(stay_id)


async def _plan(
    db: Connection,
    gateway: PaymentGateway,
    settings: BillingSettings,
    stay_id: StayId,
    return_url: str,
    *,
    now: datetime,
) -> _Send | _CallOff | str:
    row = await obligations.of_stay(db, stay_id)
    if row is None:
        raise ObligationNotFoundError(stay_id)
    holder_id = await payments.holder_of(db, row.money.obligation_id)
    if holder_id is not None:
        holder = await payments.lock(db, holder_id)
        way = await _past_holder(db, holder, stay_id, settings=settings, now=now)
        if way is not None:
            return way
    (row,) = await obligations.lock(db, [row.money.obligation_id])
    return await _begin(db, gateway, settings, row, return_url, now=now)


async def _past_holder(
    db: Connection,
    holder: PaymentRow,
    stay_id: StayId,
    *,
    settings: BillingSettings,
    now: datetime,
) -> _Send | _CallOff | str | None:
    """Decide by what the payment that holds the obligation is doing; None: the way is free."""
    by_hand = holder.method is PaymentMethodKind.CHECKOUT
    match holder.state:
        case state if state in FINAL:
            return None
        case PaymentState.OPEN if holder.checkout_url and now < holder.created_at + timedelta(
            seconds=settings.checkout_hold_seconds
        ):
            return holder.checkout_url
        case PaymentState.IN_FLIGHT | PaymentState.UNKNOWN if by_hand:
            attempt = await attempts.newest(db, holder.payment_id)
            if attempt is None:
                raise PaymentInProgressError(stay_id)
            await attempts.count_send(db, holder.payment_id, attempt.number)
            return _Send(holder, attempt)
        case PaymentState.READY:
            await abandon(db, holder, now=now)
            return None
        case PaymentState.WAITING | PaymentState.STOPPED:
            calling_off = msgspec.structs.replace(holder, state=PaymentState.ABANDONING, due_at=now)
            await payments.move(db, calling_off, now=now)
            return _CallOff(calling_off)
        case PaymentState.ABANDONING:
            return _CallOff(holder)
        case _:
            raise PaymentInProgressError(stay_id)


async def _begin(
    db: Connection,
    gateway: PaymentGateway,
    settings: BillingSettings,
    row: ObligationRow,
    return_url: str,
    *,
    now: datetime,
) -> _Send:
    """Store a payment by hand and its request; the obligation is locked."""
    if row.money.held:
        raise PaymentInProgressError(row.stay_id)
    if row.money.state is ObligationState.WRITTEN_OFF:
        reason = "the driver pays by hand"
        row = await reinstate(db, row, settings=settings, said_by="driver", reason=reason, now=now)
    if row.money.state is not ObligationState.DUE:
        raise NothingOwedError(row.stay_id, row.money.state)
    hold(row.money)
    amount_minor = row.money.outstanding_minor
    if amount_minor < settings.payment_minimum_minor:
        raise BelowMinimumError(
            amount_minor=amount_minor,
            minimum_minor=settings.payment_minimum_minor,
            currency=row.currency,
        )
    payment_id = PaymentId(new_id(now))
    lease = now + timedelta(seconds=settings.attempt_lease_seconds)
    payment = NewPayment(
        payment_id=payment_id,
        account_id=None,
        method=PaymentMethodKind.CHECKOUT,
        gateway=gateway.name,
        customer_ref=None,
        currency=row.currency,
        state=PaymentState.READY,
        due_at=lease,
        return_url=return_url,
        trace_id=row.trace_id,
        parts=((row.money.obligation_id, amount_minor),),
    )
    await payments.insert(db, payment, now=now)
    stored = await payments.lock(db, payment_id)
    attempt = await attempts.start(
        db,
        stored,
        gateway.checkout_request(
            CheckoutOrder(
                payment_id=payment_id,
                amount_minor=amount_minor,
                currency=row.currency,
                title=f"停车费 Parking · {mask_plate(row.plate)}",
                return_url=return_url,
                expires_at=now + _page_life(settings),
                trace_id=row.trace_id,
            )
        ),
        idempotency_key=f"payment-{payment_id}-1",
        due_at=lease,
        now=now,
    )
    return _Send(stored, attempt)


def _page_life(settings: BillingSettings) -> timedelta:
    return max(_PAGE_LIFE_MIN, timedelta(seconds=settings.checkout_hold_seconds + 60))


async def _open(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, plan: _Send, *, now: datetime
) -> str:
    url = await send_checkout(pool, gateway, settings, plan.payment, plan.attempt, now=now)
    if url is None:
        reason = "the page could not be made yet"
        raise GatewayUnavailableError(reason)
    return url


async def send_checkout(
    pool: Pool,
    gateway: PaymentGateway,
    settings: BillingSettings,
    payment: PaymentRow,
    attempt: Attempt,
    *,
    now: datetime,
) -> str | None:
    """Ask for the page, perhaps once more; its address, or None where the answer was lost."""
    outcome: Outcome
    if now >= payment.created_at + _page_life(settings):
        outcome = NotExecuted(reason="the page would be closed by now")
    else:
        answer = await gateway.open_checkout(
            attempt.request, idempotency_key=attempt.idempotency_key
        )
        if isinstance(answer, CheckoutOpened):
            return await _opened(pool, settings, payment, attempt, answer, now=now)
        outcome = answer
    async with transaction(pool) as db:
        await settle(db, payment.payment_id, outcome, gateway=gateway, settings=settings, now=now)
    if isinstance(outcome, Declined):
        raise GatewayRefusedError(outcome.code)
    return None


async def _opened(
    pool: Pool,
    settings: BillingSettings,
    payment: PaymentRow,
    attempt: Attempt,
    answer: CheckoutOpened,
    *,
    now: datetime,
) -> str:
    async with transaction(pool) as db:
        current = await payments.lock(db, payment.payment_id)
        if current.state in {PaymentState.IN_FLIGHT, PaymentState.UNKNOWN}:
            await payments.mark_opened(
                db,
                payment.payment_id,
                checkout_ref=answer.checkout_ref,
                url=answer.url,
                due_at=now + settings.pace.poll,
                now=now,
            )
            await attempts.finish(
                db, payment.payment_id, attempt.number, outcome="opened", finished_at=None
            )
    return answer.url


async def settle_checkout(
    db: Connection,
    payment_id: PaymentId,
    progress: CheckoutProgress,
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Write down what came of a page."""
    match progress:
        case PageOpen():
            return
        case PageExpired():
            payment = await payments.lock(db, payment_id)
            if payment.state is PaymentState.OPEN:
                await attempts.finish(
                    db, payment_id, payment.attempts, outcome="abandoned", finished_at=now
                )
                await abandon(db, payment, now=now)
        case outcome:
            await settle(db, payment_id, outcome, gateway=gateway, settings=settings, now=now)
