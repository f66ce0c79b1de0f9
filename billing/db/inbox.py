"""Webhooks that were verified: each stored once, whatever the gateway repeats."""

from datetime import datetime

import msgspec

from billing.db.connection import Connection, rows_changed
from billing.gateway import Notice

_INSERT = """
INSERT INTO billing.webhook_inbox
    (gateway, event_ref, kind, object_ref, payload, received_at, due_at)
VALUES ($1, $2, $3, $4, $5::text::json, $6, $6) ON CONFLICT DO NOTHING
"""

_TAKE = """
UPDATE billing.webhook_inbox SET handled_at = $2, due_at = NULL, tries = tries + 1
WHERE (gateway, event_ref) IN (
    SELECT gateway, event_ref FROM billing.webhook_inbox
    WHERE gateway = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING payload::text AS payload
"""


async def insert(db: Connection, notice: Notice, *, gateway: str, now: datetime) -> bool:
    """Store a notice; False where it was stored before."""
    payload = msgspec.json.encode(notice).decode()
    tag = await db.execute(
        _INSERT, gateway, notice.event_ref, notice.kind, notice.object_ref, payload, now
    )
    return rows_changed(tag) == 1


async def take(db: Connection, *, gateway: str, limit: int, now: datetime) -> list[Notice]:
    """Take notices; they count as handled if we commit."""
    rows = await db.fetch(_TAKE, gateway, now, limit)
    return [msgspec.json.decode(row["payload"], type=Notice) for row in rows]
