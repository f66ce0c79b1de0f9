"""Appeals as rows. Whoever moves one holds its row lock, taken after its obligation's."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.appeals import Correction, Ground
from billing.db.connection import Connection, Row
from parking.core.ids import ObligationId, OperatorId, StayId

_COLUMNS = """
a.appeal_id, a.obligation_id, o.stay_id, o.operator_id, o.revision AS heard, a.ground, a.statement,
a.evidence_ref, a.state, a.opened_at, a.due_at, a.decided_at, a.decided_by, a.reason,
a.correction::text AS correction, a.revision, a.closed_at
"""
_FROM = "FROM billing.appeal AS a JOIN billing.obligation AS o USING (obligation_id)"

_INSERT = """
INSERT INTO billing.appeal
    (appeal_id, obligation_id, ground, statement, evidence_ref, state, opened_at)
VALUES ($1, $2, $3, $4, $5, 'open', $6)
"""

_LOCK = f"SELECT {_COLUMNS} {_FROM} WHERE a.appeal_id = $1 FOR UPDATE OF a"

_ONE = f"SELECT {_COLUMNS} {_FROM} WHERE a.appeal_id = $1"

_OF_STAY = f"SELECT {_COLUMNS} {_FROM} WHERE o.stay_id = $1 ORDER BY a.opened_at"

_OF_OPERATOR = f"""
SELECT {_COLUMNS} {_FROM}
WHERE a.closed_at IS NULL AND ($1::text IS NULL OR o.operator_id = $1)
ORDER BY a.opened_at LIMIT $2
"""

_CLAIM = f"""
SELECT {_COLUMNS} {_FROM} WHERE a.due_at <= $1
ORDER BY a.due_at LIMIT $2 FOR UPDATE OF a SKIP LOCKED
"""

_LIVE = """
SELECT obligation_id FROM billing.appeal
WHERE obligation_id = ANY($1::uuid[]) AND closed_at IS NULL
"""

_MOVE = """
UPDATE billing.appeal
SET state = $2, due_at = $3, decided_at = $4, decided_by = $5, reason = $6,
    correction = $7::text::json, revision = $8, closed_at = $9
WHERE appeal_id = $1
"""


class AppealRow(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal as it is stored, with the stay that it is about."""

    appeal_id: UUID
    obligation_id: ObligationId
    stay_id: StayId
    operator_id: OperatorId
    heard_revision: int
    """The newest revision of the fee that billing has heard of."""
    ground: Ground
    statement: str
    evidence_ref: str | None
    state: str
    opened_at: datetime
    due_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str
    correction: Correction | None
    revision: int | None
    """The revision that tells of the corrected fact, once it is corrected."""
    closed_at: datetime | None


def _read(row: Row) -> AppealRow:
    correction = row["correction"]
    return AppealRow(
        appeal_id=row["appeal_id"],
        obligation_id=ObligationId(row["obligation_id"]),
        stay_id=StayId(row["stay_id"]),
        operator_id=OperatorId(row["operator_id"]),
        heard_revision=row["heard"],
        ground=Ground(row["ground"]),
        statement=row["statement"],
        evidence_ref=row["evidence_ref"],
        state=row["state"],
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        reason=row["reason"],
        correction=None if correction is None else msgspec.json.decode(correction, type=Correction),
        revision=row["revision"],
        closed_at=row["closed_at"],
    )


async def insert(
    db: Connection,
    appeal_id: UUID,
    *,
    obligation_id: ObligationId,
    ground: Ground,
    statement: str,
    evidence_ref: str | None,
    now: datetime,
) -> None:
    """Store an appeal; the obligation is locked."""
    await db.execute(_INSERT, appeal_id, obligation_id, ground.value, statement, evidence_ref, now)


async def get(db: Connection, appeal_id: UUID) -> AppealRow | None:
    """Lock an appeal."""
    row = await db.fetchrow(_LOCK, appeal_id)
    return None if row is None else _read(row)


async def read(db: Connection, appeal_id: UUID) -> AppealRow | None:
    """Read an appeal without locking it."""
    row = await db.fetchrow(_ONE, appeal_id)
    return None if row is None else _read(row)


async def of_stay(db: Connection, stay_id: StayId) -> list[AppealRow]:
    """List the appeals about a stay, the first first."""
    return list(map(_read, await db.fetch(_OF_STAY, stay_id)))


async def live_of(db: Connection, operator_id: OperatorId | None, *, limit: int) -> list[AppealRow]:
    """List the appeals that are not closed: an operator's, or all."""
    return list(map(_read, await db.fetch(_OF_OPERATOR, operator_id, limit)))


async def lock_due(db: Connection, *, limit: int, now: datetime) -> list[AppealRow]:
    """Lock granted appeals whose correction is to be made or waited for."""
    return list(map(_read, await db.fetch(_CLAIM, now, limit)))


async def live_among(db: Connection, obligation_ids: Collection[ObligationId]) -> set[ObligationId]:
    """Say which of these obligations are contested."""
    rows = await db.fetch(_LIVE, list(obligation_ids))
    return {ObligationId(row["obligation_id"]) for row in rows}


async def move(db: Connection, appeal: AppealRow) -> None:
    """Store where a locked appeal stands."""
    correction = None
    if appeal.correction is not None:
        correction = msgspec.json.encode(appeal.correction).decode()
    await db.execute(
        _MOVE,
        appeal.appeal_id,
        appeal.state,
        appeal.due_at,
        appeal.decided_at,
        appeal.decided_by,
        appeal.reason,
        correction,
        appeal.revision,
        appeal.closed_at,
    )
