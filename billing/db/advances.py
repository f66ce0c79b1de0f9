"""Payments that a provider made in a driver's stead, until the driver has paid it back."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from billing.db.connection import Connection
from parking.core.ids import PaymentId

_INSERT = """
INSERT INTO billing.provider_advance (payment_id, gateway, advanced_at, repaid_at, due_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""

_CLAIM = """
UPDATE billing.provider_advance AS a SET due_at = $4
FROM billing.payment AS p
WHERE p.payment_id = a.payment_id AND a.payment_id IN (
    SELECT payment_id FROM billing.provider_advance
    WHERE gateway = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING a.payment_id, p.payment_ref
"""

_REPAID = """
UPDATE billing.provider_advance SET repaid_at = $2, due_at = NULL
WHERE payment_id = $1 AND repaid_at IS NULL
"""

_POKE = """
UPDATE billing.provider_advance SET due_at = $2
WHERE payment_id = ANY($1::uuid[]) AND repaid_at IS NULL
"""


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """An advance that may have been paid back by now."""

    payment_id: PaymentId
    payment_ref: str


async def record(
    db: Connection,
    payment_id: PaymentId,
    *,
    gateway: str,
    advanced_at: datetime,
    repaid_at: datetime | None,
    due_at: datetime | None,
) -> None:
    """Store that a provider paid in a driver's stead, and when to ask whether it has it back."""
    await db.execute(_INSERT, payment_id, gateway, advanced_at, repaid_at, due_at)


async def claim_due(
    db: Connection, *, gateway: str, limit: int, next_at: datetime, now: datetime
) -> list[Advance]:
    """Take advances that are to be asked about."""
    return [
        Advance(payment_id=PaymentId(row["payment_id"]), payment_ref=row["payment_ref"])
        for row in await db.fetch(_CLAIM, gateway, now, limit, next_at)
    ]


async def mark_repaid(db: Connection, payment_id: PaymentId, *, now: datetime) -> None:
    """Store that the driver has paid the provider back."""
    await db.execute(_REPAID, payment_id, now)


async def poke(db: Connection, payment_ids: Sequence[PaymentId], *, now: datetime) -> None:
    """Have advances asked about now."""
    await db.execute(_POKE, list(payment_ids), now)
