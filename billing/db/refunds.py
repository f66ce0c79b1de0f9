"""Refunds as rows, and which captured payment each is taken from."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection
from billing.gateway_request import GatewayRequest
from parking.core.ids import ObligationId, PaymentId

_REFUNDABLE = """
SELECT a.payment_id, p.payment_ref, p.charge_ref, p.currency, p.trace_id, p.gateway,
       p.amount_minor AS charged_minor,
       a.amount_minor - a.refunded_minor - a.lost_minor AS left_minor
FROM billing.payment_allocation AS a JOIN billing.payment AS p USING (payment_id)
WHERE a.obligation_id = $1 AND a.state = 'captured'
  AND a.amount_minor > a.refunded_minor + a.lost_minor
ORDER BY p.captured_at DESC, a.payment_id FOR UPDATE OF a
"""

_TAKE = """
UPDATE billing.payment_allocation SET refunded_minor = refunded_minor + $3
WHERE payment_id = $1 AND obligation_id = $2
"""

_INSERT = """
INSERT INTO billing.refund (refund_id, payment_id, obligation_id, gateway, amount_minor, currency,
    state, due_at, operation, parameters, idempotency_key, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'ready', $7, $8, $9::text::json, $10, $7)
"""

_CLAIM = """
UPDATE billing.refund AS r
SET due_at = $3, sends = r.sends + 1, started_at = coalesce(r.started_at, $1),
    state = CASE r.state WHEN 'ready' THEN 'in_flight' ELSE r.state END
