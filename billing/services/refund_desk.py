"""Refunds that a gateway refused for good: a person sends them again, or has settled them.

Both take a refund that is definitely not made: `failed` is only ever said after a definite answer.
The row lock and the state decide between two people at once, so one credit is given back once.
"""

from enum import Enum
from uuid import UUID

import structlog

from billing.core import entries
from billing.db import case_notes, failed_refunds, ledger, refunds
from billing.db.case_notes import CaseNote
from billing.db.connection import Connection, Pool, reading, transaction
from billing.db.failed_refunds import RefundView
from billing.gateway import RefundWording
from billing.services.claims import Clock
from billing.services.days import booking
from billing.services.ids import new_id
from billing.services.refund import worded
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import OperatorId
from parking.core.money import Money

_log = structlog.get_logger(__name__)
_LISTED_MAX = 500


class Means(Enum):
    """How a driver got the money back outside the gateway."""

    BANK_TRANSFER = "bank_transfer"
    CASH = "cash"
    OTHER = "other"


class RefundNotFoundError(DomainError):
    """There is no such refund."""

    def __init__(self, refund_id: UUID) -> None:
        super().__init__(f"there is no refund {refund_id}")


class RefundNotFailedError(DomainError):
    """Only a refund that the gateway definitely refused is a person's to see to."""

    def __init__(self, refund: RefundView) -> None:
        super().__init__(f"refund {refund.refund_id} is {refund.state}: {refund.detail}")


class RefundDesk:
    """Where people see to failed refunds."""

    def __init__(
        self, pool: Pool, gateway: RefundWording, settings: BillingSettings, clock: Clock
    ) -> None:
        self._pool = pool
        self._gateway = gateway
        self._settings = settings
        self._clock = clock

    async def failed(self, operator_id: OperatorId | None) -> list[RefundView]:
        """List an operator's failed refunds, or all, the oldest first."""
        async with reading(self._pool) as db:
            return await failed_refunds.listed(db, operator_id, limit=_LISTED_MAX)

    async def show(self, refund_id: UUID) -> tuple[RefundView, list[CaseNote]]:
        """Read a refund with what was said about it. Raises RefundNotFoundError."""
        async with reading(self._pool) as db:
            found = await failed_refunds.read(db, refund_id)
            if found is None:
                raise RefundNotFoundError(refund_id)
            return found, await case_notes.of_case(db, refund_id)

    async def send_again(self, refund_id: UUID, *, by: str, reason: str) -> UUID:
        """Have what is left of it sent anew, under another id and key; answers the new id.

        The old key would answer the old refusal for ever. Raises RefundNotFoundError,
        RefundNotFailedError.
        """
        now = self._clock()
        async with transaction(self._pool) as db:
            await self._lock_failed(db, refund_id)
            source = await failed_refunds.source_of(db, refund_id)
            new = new_id(now)
            await refunds.replace(
                db,
                refund_id,
                worded(self._gateway, source, new, amount_minor=source.left_minor),
                refund_id=new,
                idempotency_key=f"refund-{new}",
                now=now,
            )
            for case_id, text in (
                (refund_id, f"{reason} → {new}"),
                (new, f"{refund_id} → {reason}"),
            ):
                await case_notes.insert(
                    db,
                    new_id(now),
                    case_id=case_id,
                    said_by=by,
                    kind="sent_again",
                    text=text,
                    now=now,
                )
        _log.info("refund_sent_again", refund_id=str(refund_id), new=str(new), by=by)
        return new

    async def settle(self, refund_id: UUID, *, means: Means, by: str, note: str) -> None:
        """Record that the driver has the money by other means, from the platform's own account.

        Booked under the refund's id, so the note beside it explains the entry. Raises
        RefundNotFoundError, RefundNotFailedError.
        """
        now = self._clock()
        async with transaction(self._pool) as db:
            found = await self._lock_failed(db, refund_id)
            amount = Money(found.left_minor, found.currency)
            await failed_refunds.settle(
                db, refund_id, amount, means=means.value, note=note, by=by, now=now
            )
            entry = entries.refunded_by_hand(
                amount,
                refund_id=str(refund_id),
                booking=booking(self._settings, now=now, occurred_at=now, trace_id=found.trace_id),
            )
            await ledger.append(db, [(new_id(now), entry)], now=now)
            await case_notes.insert(
                db,
                new_id(now),
                case_id=refund_id,
                said_by=by,
                kind=means.value,
                text=note,
                now=now,
            )
        _log.info("refund_settled_by_hand", refund_id=str(refund_id), by=by)

    async def _lock_failed(self, db: Connection, refund_id: UUID) -> RefundView:
        found = await failed_refunds.lock(db, refund_id)
        if found is None:
            raise RefundNotFoundError(refund_id)
        if found.state != "failed":
            raise RefundNotFailedError(found)
        return found
