"""Payments, their attempts and what each is made up of. Whoever moves one holds its row lock."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from billing.core.attempt import DeclineClass
from billing.core.payment import PaymentMethodKind, PaymentState
from billing.db.connection import Connection, Row
from parking.core.ids import AccountId, ObligationId, PaymentId

_COLUMNS = """
p.payment_id, p.account_id, p.method, p.gateway, p.customer_ref, p.amount_minor, p.currency,
p.state, p.due_at, p.attempts, p.payment_ref, p.checkout_ref, p.checkout_url, p.return_url,
p.charge_ref, p.decline_class, p.decline_code, p.trace_id, p.created_at
"""

_INSERT = """
INSERT INTO billing.payment (payment_id, account_id, method, gateway, customer_ref, amount_minor,
    currency, state, due_at, return_url, trace_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
"""

_ALLOCATE = """
INSERT INTO billing.payment_allocation (payment_id, obligation_id, amount_minor, state)
VALUES ($1, $2, $3, 'held')
"""

_HOLD = """
UPDATE billing.obligation SET state = 'collecting', updated_at = $2
WHERE obligation_id = ANY($1::uuid[])
"""

_CLAIM = f"""
SELECT {_COLUMNS} FROM billing.payment AS p WHERE p.due_at <= $1 AND p.gateway = $2
ORDER BY p.due_at LIMIT $3 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - our own column list

_LOCK = f"SELECT {_COLUMNS} FROM billing.payment AS p WHERE payment_id = $1 FOR UPDATE"  # noqa: S608

_MOVE = """
UPDATE billing.payment
SET state = $2, due_at = $3, updated_at = $4, payment_ref = $5, decline_class = $6,
    decline_code = $7
WHERE payment_id = $1
"""

_POSTPONE = "UPDATE billing.payment SET due_at = $2 WHERE payment_id = $1"

_CAPTURED = """
UPDATE billing.payment
SET state = 'succeeded', due_at = NULL, payment_ref = $2, charge_ref = $3, captured_at = $4,
    updated_at = $5
WHERE payment_id = $1
"""

_OPENED = """
UPDATE billing.payment
SET state = 'open', checkout_ref = $2, checkout_url = $3, due_at = $4, updated_at = $5
WHERE payment_id = $1
"""

_ALLOCATIONS = """
SELECT a.obligation_id, a.amount_minor FROM billing.payment_allocation AS a
WHERE a.payment_id = $1 AND a.state = 'held'
"""

_END_HOLDS = """
UPDATE billing.payment_allocation SET state = $2 WHERE payment_id = $1 AND state = 'held'
"""

_HOLDER = """
SELECT payment_id FROM billing.payment_allocation WHERE obligation_id = $1 AND state = 'held'
"""

_POKE = """
UPDATE billing.payment AS p
SET due_at = least(p.due_at, $2), payment_ref = coalesce(p.payment_ref, n.payment_ref)
FROM unnest($3::uuid[], $4::text[]) AS n (payment_id, payment_ref)
WHERE p.gateway = $1 AND p.state IN ('unknown', 'pending', 'open', 'abandoning')
  AND (p.payment_id = n.payment_id
       OR (n.payment_id IS NULL AND p.payment_ref = n.payment_ref))
"""

_CALL_OFF_CHANGED = """
UPDATE billing.payment SET state = 'abandoning', due_at = $2, updated_at = $2
WHERE payment_id IN (
    SELECT p.payment_id FROM billing.payment AS p
    JOIN billing.payment_allocation AS a USING (payment_id)
    WHERE a.obligation_id = ANY($1::uuid[]) AND a.state = 'held'
      AND p.state IN ('ready', 'waiting', 'stopped')
    FOR UPDATE OF p SKIP LOCKED)
"""


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as it is stored."""

    payment_id: PaymentId
    account_id: AccountId | None
    method: PaymentMethodKind
    gateway: str
    customer_ref: str | None
    amount_minor: int
    currency: str
    state: PaymentState
    due_at: datetime | None
    attempts: int
    payment_ref: str | None
    checkout_ref: str | None
    checkout_url: str | None
    return_url: str | None
    charge_ref: str | None
    decline_class: DeclineClass | None
    decline_code: str | None
    trace_id: str
    created_at: datetime


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment to be stored, with the obligations that it will hold."""

    payment_id: PaymentId
    account_id: AccountId | None
    method: PaymentMethodKind
    gateway: str
    customer_ref: str | None
    currency: str
    state: PaymentState
    due_at: datetime
    return_url: str | None
    trace_id: str
    parts: tuple[tuple[ObligationId, int], ...]
    """Obligations and what of each is to be paid, in minor units."""

    @property
    def amount_minor(self) -> int:
        """What it comes to."""
        return sum(amount_minor for _, amount_minor in self.parts)


def read_row(row: Row) -> PaymentRow:
    """Read a row of the columns above."""
    decline = row["decline_class"]
    return PaymentRow(
        payment_id=PaymentId(row["payment_id"]),
        account_id=row["account_id"],
        method=PaymentMethodKind(row["method"]),
        gateway=row["gateway"],
        customer_ref=row["customer_ref"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        state=PaymentState(row["state"]),
        due_at=row["due_at"],
        attempts=row["attempts"],
        payment_ref=row["payment_ref"],
        checkout_ref=row["checkout_ref"],
        checkout_url=row["checkout_url"],
        return_url=row["return_url"],
        charge_ref=row["charge_ref"],
        decline_class=None if decline is None else DeclineClass(decline),
        decline_code=row["decline_code"],
        trace_id=row["trace_id"],
        created_at=row["created_at"],
    )


async def insert(db: Connection, payment: NewPayment, *, now: datetime) -> None:
    """Store a payment and let it hold its obligations, which the caller has locked as due."""
    await db.execute(
        _INSERT,
        payment.payment_id,
        payment.account_id,
        payment.method.value,
        payment.gateway,
        payment.customer_ref,
        payment.amount_minor,
        payment.currency,
        payment.state.value,
        payment.due_at,
        payment.return_url,
        payment.trace_id,
        now,
    )
    await db.executemany(
        _ALLOCATE, [(payment.payment_id, part, amount) for part, amount in payment.parts]
    )
    await db.execute(_HOLD, [obligation_id for obligation_id, _ in payment.parts], now)


async def lock_due(db: Connection, *, gateway: str, limit: int, now: datetime) -> list[PaymentRow]:
    """Lock the payments that must be looked at and that no other worker has."""
    return list(map(read_row, await db.fetch(_CLAIM, now, gateway, limit)))


async def lock(db: Connection, payment_id: PaymentId) -> PaymentRow:
    """Lock one payment."""
    row = await db.fetchrow(_LOCK, payment_id)
    if row is None:
        raise LookupError(payment_id)
    return read_row(row)


async def holder_of(db: Connection, obligation_id: ObligationId) -> PaymentId | None:
    """Say which payment holds an obligation, without a lock."""
    held_by: PaymentId | None = await db.fetchval(_HOLDER, obligation_id)
    return held_by


async def move(db: Connection, payment: PaymentRow, *, now: datetime) -> None:
    """Store a locked payment's state, its due time and what the gateway calls it."""
    await db.execute(
        _MOVE,
        payment.payment_id,
        payment.state.value,
        payment.due_at,
        now,
        payment.payment_ref,
        None if payment.decline_class is None else payment.decline_class.value,
        payment.decline_code,
    )


async def postpone(db: Connection, payment_id: PaymentId, *, due_at: datetime) -> None:
    """Put off the next look, for example while a worker is at it."""
    await db.execute(_POSTPONE, payment_id, due_at)


async def mark_captured(
    db: Connection,
    payment_id: PaymentId,
    *,
    payment_ref: str,
    charge_ref: str,
    captured_at: datetime,
    now: datetime,
) -> None:
    """Store that the money was taken."""
    await db.execute(_CAPTURED, payment_id, payment_ref, charge_ref, captured_at, now)
    await db.execute(_END_HOLDS, payment_id, "captured")


async def mark_opened(
    db: Connection,
    payment_id: PaymentId,
    *,
    checkout_ref: str,
    url: str,
    due_at: datetime,
    now: datetime,
) -> None:
    """Store the page that the driver was given."""
    await db.execute(_OPENED, payment_id, checkout_ref, url, due_at, now)


async def held_parts(db: Connection, payment_id: PaymentId) -> dict[ObligationId, int]:
    """Say what a payment holds: {obligation: amount in minor units}."""
    rows = await db.fetch(_ALLOCATIONS, payment_id)
    return {ObligationId(row["obligation_id"]): row["amount_minor"] for row in rows}


async def release_parts(db: Connection, payment_id: PaymentId) -> None:
    """End a payment's holds without money."""
    await db.execute(_END_HOLDS, payment_id, "released")


async def poke(
    db: Connection,
    hints: Sequence[tuple[PaymentId | None, str | None]],
    *,
    gateway: str,
    now: datetime,
) -> None:
    """Have payments looked at now where that can bring something; (our, the gateway's) names."""
    await db.execute(
        _POKE, gateway, now, [ours for ours, _ in hints], [theirs for _, theirs in hints]
    )


async def call_off_changed(
    db: Connection, obligation_ids: Sequence[ObligationId], *, now: datetime
) -> None:
    """Call off resting payments whose obligations are no longer what was gathered.

    One that is locked is being moved right now; it is checked again before its next attempt.
    """
    await db.execute(_CALL_OFF_CHANGED, list(obligation_ids), now)