FROM billing.payment AS p
WHERE p.payment_id = r.payment_id AND r.refund_id IN (
    SELECT refund_id FROM billing.refund
    WHERE due_at <= $1 AND gateway = $2 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING r.refund_id, r.payment_id, r.obligation_id, r.amount_minor, r.currency, r.state,
    r.operation, r.parameters::text AS parameters, r.idempotency_key, r.sends, r.started_at,
    p.payment_ref, p.trace_id
"""

_LOCK_STATE = "SELECT state FROM billing.refund WHERE refund_id = $1 FOR UPDATE"

_MOVE = """
UPDATE billing.refund
SET state = $2, due_at = $3, refund_ref = coalesce($4, refund_ref), detail = $5, finished_at = $6
WHERE refund_id = $1
"""

_BEGIN_AGAIN = """
UPDATE billing.refund SET state = 'ready', due_at = $2, started_at = NULL, detail = $3
WHERE refund_id = $1
"""

_POKE = """
UPDATE billing.refund SET due_at = least(due_at, $2)
WHERE refund_id = ANY($1::uuid[]) AND state IN ('unknown', 'pending')
"""


_DONE = frozenset({"succeeded", "failed", "superseded", "blocked"})


_BLOCKED = """
SELECT r.refund_id, r.payment_id, r.obligation_id, p.payment_ref, p.charge_ref, p.currency,
    p.trace_id, p.gateway, p.amount_minor AS charged_minor,
    r.amount_minor - r.covered_minor AS left_minor
FROM billing.refund AS r JOIN billing.payment AS p USING (payment_id)
WHERE r.payment_id = $1 AND r.state = 'blocked' ORDER BY r.created_at, r.refund_id FOR UPDATE OF r
"""

_REPLACE = """
INSERT INTO billing.refund (refund_id, payment_id, obligation_id, gateway, amount_minor, currency,
    state, due_at, operation, parameters, idempotency_key, created_at)
SELECT $2, payment_id, obligation_id, gateway, amount_minor - covered_minor, currency, 'ready', $7,
    $3, $4::text::json, $5, $6
FROM billing.refund WHERE refund_id = $1
"""

_REPLACED = """
UPDATE billing.refund
SET state = 'superseded', covered_minor = amount_minor, finished_at = $2, detail = $3
WHERE refund_id = $1
"""


class Refundable(msgspec.Struct, frozen=True, kw_only=True):
    """What a captured payment still has of an obligation."""

    payment_id: PaymentId
    payment_ref: str
    charge_ref: str
    currency: str
    trace_id: str
    gateway: str
    charged_minor: int
    """All that the payment came to."""
    left_minor: int


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that a worker has in hand."""

    refund_id: UUID
    payment_id: PaymentId
    obligation_id: ObligationId
    amount_minor: int
    currency: str
    state: str
    request: GatewayRequest
    idempotency_key: str
    sends: int
    started_at: datetime
    payment_ref: str
    trace_id: str


async def lock_refundable(db: Connection, obligation_id: ObligationId) -> list[Refundable]:
    """Lock the captured payments of an obligation, the newest first."""
    return [
        Refundable(
            payment_id=PaymentId(row["payment_id"]),
            payment_ref=row["payment_ref"],
            charge_ref=row["charge_ref"],
            currency=row["currency"],
            trace_id=row["trace_id"],
            gateway=row["gateway"],
            charged_minor=row["charged_minor"],
            left_minor=row["left_minor"],
        )
        for row in await db.fetch(_REFUNDABLE, obligation_id)
    ]


async def insert(
    db: Connection,
    request: GatewayRequest,
    *,
    refund_id: UUID,
    source: Refundable,
    obligation_id: ObligationId,
    amount_minor: int,
    idempotency_key: str,
    now: datetime,
) -> None:
    """Store a refund exactly as it will be asked for, and take it off what can be refunded."""
    await db.execute(_TAKE, source.payment_id, obligation_id, amount_minor)
    await db.execute(
        _INSERT,
        refund_id,
        source.payment_id,
        obligation_id,
        source.gateway,
        amount_minor,
        source.currency,
        now,
        request.operation,
        request.parameters_json,
        idempotency_key,
    )


async def claim_due(
    db: Connection, *, gateway: str, limit: int, lease_until: datetime, now: datetime
) -> list[RefundRow]:
    """Take refunds to be sent or asked about; no other worker does before the lease is over."""
    return [
        RefundRow(
            refund_id=row["refund_id"],
            payment_id=PaymentId(row["payment_id"]),
            obligation_id=ObligationId(row["obligation_id"]),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            state=row["state"],
            request=GatewayRequest.stored(row["operation"], row["parameters"]),
            idempotency_key=row["idempotency_key"],
            sends=row["sends"],
            started_at=row["started_at"],
            payment_ref=row["payment_ref"],
            trace_id=row["trace_id"],
        )
        for row in await db.fetch(_CLAIM, now, gateway, lease_until, limit)
    ]


async def lock_unfinished(db: Connection, refund_id: UUID) -> bool:
    """Lock a refund; False where it is finished already."""
    return await db.fetchval(_LOCK_STATE, refund_id) not in _DONE


async def move(
    db: Connection,
    refund_id: UUID,
    *,
    state: str,
    due_at: datetime | None,
    refund_ref: str | None = None,
    detail: str = "",
    finished_at: datetime | None = None,
) -> None:
    """Store where a locked refund stands."""
    await db.execute(_MOVE, refund_id, state, due_at, refund_ref, detail, finished_at)


async def begin_again(db: Connection, refund_id: UUID, *, due_at: datetime, detail: str) -> None:
    """Have a locked refund sent as if for the first time, under its own key."""
    await db.execute(_BEGIN_AGAIN, refund_id, due_at, detail)


async def poke(db: Connection, refund_ids: Sequence[UUID], *, now: datetime) -> None:
    """Have refunds asked about now."""
    await db.execute(_POKE, list(refund_ids), now)


async def lock_blocked(db: Connection, payment_id: PaymentId) -> list[tuple[UUID, Refundable]]:
    """Lock the refunds that wait for a bank's decision, with what each is taken from."""
    return [
        (
            row["refund_id"],
            Refundable(**{name: row[name] for name in Refundable.__struct_fields__}),
        )
        for row in await db.fetch(_BLOCKED, payment_id)
    ]


async def replace(
    db: Connection,
    old_id: UUID,
    request: GatewayRequest,
    *,
    refund_id: UUID,
    idempotency_key: str,
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    """Store another refund in the place of a locked one that was refused for good; due at once."""
    await db.execute(
        _REPLACE,
        old_id,
        refund_id,
        request.operation,
        request.parameters_json,
        idempotency_key,
        now,
        now if due_at is None else due_at,
    )
    await db.execute(_REPLACED, old_id, now, f"made anew as {refund_id}")
