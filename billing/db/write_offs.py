"""What was given up and what was revived, appended for ever."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, rows_changed
from billing.db.obligations import COLUMNS, ObligationRow, read_row
from parking.core.ids import ObligationId

# Frozen by an appeal or a bank, or held by parking: not given up, but not collected either.
_OVERDUE = f"""
SELECT {COLUMNS} FROM billing.obligation AS o
WHERE o.state = 'due' AND o.chargeable_from < $1 AND o.hold IS NULL AND NOT EXISTS (
    SELECT FROM billing.appeal AS a
    WHERE a.obligation_id = o.obligation_id AND a.closed_at IS NULL)
AND NOT EXISTS (
    SELECT FROM billing.payment_allocation AS p JOIN billing.dispute AS d USING (payment_id)
    WHERE p.obligation_id = o.obligation_id AND p.state = 'captured' AND d.closed_at IS NULL)
ORDER BY o.chargeable_from LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - our own column list

_INSERT = """
INSERT INTO billing.write_off
    (write_off_id, obligation_id, kind, amount_minor, currency, said_by, reason, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_CALL_OFF_HOPELESS = """
UPDATE billing.payment SET state = 'abandoning', due_at = $2, updated_at = $2
WHERE payment_id IN (
    SELECT p.payment_id FROM billing.payment AS p WHERE p.state = 'stopped'
    -- Said in the words of the indexes of what lives: the past is not read.
    AND ((p.method = 'card' AND p.state NOT IN ('succeeded', 'abandoned'))
        OR (p.method = 'deduction' AND p.state NOT IN ('succeeded', 'abandoned')))
    AND NOT EXISTS (
        SELECT FROM billing.payment_allocation AS a
        JOIN billing.obligation AS o USING (obligation_id)
        WHERE a.payment_id = p.payment_id AND o.chargeable_from >= $1)
    LIMIT $3 FOR UPDATE SKIP LOCKED)
"""


class WriteOff(msgspec.Struct, frozen=True, kw_only=True):
    """A sum given up, or revived."""

    write_off_id: UUID
    obligation_id: ObligationId
    kind: str
    amount_minor: int
    currency: str
    said_by: str
    reason: str


async def lock_overdue(db: Connection, *, before: datetime, limit: int) -> list[ObligationRow]:
    """Lock what has been due since before an instant, and nothing holds."""
    return list(map(read_row, await db.fetch(_OVERDUE, before, limit)))


async def insert(db: Connection, each: WriteOff, *, now: datetime) -> None:
    """Append what was given up or revived."""
    await db.execute(
        _INSERT,
        each.write_off_id,
        each.obligation_id,
        each.kind,
        each.amount_minor,
        each.currency,
        each.said_by,
        each.reason,
        now,
    )


async def call_off_hopeless(db: Connection, *, before: datetime, limit: int, now: datetime) -> int:
    """Call off payments that stopped long ago, so that what they hold can be given up."""
    return rows_changed(await db.execute(_CALL_OFF_HOPELESS, before, now, limit))
