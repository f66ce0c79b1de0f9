"""Payouts as rows: operators' accounts at the gateway, and transfers and their reversals."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from billing.db.connection import Connection, Row, rows_changed
from billing.gateway_request import GatewayRequest
from parking.core.ids import OperatorId

Shape = TypeVar("Shape", bound=msgspec.Struct)

_ACCOUNT = """
SELECT account_ref FROM billing.payout_account WHERE operator_id = $1 AND gateway = $2
ORDER BY recorded_at DESC, binding_id DESC LIMIT 1
"""

_BIND = """
INSERT INTO billing.payout_account (binding_id, operator_id, gateway, account_ref, said_by,
    recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_UNPAID = """
SELECT s.settlement_id, s.operator_id, s.settled_minor AS amount_minor, s.currency, a.account_ref
FROM billing.settlement AS s
CROSS JOIN LATERAL (
    SELECT account_ref FROM billing.payout_account AS a
    WHERE a.operator_id = s.operator_id AND a.gateway = $1
    ORDER BY recorded_at DESC, binding_id DESC LIMIT 1) AS a
WHERE s.settled_minor > 0 AND NOT EXISTS (
    SELECT FROM billing.payout AS p
    WHERE p.settlement_id = s.settlement_id AND p.reverses IS NULL
      AND (p.state <> 'failed' OR p.finished_at > $2))
ORDER BY s.cut_off_date, s.settlement_id LIMIT $3
"""

_INSERT = """
INSERT INTO billing.payout (payout_id, settlement_id, reverses, operator_id, gateway, account_ref,
    amount_minor, currency, said_by, reason, state, due_at, operation, parameters,
    idempotency_key, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'prepared', $11, $12, $13::text::json, $14, $11)
ON CONFLICT DO NOTHING
"""

# What is sent is in doubt until its answer is stored, so the state says so before it is sent.
_CLAIM = """
UPDATE billing.payout SET state = 'unknown', due_at = $3, sends = sends + 1,
    started_at = coalesce(started_at, $1)
WHERE payout_id IN (
    SELECT payout_id FROM billing.payout
    WHERE due_at <= $1 AND gateway = $2 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING *, parameters::text AS parameters_json
"""

_LOCK_STATE = "SELECT state FROM billing.payout WHERE payout_id = $1 FOR UPDATE"

_MOVE = """
UPDATE billing.payout
SET state = $2, due_at = $3, transfer_ref = $4, detail = $5, finished_at = $6
WHERE payout_id = $1
"""

_LOCK = "SELECT * FROM billing.payout WHERE payout_id = $1 AND operator_id = $2 FOR UPDATE"

_REVERSED = """
SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.payout
WHERE reverses = $1 AND state <> 'failed'
"""

_OF_SETTLEMENTS = """
SELECT payout_id, settlement_id, reverses, account_ref, amount_minor, state, transfer_ref, detail,
    said_by, reason, created_at, finished_at
FROM billing.payout WHERE settlement_id = ANY($1::uuid[]) ORDER BY created_at, payout_id
"""


class Unpaid(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement that is to be paid out, and to which account."""

    settlement_id: UUID
    operator_id: OperatorId
    amount_minor: int
    currency: str
    account_ref: str


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer, or with `reverses` the reversal of one. Sums in minor units."""

    payout_id: UUID
    settlement_id: UUID
    reverses: UUID | None
    operator_id: OperatorId
    gateway: str
    account_ref: str
    amount_minor: int
    currency: str
    said_by: str
    reason: str
    state: str
    idempotency_key: str
    sends: int
    transfer_ref: str | None
    created_at: datetime
    started_at: datetime | None


class PayoutInHand(msgspec.Struct, frozen=True, kw_only=True):
    """A payout that a worker has in hand, and the request as it is to be sent."""

    row: PayoutRow
    request: GatewayRequest
    started_at: datetime


class PayoutView(msgspec.Struct, frozen=True, kw_only=True):
    """How a settlement was paid out. Sums in minor units."""

    payout_id: UUID
    settlement_id: UUID
    reverses: UUID | None
    """The payout that this one takes back, all or in part."""
    account_ref: str
    amount_minor: int
    state: str
    transfer_ref: str | None
    detail: str
    said_by: str
    reason: str
    created_at: datetime
    finished_at: datetime | None


async def account_of(db: Connection, operator_id: OperatorId, gateway: str) -> str | None:
    """Name the account at the gateway to which an operator is paid."""
    account_ref: str | None = await db.fetchval(_ACCOUNT, operator_id, gateway)
    return account_ref


async def bind_account(
    db: Connection,
    binding_id: UUID,
    operator_id: OperatorId,
    *,
    gateway: str,
    account_ref: str,
    said_by: str,
    now: datetime,
) -> None:
    """Append to which account an operator is paid from now on."""
    await db.execute(_BIND, binding_id, operator_id, gateway, account_ref, said_by, now)


async def unpaid(
    db: Connection, gateway: str, *, failed_before: datetime, limit: int
) -> list[Unpaid]:
    """Read what is settled and not on its way, the oldest first; nor failed a moment ago."""
    rows = await db.fetch(_UNPAID, gateway, failed_before, limit)
    return [_struct(row, Unpaid) for row in rows]


async def insert(db: Connection, row: PayoutRow, request: GatewayRequest) -> bool:
    """Store a payout exactly as it will be sent; False where there is one already."""
    tag = await db.execute(
        _INSERT,
        row.payout_id,
        row.settlement_id,
        row.reverses,
        row.operator_id,
        row.gateway,
        row.account_ref,
        row.amount_minor,
        row.currency,
        row.said_by,
        row.reason,
        row.created_at,
        request.operation,
        request.parameters_json,
        row.idempotency_key,
    )
    return rows_changed(tag) == 1


async def claim_due(
    db: Connection, *, gateway: str, limit: int, lease_until: datetime, now: datetime
) -> list[PayoutInHand]:
    """Take payouts to be sent or asked about; no other worker does before the lease is over."""
    return [
        PayoutInHand(
            row=_struct(row, PayoutRow),
            request=GatewayRequest.stored(row["operation"], row["parameters_json"]),
            started_at=row["started_at"],
        )
        for row in await db.fetch(_CLAIM, now, gateway, lease_until, limit)
    ]


async def lock_unfinished(db: Connection, payout_id: UUID) -> bool:
    """Lock a payout; False where it is finished already."""
    return await db.fetchval(_LOCK_STATE, payout_id) not in {"succeeded", "failed"}


async def move(
    db: Connection,
    payout_id: UUID,
    *,
    state: str,
    due_at: datetime | None = None,
    transfer_ref: str | None = None,
    detail: str = "",
    finished_at: datetime | None = None,
) -> None:
    """Store where a locked payout stands."""
    await db.execute(_MOVE, payout_id, state, due_at, transfer_ref, detail, finished_at)


async def lock(db: Connection, payout_id: UUID, operator_id: OperatorId) -> PayoutRow | None:
    """Lock an operator's payout."""
    row = await db.fetchrow(_LOCK, payout_id, operator_id)
    return None if row is None else _struct(row, PayoutRow)


async def reversed_minor(db: Connection, payout_id: UUID) -> int:
    """Say how much of a locked payout is taken back, or may be."""
    amount: int = await db.fetchval(_REVERSED, payout_id)
    return amount


async def of_settlements(
    db: Connection, settlement_ids: Collection[UUID]
) -> dict[UUID, tuple[PayoutView, ...]]:
    """Read how settlements were paid out, the first payout first."""
    result: dict[UUID, tuple[PayoutView, ...]] = {}
    for row in await db.fetch(_OF_SETTLEMENTS, list(settlement_ids)):
        view = _struct(row, PayoutView)
        result[view.settlement_id] = (*result.get(view.settlement_id, ()), view)
    return result


def _struct(row: Row, shape: type[Shape]) -> Shape:
    return shape(**{name: row[name] for name in shape.__struct_fields__})
