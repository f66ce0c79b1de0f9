"""Refunds as people see them, and how a failed one was settled outside the gateway."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, Row
from billing.db.refunds import Refundable
from parking.core.ids import OperatorId, PaymentId, StayId
from parking.core.money import Money

_COLUMNS = """
r.refund_id, r.payment_id, o.stay_id, o.operator_id, o.lot_id, o.plate, r.gateway, p.method,
p.payment_ref, p.charge_ref, r.amount_minor, r.amount_minor - r.covered_minor AS left_minor,
r.currency, r.state, r.detail, r.sends, r.created_at, r.finished_at, p.captured_at, p.trace_id,
EXISTS (SELECT FROM billing.dispute AS d
        WHERE d.payment_id = r.payment_id AND d.state = 'lost') AS dispute_lost
"""
_FROM = """
FROM billing.refund AS r JOIN billing.payment AS p USING (payment_id)
JOIN billing.obligation AS o USING (obligation_id)
"""

_LISTED = f"""
SELECT {_COLUMNS} {_FROM} WHERE r.state = 'failed' AND ($1::text IS NULL OR o.operator_id = $1)
ORDER BY r.created_at, r.refund_id LIMIT $2
"""

_ONE = f"SELECT {_COLUMNS} {_FROM} WHERE r.refund_id = $1"

_LOCK = "SELECT FROM billing.refund WHERE refund_id = $1 FOR UPDATE"

_SOURCE = """
SELECT r.payment_id, p.payment_ref, p.charge_ref, p.currency, p.trace_id, p.gateway,
    p.amount_minor AS charged_minor, r.amount_minor - r.covered_minor AS left_minor
FROM billing.refund AS r JOIN billing.payment AS p USING (payment_id) WHERE r.refund_id = $1
"""

_SETTLE = """
INSERT INTO billing.refund_settlement
    (refund_id, amount_minor, currency, means, note, said_by, settled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

_COVER = """
UPDATE billing.refund
SET state = 'superseded', covered_minor = amount_minor, finished_at = $2, detail = $3
WHERE refund_id = $1
"""


class RefundView(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as a person sees it. Sums in minor units."""

    refund_id: UUID
    payment_id: PaymentId
    stay_id: StayId
    operator_id: OperatorId
    lot_id: str
    plate: str
    gateway: str
    method: str
    payment_ref: str
    charge_ref: str
    amount_minor: int
    left_minor: int
    """What the driver has not got back yet."""
    currency: str
    state: str
    detail: str
    """What the gateway said."""
    sends: int
    created_at: datetime
    finished_at: datetime | None
    captured_at: datetime | None
    trace_id: str
    dispute_lost: bool
    """The bank has decided a dispute of the payment: the gateway will refuse every refund of it."""


def _view(row: Row) -> RefundView:
    return RefundView(**{name: row[name] for name in RefundView.__struct_fields__})


async def listed(db: Connection, operator_id: OperatorId | None, *, limit: int) -> list[RefundView]:
    """List the failed ones, the oldest first."""
    return list(map(_view, await db.fetch(_LISTED, operator_id, limit)))


async def read(db: Connection, refund_id: UUID) -> RefundView | None:
    """Read one."""
    row = await db.fetchrow(_ONE, refund_id)
    return None if row is None else _view(row)


async def lock(db: Connection, refund_id: UUID) -> RefundView | None:
    """Lock one, then read it as it stands."""
    await db.execute(_LOCK, refund_id)
    return await read(db, refund_id)


async def source_of(db: Connection, refund_id: UUID) -> Refundable:
    """Say what a locked refund is taken from."""
    row = await db.fetchrow(_SOURCE, refund_id)
    if row is None:
        raise LookupError(refund_id)
    return Refundable(**{name: row[name] for name in Refundable.__struct_fields__})


async def settle(
    db: Connection,
    refund_id: UUID,
    amount: Money,
    *,
    means: str,
    note: str,
    by: str,
    now: datetime,
) -> None:
    """Store that a locked refund's money was given back outside the gateway."""
    await db.execute(_SETTLE, refund_id, amount.amount_minor, amount.currency, means, note, by, now)
    await db.execute(_COVER, refund_id, now, f"given back by hand: {means}")
