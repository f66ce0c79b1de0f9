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


# An index has these few alone.
_BANK_PAYOUTS_FAILED = """
SELECT object_ref, min(received_at) AS received_at FROM billing.webhook_inbox
WHERE kind = 'payout.failed' AND gateway = $1 AND payload->>'account_ref' = $2
  AND received_at >= $3
GROUP BY object_ref ORDER BY 2 DESC LIMIT $4
"""


class FailedPayoutHeard(msgspec.Struct, frozen=True, kw_only=True):
    """A payout to a bank that failed, as far as a webhook tells."""

    payout_ref: str
    heard_at: datetime


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


async def bank_payouts_failed(
    db: Connection, gateway: str, account_ref: str, *, since: datetime, limit: int
) -> list[FailedPayoutHeard]:
    """Name the payouts to a bank of which a webhook said that they failed, the newest first."""
    rows = await db.fetch(_BANK_PAYOUTS_FAILED, gateway, account_ref, since, limit)
    return [
        FailedPayoutHeard(payout_ref=row["object_ref"], heard_at=row["received_at"]) for row in rows
    ]
