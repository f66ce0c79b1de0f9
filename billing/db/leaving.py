"""Letting go of plates, cards and accounts, as rows. Nothing is deleted: each row gets its end."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, rows_changed
from parking.core.ids import AccountId

_END_BINDINGS = """
UPDATE billing.plate_binding SET ended_at = greatest($2, bound_at)
WHERE account_id = $1 AND ended_at IS NULL
"""

_END_METHOD = """
UPDATE billing.payment_method SET ended_at = $2, detach_at = $2
WHERE account_id = $1 AND ended_at IS NULL
"""

_LOCK_ACCOUNT = """
SELECT account_id FROM billing.driver_account
WHERE account_id = $1 AND closed_at IS NULL FOR UPDATE
"""

_CLOSE = "UPDATE billing.driver_account SET closed_at = $2, gather_at = NULL WHERE account_id = $1"

# A request under way may still name the card; only when nothing is in the air is it detached.
_CLAIM_DETACHMENTS = """
UPDATE billing.payment_method SET detach_at = $3 WHERE payment_method_id IN (
    SELECT m.payment_method_id FROM billing.payment_method AS m
    WHERE m.detach_at <= $1 AND m.gateway = $2 AND NOT EXISTS (
        SELECT FROM billing.payment AS p WHERE p.account_id = m.account_id
        AND p.due_at IS NOT NULL AND p.state IN ('in_flight', 'unknown', 'pending'))
    ORDER BY m.detach_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING payment_method_id, method_ref
"""


class Detachment(msgspec.Struct, frozen=True, kw_only=True):
    """A card that the gateway is to forget."""

    payment_method_id: UUID
    method_ref: str


async def end_bindings(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """End all of an account's bindings."""
    await db.execute(_END_BINDINGS, account_id, now)


async def end_method(db: Connection, account_id: AccountId, *, now: datetime) -> bool:
    """Charge the account's card no more; False where it has none."""
    return rows_changed(await db.execute(_END_METHOD, account_id, now)) == 1


async def lock_account(db: Connection, account_id: AccountId) -> bool:
    """Lock an account's row; False where there is no such open account."""
    return await db.fetchval(_LOCK_ACCOUNT, account_id) is not None


async def close(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """Store that an account is closed."""
    await db.execute(_CLOSE, account_id, now)


async def claim_detachments(
    db: Connection, *, gateway: str, limit: int, lease_until: datetime, now: datetime
) -> list[Detachment]:
    """Take ended cards that the gateway still has."""
    return [
        Detachment(payment_method_id=row["payment_method_id"], method_ref=row["method_ref"])
        for row in await db.fetch(_CLAIM_DETACHMENTS, now, gateway, lease_until, limit)
    ]


async def mark_detached(db: Connection, payment_method_id: UUID) -> None:
    """Store that the gateway has forgotten a card."""
    await db.execute(
        "UPDATE billing.payment_method SET detach_at = NULL WHERE payment_method_id = $1",
        payment_method_id,
    )
