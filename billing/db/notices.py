"""Messages to drivers that wait to be sent: one of a kind about one thing at a time."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection
from parking.core.ids import AccountId

_INSERT = """
INSERT INTO billing.notification
    (notification_id, account_id, kind, about, parameters, created_at, due_at)
VALUES ($1, $2, $3, $4, $5::text::json, $6, $7) ON CONFLICT (kind, about) DO UPDATE
SET notification_id = excluded.notification_id, parameters = excluded.parameters,
    created_at = excluded.created_at, due_at = excluded.due_at, tries = 0, sent_at = NULL
"""

_CLAIM = """
UPDATE billing.notification AS n SET due_at = $2, tries = n.tries + 1
FROM billing.driver_account AS a
WHERE a.account_id = n.account_id AND n.notification_id IN (
    SELECT notification_id FROM billing.notification
    WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING n.notification_id, n.kind, n.parameters::text AS parameters, n.tries, a.phone,
    a.closed_at IS NOT NULL AS closed
"""


_OF_PAYMENTS = [
    "payment_declined",
    "payment_stopped",
    "payment_reminder_1",
    "payment_reminder_2",
    "payment_reminder_3",
]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is being sent."""

    notification_id: UUID
    kind: str
    parameters: dict[str, str]
    tries: int
    phone: str
    closed: bool
    """Its account is closed: nobody is to be bothered any more."""


async def insert(
    db: Connection,
    notification_id: UUID,
    *,
    account_id: AccountId,
    kind: str,
    about: UUID,
    parameters: Mapping[str, str],
    due_at: datetime,
    now: datetime,
) -> None:
    """Store a message; an earlier one of this kind about the same makes way for it."""
    body = msgspec.json.encode(parameters).decode()
    await db.execute(_INSERT, notification_id, account_id, kind, about, body, now, due_at)


async def claim_due(
    db: Connection, *, limit: int, lease_until: datetime, now: datetime
) -> list[Waiting]:
    """Take messages to be sent; no other worker does before the lease is over."""
    return [
        Waiting(
            notification_id=row["notification_id"],
            kind=row["kind"],
            parameters=msgspec.json.decode(row["parameters"], type=dict[str, str]),
            tries=row["tries"],
            phone=row["phone"],
            closed=row["closed"],
        )
        for row in await db.fetch(_CLAIM, now, lease_until, limit)
    ]


async def finish(db: Connection, notification_id: UUID, *, sent_at: datetime | None) -> None:
    """Store that a message was sent, or (None) that it is not to be sent."""
    await db.execute(
        "UPDATE billing.notification SET sent_at = $2, due_at = NULL WHERE notification_id = $1",
        notification_id,
        sent_at,
    )


async def call_off_about(db: Connection, about: UUID) -> None:
    """What was not sent yet about this has no reason any more."""
    await db.execute(
        "UPDATE billing.notification SET due_at = NULL"
        " WHERE kind = ANY($2::text[]) AND about = $1 AND due_at IS NOT NULL",
        about,
        _OF_PAYMENTS,
    )
