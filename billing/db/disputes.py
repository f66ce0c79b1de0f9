"""Banks' disputes as rows: how each stands, and each fact about it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.disputes import DisputeState
from billing.db.connection import Connection, rows_changed
from billing.gateway_request import GatewayRequest
from parking.core.ids import PaymentId

_HEAR = """
INSERT INTO billing.dispute (dispute_id, gateway, dispute_ref, state, heard_at, due_at)
SELECT n.id, $1, n.ref, 'heard', $4, $4 FROM unnest($2::uuid[], $3::text[]) AS n (id, ref)
ON CONFLICT (gateway, dispute_ref) DO UPDATE SET due_at = least(dispute.due_at, excluded.due_at)
WHERE dispute.due_at IS NOT NULL
"""

_HEAR_FROM_REPORT = """
SELECT DISTINCT t.source_ref FROM billing.gateway_transaction AS t
WHERE t.gateway = $1 AND t.kind = 'dispute' AND t.created_at >= $2 AND NOT EXISTS (
    SELECT FROM billing.dispute AS d
    WHERE d.gateway = t.gateway AND d.dispute_ref = t.source_ref)
"""

_UNHEARD = """
SELECT n.ref FROM unnest($2::text[]) AS n (ref) WHERE NOT EXISTS (
    SELECT FROM billing.dispute AS d WHERE d.gateway = $1 AND d.dispute_ref = n.ref)
