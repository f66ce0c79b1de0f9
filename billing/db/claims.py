"""Claims to plates as rows. Whoever moves one holds its row lock."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.claims import EarlierClaim, Evidence, HolderAnswer, StayFact
from billing.db.connection import Connection, Row, rows_changed
from parking.core.ids import AccountId, LotId
from parking.core.plate import Plate

_COLUMNS = """
c.claim_id, c.plate, c.claimant_id, c.binding_id, b.account_id AS holder_id,
b.ended_at IS NULL AS still_held, c.state, c.opened_at, c.licence_ref, c.fact_tries,
c.fact_matched, c.holder_answer, c.due_at, c.decided_at, c.reason
"""

_FROM = "FROM billing.plate_claim AS c JOIN billing.plate_binding AS b USING (binding_id)"

_INSERT = """
INSERT INTO billing.plate_claim (claim_id, plate, claimant_id, binding_id, state, opened_at,
    due_at)
SELECT $1, b.plate, $3, b.binding_id, 'open', $4, $4 FROM billing.plate_binding AS b
WHERE b.plate = $2 AND b.ended_at IS NULL AND b.account_id <> $3
ON CONFLICT (plate) WHERE state = 'open' DO NOTHING
"""

_LOCK = f"SELECT {_COLUMNS} {_FROM} WHERE c.claim_id = $1 FOR UPDATE OF c"

_ONE = f"SELECT {_COLUMNS} {_FROM} WHERE c.claim_id = $1"

_OF_ACCOUNT = f"""
SELECT {_COLUMNS} {_FROM} WHERE c.claimant_id = $1 OR b.account_id = $1
ORDER BY c.opened_at DESC LIMIT 100
"""

_OPEN = f"SELECT {_COLUMNS} {_FROM} WHERE c.state = 'open' ORDER BY c.opened_at LIMIT $1"

_CLAIM_DUE = f"""
SELECT {_COLUMNS} {_FROM} WHERE c.due_at <= $1
ORDER BY c.due_at LIMIT $2 FOR UPDATE OF c SKIP LOCKED
"""

_UPDATE = """
UPDATE billing.plate_claim
SET licence_ref = $2, fact_tries = $3, fact_matched = $4, holder_answer = $5, due_at = $6
WHERE claim_id = $1
"""

_DECIDE = """
UPDATE billing.plate_claim
SET state = $2, decided_at = $3, decided_by = $4, reason = $5, due_at = NULL
WHERE claim_id = $1
"""

_POKE_LET_GO = """
UPDATE billing.plate_claim AS c SET due_at = $2 FROM billing.plate_binding AS b
WHERE b.binding_id = c.binding_id AND b.account_id = $1 AND b.ended_at IS NOT NULL
  AND c.state = 'open'
"""

_WITHDRAW_ALL = """
UPDATE billing.plate_claim
SET state = 'withdrawn', decided_at = $2, decided_by = 'claimant', due_at = NULL,
    reason = 'the account was closed'
WHERE claimant_id = $1 AND state = 'open'
"""

_ONE_AT_A_TIME = """
SELECT account_id FROM billing.driver_account WHERE account_id = $1 FOR NO KEY UPDATE
"""

_EARLIER = """
SELECT plate, opened_at, decided_at FROM billing.plate_claim
WHERE claimant_id = $1 AND state <> 'granted'
"""

_STAYS = """
SELECT lot_id, entered_at FROM billing.obligation
WHERE plate = $1 AND left_at >= $2 AND left_at < $3
"""


class ClaimRow(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as it is stored."""

    claim_id: UUID
    plate: Plate
    claimant_id: AccountId
    holder_id: AccountId
    still_held: bool
    """The binding that it is against has not ended by itself."""
    state: str
    opened_at: datetime
    licence_ref: str | None
    fact_tries: int
    fact_matched: bool
    holder_answer: HolderAnswer | None
    due_at: datetime | None
    decided_at: datetime | None
    reason: str

    @property
    def evidence(self) -> Evidence:
        """What speaks for and against it."""
        return Evidence(
            opened_at=self.opened_at,
            licence=self.licence_ref is not None,
            fact_matched=self.fact_matched,
            holder_answer=self.holder_answer,
        )


