"""What was said in a claim, an appeal or a bank's dispute: appended, in order, for ever."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection

_INSERT = """
INSERT INTO billing.case_note (note_id, case_id, said_by, kind, text, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""

# At one instant a decision follows what led to it.
_OF_CASE = """
SELECT said_by, kind, text, recorded_at FROM billing.case_note WHERE case_id = $1
ORDER BY recorded_at, kind IN ('granted', 'refused', 'withdrawn', 'correction_refused'), note_id
"""


class CaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody said."""

    said_by: str
    """`claimant`, `holder`, `driver`, `operator:<id>`, `admin` or `rule:<name>`."""
    kind: str
    text: str
    recorded_at: datetime


async def insert(
    db: Connection,
    note_id: UUID,
    *,
    case_id: UUID,
    said_by: str,
    kind: str,
    text: str,
    now: datetime,
) -> None:
    """Append what somebody said."""
    await db.execute(_INSERT, note_id, case_id, said_by, kind, text, now)


async def of_case(db: Connection, case_id: UUID) -> list[CaseNote]:
    """Read what was said, the first first."""
    return [
        CaseNote(
            said_by=row["said_by"],
            kind=row["kind"],
            text=row["text"],
            recorded_at=row["recorded_at"],
        )
        for row in await db.fetch(_OF_CASE, case_id)
    ]