"""

_CLAIM = """
UPDATE billing.dispute SET due_at = $3 WHERE dispute_id IN (
    SELECT dispute_id FROM billing.dispute
    WHERE due_at <= $1 AND gateway = $2 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING dispute_id, dispute_ref
"""

_LOCK = """
SELECT dispute_id, gateway, dispute_ref, payment_id, state, currency, known_at, operation,
    parameters::text AS parameters, idempotency_key, answered_at
FROM billing.dispute WHERE dispute_id = $1 FOR UPDATE
"""

_MOVE = """
UPDATE billing.dispute
SET payment_id = $2, state = $3, reason = $4, amount_minor = $5, currency = $6, known_at = $7,
    answer_by = $8, answered_at = $9, due_at = $10, closed_at = $11
WHERE dispute_id = $1
"""

_CLOSE_FOREIGN = """
UPDATE billing.dispute
SET state = 'foreign', reason = $2, due_at = NULL, closed_at = $3 WHERE dispute_id = $1
"""

_POSTPONE = "UPDATE billing.dispute SET due_at = $2 WHERE dispute_id = $1 AND due_at IS NOT NULL"

_STORE_ANSWER = """
UPDATE billing.dispute
SET operation = $2, parameters = $3::text::json, idempotency_key = $4 WHERE dispute_id = $1
"""

_COUNT_SEND = "UPDATE billing.dispute SET sends = sends + 1 WHERE dispute_id = $1"

_FACT = """
INSERT INTO billing.dispute_fact
    (fact_id, dispute_id, kind, ref, amount_minor, fee_minor, detail, occurred_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (dispute_id, kind, ref) DO NOTHING
"""

_NET = """
SELECT coalesce(sum(CASE kind WHEN 'withdrawn' THEN amount_minor ELSE -amount_minor END), 0)::bigint
FROM billing.dispute_fact WHERE dispute_id = $1 AND kind IN ('withdrawn', 'reinstated')
"""


class DisputeInHand(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute that a worker looks at."""

    dispute_id: UUID
    dispute_ref: str


class DisputeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A locked dispute."""

    dispute_id: UUID
    gateway: str
    dispute_ref: str
    payment_id: PaymentId | None
    state: DisputeState
    currency: str | None
    known_at: datetime | None
    answer: GatewayRequest | None
    """Evidence or a concession, exactly as it is sent."""
    idempotency_key: str | None
    answered_at: datetime | None


class DisputeFact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a dispute: a state, money that moved, an answer of ours."""

    kind: str
    ref: str
    """Makes it the only one of its kind."""
    occurred_at: datetime
    amount_minor: int = 0
    fee_minor: int = 0
    detail: str = ""


async def hear(
    db: Connection, gateway: str, named: Sequence[tuple[UUID, str]], *, now: datetime
) -> None:
    """Have disputes looked at now, those never heard of included: (our id if new, their name)."""
    await db.execute(_HEAR, gateway, [each for each, _ in named], [ref for _, ref in named], now)


async def in_report(db: Connection, gateway: str, *, since: datetime) -> list[str]:
    """Name the disputes that the report tells of and nobody has heard of."""
    rows = await db.fetch(_HEAR_FROM_REPORT, gateway, since)
    return [row["source_ref"] for row in rows]


async def unheard(db: Connection, gateway: str, refs: Sequence[str]) -> list[str]:
    """Leave out of these names the disputes that are known."""
    rows = await db.fetch(_UNHEARD, gateway, list(refs))
    return [row["ref"] for row in rows]


async def claim_due(
    db: Connection, *, gateway: str, limit: int, lease_until: datetime, now: datetime
) -> list[DisputeInHand]:
    """Take disputes to be asked about; no other worker does before the lease is over."""
    return [
        DisputeInHand(dispute_id=row["dispute_id"], dispute_ref=row["dispute_ref"])
        for row in await db.fetch(_CLAIM, now, gateway, lease_until, limit)
    ]


async def lock(db: Connection, dispute_id: UUID) -> DisputeRow:
    """Lock a dispute."""
    row = await db.fetchrow(_LOCK, dispute_id)
    if row is None:
        raise LookupError(dispute_id)
    operation = row["operation"]
    return DisputeRow(
        dispute_id=row["dispute_id"],
        gateway=row["gateway"],
        dispute_ref=row["dispute_ref"],
        payment_id=row["payment_id"],
        state=DisputeState(row["state"]),
        currency=row["currency"],
        known_at=row["known_at"],
        answer=None if operation is None else GatewayRequest.stored(operation, row["parameters"]),
        idempotency_key=row["idempotency_key"],
        answered_at=row["answered_at"],
    )


async def move(
    db: Connection,
    dispute: DisputeRow,
    *,
    reason: str,
    amount_minor: int,
    answer_by: datetime | None,
    due_at: datetime | None,
    closed_at: datetime | None,
) -> None:
    """Store where a locked dispute stands."""
    await db.execute(
        _MOVE,
        dispute.dispute_id,
        dispute.payment_id,
        dispute.state.value,
        reason,
        amount_minor,
        dispute.currency,
        dispute.known_at,
        answer_by,
        dispute.answered_at,
        due_at,
        closed_at,
    )


async def close_foreign(db: Connection, dispute_id: UUID, *, reason: str, now: datetime) -> None:
    """Let go of a locked dispute that is about no payment of ours."""
    await db.execute(_CLOSE_FOREIGN, dispute_id, reason, now)


async def postpone(db: Connection, dispute_id: UUID, *, due_at: datetime) -> None:
    """Look at a live dispute at another time."""
    await db.execute(_POSTPONE, dispute_id, due_at)


async def store_answer(
    db: Connection, dispute_id: UUID, request: GatewayRequest, *, idempotency_key: str
) -> None:
    """Store what will be answered, exactly as it will be sent."""
    await db.execute(
        _STORE_ANSWER, dispute_id, request.operation, request.parameters_json, idempotency_key
    )


async def count_send(db: Connection, dispute_id: UUID) -> None:
    """Store, before the answer is sent, that it is."""
    await db.execute(_COUNT_SEND, dispute_id)


async def append_fact(
    db: Connection, fact_id: UUID, dispute_id: UUID, fact: DisputeFact, *, now: datetime
) -> bool:
    """Append what became known of a locked dispute; False where it was known."""
    tag = await db.execute(
        _FACT,
        fact_id,
        dispute_id,
        fact.kind,
        fact.ref,
        fact.amount_minor,
        fact.fee_minor,
        fact.detail,
        fact.occurred_at,
        now,
    )
    return rows_changed(tag) == 1


async def net_minor(db: Connection, dispute_id: UUID) -> int:
    """What the bank has taken and not given back, in minor units."""
    net: int = await db.fetchval(_NET, dispute_id)
    return net