def _read(row: Row) -> ClaimRow:
    answer = row["holder_answer"]
    return ClaimRow(
        claim_id=row["claim_id"],
        plate=Plate(row["plate"]),
        claimant_id=AccountId(row["claimant_id"]),
        holder_id=AccountId(row["holder_id"]),
        still_held=row["still_held"],
        state=row["state"],
        opened_at=row["opened_at"],
        licence_ref=row["licence_ref"],
        fact_tries=row["fact_tries"],
        fact_matched=row["fact_matched"],
        holder_answer=None if answer is None else HolderAnswer(answer),
        due_at=row["due_at"],
        decided_at=row["decided_at"],
        reason=row["reason"],
    )


async def insert(
    db: Connection, claim_id: UUID, *, plate: Plate, claimant_id: AccountId, now: datetime
) -> bool:
    """Store a claim against whoever has the plate; False: nobody else has it, or it is claimed."""
    tag = await db.execute(_INSERT, claim_id, plate, claimant_id, now)
    return rows_changed(tag) == 1


async def lock_earlier(db: Connection, claimant_id: AccountId, plate: Plate) -> list[EarlierClaim]:
    """Read an account's claims that were not granted; its next one waits for us."""
    await db.execute(_ONE_AT_A_TIME, claimant_id)
    return [
        EarlierClaim(
            same_plate=row["plate"] == plate,
            opened_at=row["opened_at"],
            ended_at=row["decided_at"],
        )
        for row in await db.fetch(_EARLIER, claimant_id)
    ]


async def lock(db: Connection, claim_id: UUID) -> ClaimRow | None:
    """Lock a claim."""
    row = await db.fetchrow(_LOCK, claim_id)
    return None if row is None else _read(row)


async def read(db: Connection, claim_id: UUID) -> ClaimRow | None:
    """Read a claim without locking it."""
    row = await db.fetchrow(_ONE, claim_id)
    return None if row is None else _read(row)


async def of_account(db: Connection, account_id: AccountId) -> list[ClaimRow]:
    """List the claims that an account has made or that are made against it."""
    return list(map(_read, await db.fetch(_OF_ACCOUNT, account_id)))


async def open_ones(db: Connection, *, limit: int) -> list[ClaimRow]:
    """List the claims that are not decided, the oldest first."""
    return list(map(_read, await db.fetch(_OPEN, limit)))


async def lock_due(db: Connection, *, limit: int, now: datetime) -> list[ClaimRow]:
    """Lock claims that rules may decide by now."""
    return list(map(_read, await db.fetch(_CLAIM_DUE, now, limit)))


async def poke_let_go(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """Have claims looked at whose holder has let the plate go."""
    await db.execute(_POKE_LET_GO, account_id, now)


async def withdraw_all(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """Take back what an account claims that is being closed."""
    await db.execute(_WITHDRAW_ALL, account_id, now)


async def update(db: Connection, claim: ClaimRow) -> None:
    """Store the evidence of a locked claim, and when to look at it next."""
    await db.execute(
        _UPDATE,
        claim.claim_id,
        claim.licence_ref,
        claim.fact_tries,
        claim.fact_matched,
        None if claim.holder_answer is None else claim.holder_answer.value,
        claim.due_at,
    )


async def decide(
    db: Connection, claim_id: UUID, *, state: str, by: str, reason: str, now: datetime
) -> None:
    """Store how a locked claim ended."""
    await db.execute(_DECIDE, claim_id, state, now, by, reason)


async def recent_stays(
    db: Connection, plate: Plate, *, since: datetime, before: datetime
) -> list[StayFact]:
    """Say where and when a plate was, by the stays that have ended."""
    rows = await db.fetch(_STAYS, plate, since, before)
    return [StayFact(lot_id=LotId(row["lot_id"]), entered_at=row["entered_at"]) for row in rows]
