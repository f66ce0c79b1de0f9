"""Looking at the payments that are due: attempt, send again, look up, ask, call off.

Three steps, each of which may be the last before a crash: in one transaction take the payment and
store exactly what will be sent; send it; in another transaction write down what came of it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec
import structlog

from billing.core.attempt import Outcome, Unknown
from billing.core.payment import PaymentMethodKind, PaymentState
from billing.db import attempts, payments
from billing.db.attempts import Attempt
from billing.db.connection import Connection, Pool, transaction
from billing.db.payments import PaymentRow
from billing.gateway import (
    CheckoutProgress,
    PageOpen,
    PaymentGateway,
    PaymentProvider,
    RefundWording,
)
from billing.services.call_off import call_off
from billing.services.concurrently import each_apart
from billing.services.pay_by_hand import send_checkout, settle_checkout
from billing.services.prepare_attempt import prepare_attempt
from billing.services.resolve import resolve
from billing.services.settle_payment import settle
from billing.settings import BillingSettings
from parking.core.errors import DomainError

_log = structlog.get_logger(__name__)


class PaymentWork(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that a worker has in hand, under a lease."""

    payment: PaymentRow
    attempt: Attempt | None
    fresh: bool
    """The attempt was stored a moment ago and has never been sent."""


class NoPagesError(DomainError):
    """A payment by hand at a provider that has no pages: it was never made by this code."""

    def __init__(self, gateway: str) -> None:
        super().__init__(f"{gateway} has no pages on which anything is paid by hand")


_Look: TypeAlias = Callable[[PaymentWork, datetime], Awaitable[None]]


