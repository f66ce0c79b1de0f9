"""Parking's outbox, read as a queue: rows are deleted in the reader's own transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection

_TAKE = """
DELETE FROM parking.outbox WHERE sequence IN (
    SELECT sequence FROM parking.outbox ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED
) RETURNING sequence, message_id, payload::text AS payload
"""

_REFUSE = """
INSERT INTO billing.refused_message (message_id, sequence, payload, problem, recorded_at)
VALUES ($1, $2, $3::text::json, $4, $5) ON CONFLICT DO NOTHING
"""


class Letter(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A message as it lies in the outbox."""

    sequence: int
    message_id: UUID
    payload: str


async def take(db: Connection, *, limit: int) -> list[Letter]:
    """Take the oldest messages that no other worker has; they are gone if we commit."""
    rows = await db.fetch(_TAKE, limit)
    return sorted(
        Letter(sequence=row["sequence"], message_id=row["message_id"], payload=row["payload"])
        for row in rows
    )


async def refuse(db: Connection, letter: Letter, *, problem: str, now: datetime) -> None:
    """Keep a message that cannot be read, with the reason, for a person to look at."""
    await db.execute(_REFUSE, letter.message_id, letter.sequence, letter.payload, problem, now)
