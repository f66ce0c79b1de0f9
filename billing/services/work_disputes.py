"""Looking at bank disputes: ask how one stands, write it down, answer it with evidence.

However we hear of a dispute (webhook, list, report), the gateway is asked and its whole answer is
taken in at once, in one transaction under the dispute's lock; so order and number of the news do
not matter. What is answered is stored before it is sent.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from billing.core.attempt import Unknown
from billing.core.disputes import (
    ANSWERABLE,
    FINAL,
    DisputeState,
    check_dispute_arrow,
)
from billing.core.evidence import StayWitness
from billing.db import accounts, dispute_money, dispute_reads, disputes, obligations, payments
from billing.db.connection import Connection, Pool, transaction
from billing.db.dispute_money import DisputedPayment
from billing.db.disputes import DisputeFact, DisputeInHand, DisputeRow
from billing.dispute_gateway import DisputeGateway, DisputeReport
from billing.gateway import GatewayUnavailableError, RefundWording
from billing.notifications import NotificationKind
from billing.services.answer_dispute import note, prepare_answer
from billing.services.concurrently import each_apart
from billing.services.lose_dispute import book_movement, lose
from billing.services.notify import tell
from billing.services.refund import send_blocked_again
from billing.settings import BillingSettings
from billing.witness import Witness
from parking.core.ids import AccountId
from parking.core.money import Money

_log = structlog.get_logger(__name__)


class DisputeWorker:
    """Works the disputes of one gateway. Without a witness, evidence is what billing knows."""

    def __init__(
        self,
        pool: Pool,
        name: str,
        gateway: DisputeGateway,
        settings: BillingSettings,
        *,
        refunds: RefundWording,
        witness: Witness | None = None,
    ) -> None:
        self._pool = pool
        self._name = name
        self._gateway = gateway
        self._settings = settings
        self._refunds = refunds
        self._witness = witness

    async def work(self, *, now: datetime) -> int:
        """Look at a batch of due disputes; says how many."""
        settings = self._settings
        async with transaction(self._pool) as db:
            due = await disputes.claim_due(
                db,
                gateway=self._name,
                limit=settings.worker_concurrency,
                lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
                now=now,
            )
        await each_apart(due, lambda each: self._look(each, now=now), name="dispute")
        return len(due)

    async def _look(self, each: DisputeInHand, *, now: datetime) -> None:
        try:
            report = await self._gateway.look_up_dispute(each.dispute_ref)
        except GatewayUnavailableError:
            return  # The lease brings it back.
        if report is None:
            _log.warning("dispute_not_there", dispute_ref=each.dispute_ref)
            return  # The lease brings it back.
        await self._take_in(each.dispute_id, report, now=now)
        if report.state not in ANSWERABLE or report.answered:
            return
        witnesses = await self._ask_witness(each.dispute_id)
        async with transaction(self._pool) as db:
            sent = await prepare_answer(
                db,
                each.dispute_id,
                report,
                gateway=self._gateway,
                witnesses=witnesses,
                zone=self._settings.ledger_zone,
                now=now,
            )
        if sent is None or sent.answer is None or sent.idempotency_key is None:
            return
        answer = await self._gateway.answer_dispute(
            sent.answer, idempotency_key=sent.idempotency_key
        )
        if isinstance(answer, Unknown):
            _log.warning("dispute_answer_unknown", reason=answer.reason, **_names(each))
            async with transaction(self._pool) as db:
                wait = now + self._settings.pace.unknown_retry
                await disputes.postpone(db, each.dispute_id, due_at=wait)
            return
        await self._take_in(each.dispute_id, answer, now=now)

    async def _ask_witness(self, dispute_id: UUID) -> list[StayWitness]:
        """Ask what is known of the stays: between transactions, for the witness has its own."""
        if self._witness is None:
            return []
        async with transaction(self._pool) as db:
            stay_ids = await dispute_reads.stays_of(db, dispute_id)
        return await self._witness.tell(stay_ids)

    async def _take_in(self, dispute_id: UUID, report: DisputeReport, *, now: datetime) -> None:
        """Write down all that the gateway says of a dispute; what is known changes nothing."""
        async with transaction(self._pool) as db:
            dispute = await disputes.lock(db, dispute_id)
            if dispute.state in FINAL:
                return
            payment = await dispute_money.lock_payment(
                db, self._name, payment_id=report.payment_id, charge_ref=report.charge_ref
            )
            if payment is None:
                _log.error("dispute_foreign", dispute_ref=report.dispute_ref)
                await disputes.close_foreign(db, dispute_id, reason=report.reason, now=now)
                return
            if payment.captured_at is None:
                # The bank was quicker than our knowing that the payment succeeded.
                await disputes.postpone(db, dispute_id, due_at=now + self._settings.pace.poll)
                await payments.poke(db, [(payment.payment_id, None)], gateway=self._name, now=now)
                return
            await self._store(db, dispute, payment, report, now=now)

    async def _store(
        self,
        db: Connection,
        dispute: DisputeRow,
        payment: DisputedPayment,
        report: DisputeReport,
        *,
        now: datetime,
    ) -> None:
        if dispute.known_at is None:
            await self._freeze(db, payment, now=now)
        for movement in report.movements:
            fact = DisputeFact(
                kind=movement.kind.value,
                ref=movement.ref,
                amount_minor=movement.amount_minor,
                fee_minor=movement.fee_minor,
                occurred_at=movement.moved_at,
            )
            if await note(db, dispute.dispute_id, fact, now=now):
                await book_movement(
                    db,
                    dispute,
                    payment,
                    movement,
                    currency=report.currency,
                    settings=self._settings,
                    now=now,
                )
        state = await self._reached(db, dispute, payment, report, now=now)
        check_dispute_arrow(dispute.state, state)
        over = state in FINAL
        poll = now + timedelta(seconds=self._settings.dispute_poll_seconds)
        stored = msgspec.structs.replace(
            dispute,
            payment_id=payment.payment_id,
            state=state,
            currency=report.currency,
            known_at=dispute.known_at or now,
            answered_at=dispute.answered_at or (now if report.answered else None),
        )
        await disputes.move(
            db,
            stored,
            reason=report.reason,
            amount_minor=report.amount_minor,
            answer_by=report.answer_by,
            due_at=None if over else poll,
            closed_at=now if over else None,
        )
        if state is not dispute.state:
            await self._moved(db, stored, payment, report, now=now)

    async def _reached(
        self,
        db: Connection,
        dispute: DisputeRow,
        payment: DisputedPayment,
        report: DisputeReport,
        *,
        now: datetime,
    ) -> DisputeState:
        """Say where a dispute stands for us: it is over only once its money is where it belongs."""
        before = DisputeState.UNDER_REVIEW
        net = await disputes.net_minor(db, dispute.dispute_id)
        match report.state:
            case DisputeState.LOST if net > 0:
                amount = Money(net, report.currency)
                if await lose(db, dispute, payment, amount, settings=self._settings, now=now):
                    return DisputeState.LOST
                return before
            case DisputeState.LOST if not report.movements:
                return before
            case DisputeState.WON if net:
                return before
            case state:
                return state

    async def _moved(
        self,
        db: Connection,
        dispute: DisputeRow,
        payment: DisputedPayment,
        report: DisputeReport,
        *,
        now: datetime,
    ) -> None:
        """Do what follows from a new state."""
        state = dispute.state
        fact = DisputeFact(
            kind="state",
            ref=f"{state.value} {now.isoformat()}",
            detail=report.reason,
            occurred_at=now,
        )
        await note(db, dispute.dispute_id, fact, now=now)
        _log.info("dispute_moved", state=state.value, dispute_ref=dispute.dispute_ref)
        if state not in FINAL:
            return
        if state is not DisputeState.LOST:
            await send_blocked_again(db, payment.payment_id, gateway=self._refunds, now=now)
        elif payment.account_id is not None:
            amount = Money(report.amount_minor, report.currency)
            await self._let_card_go(db, payment.account_id, payment, amount, now=now)
        if payment.account_id is not None:
            await accounts.wake(db, payment.account_id, now=now)

    async def _let_card_go(
        self,
        db: Connection,
        account_id: AccountId,
        payment: DisputedPayment,
        amount: Money,
        *,
        now: datetime,
    ) -> None:
        """A card whose owner took its money back is not charged again."""
        gone = await dispute_reads.let_card_go(
            db, account_id, payment_id=payment.payment_id, now=now
        )
        if gone:
            await tell(
                db,
                NotificationKind.DISPUTE_LOST,
                account_id=account_id,
                about=payment.payment_id,
                parameters={"amount": str(amount)},
                now=now,
            )

    async def _freeze(self, db: Connection, payment: DisputedPayment, *, now: datetime) -> None:
        """Collect nothing more of these stays, nor from this card, until the bank has decided."""
        rows = await obligations.lock_of_payment(db, payment.payment_id)
        held = [row.money.obligation_id for row in rows if row.money.held]
        if held:
            await payments.call_off_changed(db, held, now=now)
        if payment.account_id is not None:
            await dispute_reads.call_off_payments(db, payment.account_id, now=now)


def _names(each: DisputeInHand) -> dict[str, str]:
    return {"dispute_ref": each.dispute_ref}
