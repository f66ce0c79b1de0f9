"""A disputed payment as rows: its parts, its refunds, and what a lost dispute took of them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from billing.core.disputes import LostPart, OwedBack
from billing.core.settlement import DisputeBearer
from billing.db.connection import Connection
from parking.core.ids import AccountId, ObligationId, PaymentId

_PAYMENT = """
SELECT payment_id, account_id, state, captured_at, trace_id FROM billing.payment
WHERE gateway = $1 AND (payment_id = $2 OR charge_ref = $3)
ORDER BY payment_id = $2 DESC NULLS LAST LIMIT 1 FOR UPDATE
"""

# The contract that was in force on the day on which the payment was booked says who bears it.
_ALLOCATIONS = """
SELECT a.obligation_id, a.amount_minor, a.amount_minor - a.refunded_minor - a.lost_minor AS kept,
    (SELECT c.disputes_borne_by FROM billing.operator_contract AS c
     WHERE c.operator_id = o.operator_id AND c.effective_from <= $2
     ORDER BY c.effective_from DESC LIMIT 1) AS borne_by
FROM billing.payment_allocation AS a JOIN billing.obligation AS o USING (obligation_id)
WHERE a.payment_id = $1 AND a.state = 'captured' ORDER BY a.obligation_id FOR UPDATE OF a
"""

_BOOKED_ON = """
SELECT booked_on FROM billing.journal_entry WHERE kind = 'payment_captured' AND source = $1
"""

_OWED_BACK = """
SELECT refund_id, state, amount_minor - covered_minor AS left_minor FROM billing.refund
WHERE payment_id = $1 AND state NOT IN ('succeeded', 'superseded')
ORDER BY created_at, refund_id FOR UPDATE
"""

_COVER = """
UPDATE billing.refund
SET covered_minor = covered_minor + $2, due_at = NULL, finished_at = $3,
    state = CASE WHEN covered_minor + $2 = amount_minor THEN 'superseded' ELSE 'failed' END,
    detail = 'the bank gave it back in a dispute'
WHERE refund_id = $1
"""

_FAIL_BLOCKED = """
UPDATE billing.refund SET state = 'failed', finished_at = $2
WHERE payment_id = $1 AND state = 'blocked'
"""

_LOSE = """
UPDATE billing.payment_allocation
SET refunded_minor = refunded_minor + $3, lost_minor = lost_minor + $4
WHERE payment_id = $1 AND obligation_id = $2
"""

_PART = """
INSERT INTO billing.dispute_part (dispute_id, obligation_id, borne_by, lost_minor)
VALUES ($1, $2, $3, $4)
"""

_STORE_LOSS = """
UPDATE billing.dispute SET covered_minor = $2, excess_minor = $3 WHERE dispute_id = $1
"""


_LOST = """
SELECT a.payment_id, a.obligation_id, a.lost_minor, p.currency, p.trace_id
FROM billing.payment_allocation AS a JOIN billing.payment AS p USING (payment_id)
WHERE a.obligation_id = $1 AND a.lost_minor > 0
ORDER BY p.captured_at DESC, a.payment_id FOR UPDATE OF a
"""

_RECOVER = """
UPDATE billing.payment_allocation
SET refunded_minor = refunded_minor + $3, lost_minor = lost_minor - $3
WHERE payment_id = $1 AND obligation_id = $2
"""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What of a payment for an obligation was lost to a bank, at the platform's cost."""

    payment_id: PaymentId
    obligation_id: ObligationId
    lost_minor: int
    currency: str
    trace_id: str


class DisputedPayment(msgspec.Struct, frozen=True, kw_only=True):
    """The locked payment that a dispute is about."""

    payment_id: PaymentId
    account_id: AccountId | None
    captured_at: datetime | None
    """None: we do not know yet that it succeeded."""
    trace_id: str


class AllocationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A locked part of a payment; what is kept is neither given back nor lost. Minor units."""

    obligation_id: ObligationId
    amount_minor: int
    kept_minor: int
    bearer: DisputeBearer


class RefundsOwed(msgspec.Struct, frozen=True, kw_only=True):
    """What of a payment was to be refunded and has not been."""

    owed: tuple[OwedBack, ...]
    in_doubt: bool
    """One of them may have been made: its answer is not known yet."""


async def lock_payment(
    db: Connection, gateway: str, *, payment_id: PaymentId | None, charge_ref: str
) -> DisputedPayment | None:
    """Lock the payment that a dispute is about; None: it is not ours."""
    row = await db.fetchrow(_PAYMENT, gateway, payment_id, charge_ref)
    if row is None:
        return None
    return DisputedPayment(
        payment_id=PaymentId(row["payment_id"]),
        account_id=row["account_id"],
        captured_at=row["captured_at"] if row["state"] == "succeeded" else None,
        trace_id=row["trace_id"],
    )


async def lock_allocations(
    db: Connection, payment_id: PaymentId, *, default: DisputeBearer
) -> list[AllocationRow]:
    """Lock what a captured payment was for, and say who bears a loss of each part."""
    booked_on: date = await db.fetchval(_BOOKED_ON, str(payment_id))
    return [
        AllocationRow(
            obligation_id=ObligationId(row["obligation_id"]),
            amount_minor=row["amount_minor"],
            kept_minor=row["kept"],
            bearer=default if row["borne_by"] is None else DisputeBearer(row["borne_by"]),
        )
        for row in await db.fetch(_ALLOCATIONS, payment_id, booked_on)
    ]


async def lock_refunds(db: Connection, payment_id: PaymentId) -> RefundsOwed:
    """Lock the refunds of a payment that were not made; the oldest first."""
    rows = await db.fetch(_OWED_BACK, payment_id)
    return RefundsOwed(
        owed=tuple(
            OwedBack(refund_id=row["refund_id"], amount_minor=row["left_minor"]) for row in rows
        ),
        in_doubt=any(row["state"] in {"in_flight", "unknown", "pending"} for row in rows),
    )


async def cover_refunds(db: Connection, covered: Sequence[OwedBack], *, now: datetime) -> None:
    """Store that the bank has made these refunds for us, all or in part."""
    await db.executemany(
        _COVER, [(refund.refund_id, refund.amount_minor, now) for refund in covered]
    )


async def fail_blocked_refunds(db: Connection, payment_id: PaymentId, *, now: datetime) -> None:
    """Give up refunds that the gateway will never make: a person must see to the credit."""
    await db.execute(_FAIL_BLOCKED, payment_id, now)


async def store_loss(
    db: Connection,
    dispute_id: UUID,
    payment_id: PaymentId,
    parts: Sequence[LostPart],
    *,
    covered_minor: int,
    excess_minor: int,
) -> None:
    """Append what a lost dispute took of each obligation, and take it off its payment."""
    await db.execute(_STORE_LOSS, dispute_id, covered_minor, excess_minor)
    await db.executemany(
        _PART,
        [
            (dispute_id, part.obligation.obligation_id, part.bearer.value, part.lost_minor)
            for part in parts
        ],
    )
    await db.executemany(_LOSE, [_taken(payment_id, part) for part in parts])


def _taken(payment_id: PaymentId, part: LostPart) -> tuple[object, ...]:
    operators = part.bearer is DisputeBearer.OPERATOR
    returned, lost = (part.lost_minor, 0) if operators else (0, part.lost_minor)
    return payment_id, part.obligation.obligation_id, returned, lost


async def lock_lost(db: Connection, obligation_id: ObligationId) -> list[Lost]:
    """Lock what of an obligation's payments was lost at the platform's cost, the newest first."""
    return [
        Lost(**{name: row[name] for name in Lost.__struct_fields__})
        for row in await db.fetch(_LOST, obligation_id)
    ]


async def recover(db: Connection, lost: Lost, amount_minor: int) -> None:
    """Count part of what was lost as given back to the driver, who no longer owed it."""
    await db.execute(_RECOVER, lost.payment_id, lost.obligation_id, amount_minor)
