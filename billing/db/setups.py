"""Visits to the page on which a driver leaves a card."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, rows_changed
from billing.gateway_request import GatewayRequest
from parking.core.ids import AccountId

_INSERT = """
INSERT INTO billing.payment_method_setup (setup_id, account_id, gateway, state, idempotency_key,
    operation, parameters, created_at, due_at)
VALUES ($1, $2, $3, 'creating', $4, $5, $6::text::json, $7, $8)
"""

_OPENED = """
UPDATE billing.payment_method_setup
SET state = 'open', checkout_ref = $2, url = $3, due_at = $4
WHERE setup_id = $1 AND state = 'creating'
"""

_CLAIM = """
UPDATE billing.payment_method_setup SET due_at = $3 WHERE setup_id IN (
    SELECT setup_id FROM billing.payment_method_setup
    WHERE due_at <= $1 AND gateway = $2 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
) RETURNING setup_id, account_id, gateway, state, checkout_ref, created_at
"""

_LOCK_STATE = """
SELECT state FROM billing.payment_method_setup WHERE setup_id = $1 FOR UPDATE
"""

_FINISH = """
UPDATE billing.payment_method_setup SET state = $2, due_at = NULL WHERE setup_id = $1
"""

_POKE = """
UPDATE billing.payment_method_setup SET due_at = least(due_at, $2)
WHERE setup_id = ANY($1::uuid[]) AND state = 'open'
"""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A page that may have been used."""

    setup_id: UUID
    account_id: AccountId
    gateway: str
    state: str
    checkout_ref: str | None
    created_at: datetime


async def insert(
    db: Connection,
    request: GatewayRequest,
    *,
    setup_id: UUID,
    account_id: AccountId,
    gateway: str,
    idempotency_key: str,
    due_at: datetime,
    now: datetime,
) -> None:
    """Store a page exactly as it will be asked for."""
    await db.execute(
        _INSERT,
        setup_id,
        account_id,
        gateway,
        idempotency_key,
        request.operation,
        request.parameters_json,
        now,
        due_at,
    )


async def mark_opened(
    db: Connection, setup_id: UUID, *, checkout_ref: str, url: str, due_at: datetime
) -> bool:
    """Store the page that the driver is given; False where it was given up meanwhile."""
    tag = await db.execute(_OPENED, setup_id, checkout_ref, url, due_at)
    return rows_changed(tag) == 1


async def claim_due(
    db: Connection, *, gateway: str, limit: int, lease_until: datetime, now: datetime
) -> list[Setup]:
    """Take the pages that must be asked about; no other worker asks before the lease is over."""
    return [
        Setup(
            setup_id=row["setup_id"],
            account_id=AccountId(row["account_id"]),
            gateway=row["gateway"],
            state=row["state"],
            checkout_ref=row["checkout_ref"],
            created_at=row["created_at"],
        )
        for row in await db.fetch(_CLAIM, now, gateway, lease_until, limit)
    ]


async def lock_unfinished(db: Connection, setup_id: UUID) -> bool:
    """Lock a page's row; False where it is finished already."""
    return await db.fetchval(_LOCK_STATE, setup_id) in {"creating", "open"}


async def finish(db: Connection, setup_id: UUID, *, state: str) -> None:
    """Store how it ended: `completed` or `expired`."""
    await db.execute(_FINISH, setup_id, state)


async def poke(db: Connection, setup_ids: list[UUID], *, now: datetime) -> None:
    """Have pages asked about now."""
    await db.execute(_POKE, setup_ids, now)


async def postpone(db: Connection, setup_id: UUID, *, due_at: datetime) -> None:
    """Ask about a page that is still open at another time."""
    await db.execute(
        "UPDATE billing.payment_method_setup SET due_at = $2 "
        "WHERE setup_id = $1 AND due_at IS NOT NULL",
        setup_id,
        due_at,
    )
