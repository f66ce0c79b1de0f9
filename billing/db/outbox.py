"""Parking's outbox, read as a queue: rows are deleted in the reader's own transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from billing.db.connection import Connection, Row

_TAKE = """
DELETE FROM parking.outbox WHERE sequence IN (
    SELECT sequence FROM parking.outbox WHERE due_at IS NULL OR due_at <= $2
    ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED
) RETURNING sequence, message_id, payload::text AS payload
"""

_TAKE_ONE = """
DELETE FROM parking.outbox WHERE sequence IN (
    SELECT sequence FROM parking.outbox WHERE sequence = $1 AND (due_at IS NULL OR due_at <= $2)
    FOR UPDATE SKIP LOCKED
) RETURNING sequence, message_id, payload::text AS payload
"""

_DUE = """
SELECT sequence FROM parking.outbox WHERE due_at IS NULL OR due_at <= $2 ORDER BY sequence LIMIT $1
"""

# A minute after the first try, and twice as long after each further one.
_PUT_OFF = """
UPDATE parking.outbox
SET tries = tries + 1, due_at = $2::timestamptz
        + least(interval '1 minute' * 2 ^ least(tries, 20), $3::interval)
WHERE sequence = $1
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


async def take(db: Connection, *, limit: int, now: datetime) -> list[Letter]:
    """Take the oldest messages that no other worker has; they are gone if we commit."""
    return _letters(await db.fetch(_TAKE, limit, now))


async def take_one(db: Connection, sequence: int, *, now: datetime) -> list[Letter]:
    """Take one message: none, where it is gone, put off or another worker has it."""
    return _letters(await db.fetch(_TAKE_ONE, sequence, now))


async def due(db: Connection, *, limit: int, now: datetime) -> list[int]:
    """The places of the oldest messages, whoever has them."""
    return [row["sequence"] for row in await db.fetch(_DUE, limit, now)]


async def put_off(db: Connection, sequence: int, *, at_most: timedelta, now: datetime) -> None:
    """Let a message that could not be taken in wait, so that those behind it go on."""
    await db.execute(_PUT_OFF, sequence, now, at_most)


def _letters(rows: Sequence[Row]) -> list[Letter]:
    return sorted(
        Letter(sequence=row["sequence"], message_id=row["message_id"], payload=row["payload"])
        for row in rows
    )


async def refuse(db: Connection, letter: Letter, *, problem: str, now: datetime) -> None:
    """Keep a message that cannot be read, with the reason, for a person to look at."""
    await db.execute(_REFUSE, letter.message_id, letter.sequence, letter.payload, problem, now)