class PaymentWorker:
    """Works the payments of one gateway."""

    def __init__(
        self,
        pool: Pool,
        gateway: PaymentProvider,
        settings: BillingSettings,
        *,
        refunds: RefundWording | None = None,
    ) -> None:
        """Without wording of others' refunds, this gateway must be the only one there ever was."""
        self._pool = pool
        self._gateway = gateway
        self._refunds = refunds or gateway
        self._settings = settings
        self._looks: dict[PaymentState, _Look] = {
            PaymentState.READY: self._attempt,
            PaymentState.WAITING: self._attempt,
            PaymentState.IN_FLIGHT: self._attempt,
            PaymentState.UNKNOWN: self._attempt,
            PaymentState.PENDING: self._ask,
            PaymentState.OPEN: self._ask_page,
            PaymentState.ABANDONING: self._call_off,
        }

    @property
    def _pages(self) -> PaymentGateway:
        if self._gateway.pages is None:
            raise NoPagesError(self._gateway.name)
        return self._gateway.pages

    async def work(self, *, now: datetime) -> int:
        """Look at due payments, as many at once as the settings allow; says how many.

        What is due beyond that comes next, before any other work: a round is dear beside a charge.
        """
        done = 0
        while True:
            taken, works = await self.take(now=now)
            await each_apart(works, lambda work: self.carry_out(work, now=now), name="payment")
            done += taken
            if taken < self._settings.worker_concurrency or done >= self._settings.worker_batch:
                return done

    async def take(self, *, now: datetime) -> tuple[int, list[PaymentWork]]:
        """Take due payments under a lease and store what is about to be sent: the first step.

        Answers how many were due, and what is left to carry out.
        """
        async with transaction(self._pool) as db:
            due = await payments.lock_due(
                db,
                gateway=self._gateway.name,
                limit=self._settings.worker_concurrency,
                now=now,
            )
            works = [await self._prepare_apart(db, payment, now=now) for payment in due]
        return len(due), [work for work in works if work is not None]

    async def carry_out(self, work: PaymentWork, *, now: datetime) -> None:
        """Send or ask, then write down what came of it: the second and third step."""
        await self._looks[work.payment.state](work, now)

    async def _prepare_apart(
        self, db: Connection, payment: PaymentRow, *, now: datetime
    ) -> PaymentWork | None:
        """Prepare one payment; one that cannot be prepared must not stop its neighbours."""
        try:
            async with db.transaction():
                return await self._prepare(db, payment, now=now)
        except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on
            _log.exception("payment_not_prepared", payment_id=str(payment.payment_id))
            later = now + self._settings.pace.unknown_retry_max
            await payments.postpone(db, payment.payment_id, due_at=later)
            return None

    async def _prepare(
        self, db: Connection, payment: PaymentRow, *, now: datetime
    ) -> PaymentWork | None:
        if payment.state in {PaymentState.READY, PaymentState.WAITING}:
            fresh = await prepare_attempt(
                db, payment, gateway=self._gateway, settings=self._settings, now=now
            )
            if fresh is None:
                return None
            return PaymentWork(payment=payment, attempt=fresh, fresh=True)
        lease = now + timedelta(seconds=self._settings.attempt_lease_seconds)
        await payments.postpone(db, payment.payment_id, due_at=lease)
        attempt = await attempts.newest(db, payment.payment_id)
        if attempt is not None and payment.state in {PaymentState.IN_FLIGHT, PaymentState.UNKNOWN}:
            await attempts.count_send(db, payment.payment_id, attempt.number)
        return PaymentWork(payment=payment, attempt=attempt, fresh=False)

    async def _attempt(self, work: PaymentWork, now: datetime) -> None:
        payment, attempt = work.payment, work.attempt
        if attempt is None:
            return
        if payment.method is PaymentMethodKind.CHECKOUT:
            await send_checkout(self._pool, self._pages, self._settings, payment, attempt, now=now)
            return
        if work.fresh:
            outcome = await self._gateway.charge(
                attempt.request, idempotency_key=attempt.idempotency_key
            )
        else:
            outcome = await resolve(self._gateway, self._settings, payment, attempt, now=now)
        await self._settle(payment, outcome, now=now)

    async def _ask(self, work: PaymentWork, now: datetime) -> None:
        payment = work.payment
        if payment.payment_ref is not None:
            outcome = await self._gateway.look_up(
                payment.payment_ref, payment_id=payment.payment_id
            )
            if not isinstance(outcome, Unknown):
                await self._settle(payment, outcome, now=now)

    async def _ask_page(self, work: PaymentWork, now: datetime) -> None:
        payment = work.payment
        if payment.checkout_ref is None:
            return
        hold = timedelta(seconds=self._settings.checkout_hold_seconds)
        over = payment.created_at + hold <= now
        ask = self._pages.expire_checkout if over else self._pages.look_up_checkout
        progress = await ask(payment.checkout_ref, payment_id=payment.payment_id)
        await self._settle_page(payment, progress, now=now)

    async def _settle_page(
        self, payment: PaymentRow, progress: CheckoutProgress, *, now: datetime
    ) -> None:
        async with transaction(self._pool) as db:
            if isinstance(progress, PageOpen | Unknown):
                end = payment.created_at + timedelta(seconds=self._settings.checkout_hold_seconds)
                wait = now + self._settings.pace.poll
                next_at = min(wait, end) if isinstance(progress, PageOpen) else wait
                await payments.postpone(db, payment.payment_id, due_at=next_at)
            else:
                await settle_checkout(
                    db,
                    payment.payment_id,
                    progress,
                    gateway=self._refunds,
                    settings=self._settings,
                    now=now,
                )

    async def _call_off(self, work: PaymentWork, now: datetime) -> None:
        await call_off(
            self._pool,
            self._gateway,
            self._settings,
            work.payment,
            refunds=self._refunds,
            now=now,
        )

    async def _settle(self, payment: PaymentRow, outcome: Outcome, *, now: datetime) -> None:
        async with transaction(self._pool) as db:
            await settle(
                db,
                payment.payment_id,
                outcome,
                gateway=self._refunds,
                settings=self._settings,
                now=now,
            )
