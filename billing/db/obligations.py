"""Obligations as rows. Whoever changes one holds its row lock, taken in the order of stay ids."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from billing.core.gathering import DueObligation
from billing.core.obligation import Obligation
from billing.db.connection import Connection, Row, rows_changed
from parking.core.cloning import StayHold
from parking.core.ids import AccountId, ObligationId, OperatorId, PaymentId, StayId
from parking.core.plate import Plate
from parking.messages import StayPriced

# The account is the one whose binding covered the exit; failing that, the next to bind the plate,
# if that was not too long after. Whoever came after the exit has a hold first, to contest it.
_OPEN = """
INSERT INTO billing.obligation (obligation_id, stay_id, revision, operator_id, lot_id, plate,
    account_id, entered_at, left_at, business_date, currency, charged_minor, commission_bp, state,
    chargeable_from, fee, trace_id, created_at, updated_at)
SELECT n.obligation_id, n.stay_id, 0, n.operator_id, n.lot_id, n.plate, h.account_id,
    n.entered_at, n.left_at, n.business_date, n.currency, 0, n.commission_bp, 'void',
    greatest(n.chargeable_from,
             CASE WHEN h.bound_at > n.left_at THEN h.bound_at + $15::interval END),
    '{}', n.trace_id, $13, $13
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    $7::timestamptz[], $8::date[], $9::text[], $10::timestamptz[], $11::text[], $12::integer[])
    AS n (obligation_id, stay_id, operator_id, lot_id, plate, entered_at, left_at, business_date,
          currency, chargeable_from, trace_id, commission_bp)
LEFT JOIN LATERAL (
    SELECT b.account_id, b.bound_at FROM billing.plate_binding AS b
    WHERE b.plate = n.plate AND (b.ended_at IS NULL OR b.ended_at > n.left_at)
      AND b.bound_at <= n.left_at + $14::interval
    ORDER BY b.bound_at LIMIT 1) AS h ON true
ORDER BY n.stay_id
ON CONFLICT (stay_id) DO NOTHING
"""

COLUMNS = """
obligation_id, stay_id, revision, operator_id, lot_id, plate, account_id, hold, currency,
charged_minor,
captured_minor, returned_minor, written_off_minor, commission_bp, state, chargeable_from, left_at,
trace_id
"""

_LOCK_BY_STAY = f"""
SELECT {COLUMNS} FROM billing.obligation WHERE stay_id = ANY($1::uuid[])
ORDER BY stay_id FOR UPDATE
"""  # noqa: S608 - our own column list

_LOCK = f"""
SELECT {COLUMNS} FROM billing.obligation WHERE obligation_id = ANY($1::uuid[])
ORDER BY stay_id FOR UPDATE
"""  # noqa: S608

_LOCK_OF_PAYMENT = f"""
SELECT {COLUMNS} FROM billing.obligation WHERE obligation_id IN (
    SELECT a.obligation_id FROM billing.payment_allocation AS a
    WHERE a.payment_id = $1 AND a.state = 'captured')
ORDER BY stay_id FOR UPDATE
"""  # noqa: S608

_BY_STAY = f"SELECT {COLUMNS} FROM billing.obligation WHERE stay_id = $1"  # noqa: S608

_WRITE_SUMS = """
UPDATE billing.obligation AS o
SET charged_minor = n.charged, captured_minor = n.captured, returned_minor = n.returned,
    written_off_minor = n.written_off, revision = n.revision, state = n.state, updated_at = $8
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[],
    $7::text[]) AS n (id, charged, captured, returned, written_off, revision, state)
WHERE o.obligation_id = n.id
"""

_WRITE_FACTS = """
UPDATE billing.obligation AS o
SET fee = n.fee::json, entered_at = n.entered_at, left_at = n.left_at, lot_id = n.lot_id,
    business_date = n.business_date, trace_id = n.trace_id, plate = n.plate,
    account_id = coalesce(CASE WHEN o.plate = n.plate THEN o.account_id END, n.holder_id),
    chargeable_from = greatest(n.chargeable_from, CASE WHEN n.bound_at > n.left_at AND
        coalesce(CASE WHEN o.plate = n.plate THEN o.account_id END, n.holder_id) = n.holder_id
        THEN n.bound_at + $11::interval END)
FROM (
    SELECT s.*, h.account_id AS holder_id, h.bound_at
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[],
        $6::date[], $7::timestamptz[], $8::text[], $9::text[])
        AS s (stay_id, fee, entered_at, left_at, lot_id, business_date, chargeable_from, trace_id,
              plate)
    LEFT JOIN LATERAL (
        SELECT b.account_id, b.bound_at FROM billing.plate_binding AS b
        WHERE b.plate = s.plate AND (b.ended_at IS NULL OR b.ended_at > s.left_at)
          AND b.bound_at <= s.left_at + $10::interval
        ORDER BY b.bound_at LIMIT 1) AS h ON true) AS n
WHERE o.stay_id = n.stay_id
"""

_ADJUSTMENTS = """
INSERT INTO billing.obligation_adjustment
    (obligation_id, revision, from_minor, to_minor, dissolved, fee, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)
"""

_HOLD = """
UPDATE billing.obligation AS o
SET hold = n.hold, account_id = CASE WHEN n.hold = 'other_car' THEN NULL ELSE o.account_id END
FROM unnest($1::uuid[], $2::text[]) AS n (stay_id, hold)
WHERE o.stay_id = n.stay_id
"""

_DUE = """
SELECT obligation_id, account_id, charged_minor - captured_minor + returned_minor AS outstanding,
       chargeable_from, trace_id
FROM billing.obligation AS o
WHERE account_id = ANY($1::uuid[]) AND state = 'due'
  AND hold IS NULL AND currency = $2 AND NOT EXISTS (
    SELECT FROM billing.appeal AS a
    WHERE a.obligation_id = o.obligation_id AND a.closed_at IS NULL)
  -- What a bank disputes, or took back, no card is asked for (dispute_reads.uncollectable_among).
  AND NOT EXISTS (
    SELECT FROM billing.payment_allocation AS a JOIN billing.dispute AS d USING (payment_id)
    JOIN billing.payment AS p USING (payment_id)
    WHERE a.obligation_id = o.obligation_id AND a.state = 'captured' AND (d.closed_at IS NULL
        OR (d.state = 'lost' AND coalesce(p.account_id = o.account_id, true))))
ORDER BY account_id, chargeable_from, obligation_id FOR UPDATE SKIP LOCKED
"""

_ATTACH = """
UPDATE billing.obligation
SET account_id = $1, updated_at = $3, chargeable_from = greatest(chargeable_from, $5)
WHERE plate = $2 AND account_id IS NULL AND hold IS DISTINCT FROM 'other_car'
  AND state IN ('due', 'collecting') AND left_at >= $4
"""


class ObligationRow(msgspec.Struct, frozen=True, kw_only=True):
    """An obligation with what surrounds its sums."""

    money: Obligation
    stay_id: StayId
    lot_id: str
    plate: Plate
    account_id: AccountId | None
    currency: str
    chargeable_from: datetime
    left_at: datetime
    trace_id: str
    hold: StayHold | None = None
    """Why it is charged to nobody, if so."""


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What one revision changed; appended for ever."""

    obligation_id: ObligationId
    revision: int
    from_minor: int
    to_minor: int
    dissolved: bool
    fee_json: str
    recorded_at: datetime


def read_row(row: Row) -> ObligationRow:
    """Read a row of the columns above."""
    return ObligationRow(
        money=Obligation(
            obligation_id=ObligationId(row["obligation_id"]),
            operator_id=OperatorId(row["operator_id"]),
            revision=row["revision"],
            charged_minor=row["charged_minor"],
            captured_minor=row["captured_minor"],
            returned_minor=row["returned_minor"],
            written_off_minor=row["written_off_minor"],
            commission_bp=row["commission_bp"],
            held=row["state"] == "collecting",
        ),
        stay_id=StayId(row["stay_id"]),
        lot_id=row["lot_id"],
        plate=Plate(row["plate"]),
        account_id=row["account_id"],
        currency=row["currency"],
        chargeable_from=row["chargeable_from"],
        left_at=row["left_at"],
        trace_id=row["trace_id"],
        hold=None if row["hold"] is None else StayHold(row["hold"]),
    )


async def open_for(
    db: Connection,
    stays: Sequence[tuple[UUID, StayPriced]],
    *,
    commission_bp: Mapping[OperatorId, int],
    inherit: timedelta,
    inherit_hold: timedelta,
    now: datetime,
) -> None:
    """Make sure that each stay has its obligation: void at first, then charged by its fee."""
    await db.execute(
        _OPEN,
        [obligation_id for obligation_id, _ in stays],
        [stay.stay_id for _, stay in stays],
        [stay.operator_id for _, stay in stays],
        [stay.lot_id for _, stay in stays],
        [stay.plate for _, stay in stays],
        [stay.entered_at for _, stay in stays],
        [stay.left_at for _, stay in stays],
        [stay.business_date for _, stay in stays],
        [stay.fee.total.currency for _, stay in stays],
        [stay.chargeable_from for _, stay in stays],
        [stay.trace_id for _, stay in stays],
        [commission_bp[stay.operator_id] for _, stay in stays],
        now,
        inherit,
        inherit_hold,
    )


async def lock_by_stay(db: Connection, stay_ids: Collection[StayId]) -> dict[StayId, ObligationRow]:
    """Lock the obligations of stays."""
    rows = map(read_row, await db.fetch(_LOCK_BY_STAY, list(stay_ids)))
    return {row.stay_id: row for row in rows}


async def lock(db: Connection, obligation_ids: Collection[ObligationId]) -> list[ObligationRow]:
    """Lock obligations by their ids."""
    return list(map(read_row, await db.fetch(_LOCK, list(obligation_ids))))


async def lock_of_payment(db: Connection, payment_id: PaymentId) -> list[ObligationRow]:
    """Lock the obligations that a captured payment was for."""
    return list(map(read_row, await db.fetch(_LOCK_OF_PAYMENT, payment_id)))


async def of_stay(db: Connection, stay_id: StayId) -> ObligationRow | None:
    """Look at the obligation of a stay, without a lock."""
    row = await db.fetchrow(_BY_STAY, stay_id)
    return None if row is None else read_row(row)


async def write_sums(db: Connection, obligations: Sequence[Obligation], *, now: datetime) -> None:
    """Store the money side of locked obligations."""
    await db.execute(
        _WRITE_SUMS,
        [each.obligation_id for each in obligations],
        [each.charged_minor for each in obligations],
        [each.captured_minor for each in obligations],
        [each.returned_minor for each in obligations],
        [each.written_off_minor for each in obligations],
        [each.revision for each in obligations],
        [each.state.value for each in obligations],
        now,
    )


async def write_facts(
    db: Connection,
    stays: Sequence[tuple[StayPriced, str]],
    *,
    inherit: timedelta,
    inherit_hold: timedelta,
) -> None:
    """Store what the newest revision says around the sums; with each its fee as JSON.

    A stay whose plate was corrected goes to the account of the right plate. Whoever bound the
    plate after the exit keeps the whole hold.
    """
    await db.execute(
        _WRITE_FACTS,
        [stay.stay_id for stay, _ in stays],
        [fee for _, fee in stays],
        [stay.entered_at for stay, _ in stays],
        [stay.left_at for stay, _ in stays],
        [stay.lot_id for stay, _ in stays],
        [stay.business_date for stay, _ in stays],
        [stay.chargeable_from for stay, _ in stays],
        [stay.trace_id for stay, _ in stays],
        [stay.plate for stay, _ in stays],
        inherit,
        inherit_hold,
    )


async def write_holds(db: Connection, stays: Sequence[StayPriced]) -> None:
    """Store why stays are charged to nobody, or that they may be; after `write_facts`.

    What is another car's than that of whoever has bound the plate leaves that account.
    """
    await db.execute(
        _HOLD,
        [stay.stay_id for stay in stays],
        [None if stay.hold is None else stay.hold.value for stay in stays],
    )


async def record_adjustments(db: Connection, adjustments: Sequence[Adjustment]) -> None:
    """Append what revisions changed."""
    await db.executemany(
        _ADJUSTMENTS,
        [
            (
                each.obligation_id,
                each.revision,
                each.from_minor,
                each.to_minor,
                each.dissolved,
                each.fee_json,
                each.recorded_at,
            )
            for each in adjustments
        ],
    )


async def due_of(
    db: Connection, account_ids: Collection[AccountId], *, currency: str
) -> dict[AccountId, list[DueObligation]]:
    """Lock what accounts owe; what another transaction is changing is left for the next look."""
    result: dict[AccountId, list[DueObligation]] = {}
    for row in await db.fetch(_DUE, list(account_ids), currency):
        result.setdefault(AccountId(row["account_id"]), []).append(
            DueObligation(
                obligation_id=ObligationId(row["obligation_id"]),
                outstanding_minor=row["outstanding"],
                chargeable_from=row["chargeable_from"],
                trace_id=row["trace_id"],
            )
        )
    return result


async def attach(
    db: Connection,
    account_id: AccountId,
    plate: Plate,
    *,
    left_since: datetime,
    chargeable_from: datetime,
    now: datetime,
) -> int:
    """Give an account what its newly bound plate owes and nobody was asked for; says how many.

    Only stays with an exit since `left_since`; nothing of it is charged before `chargeable_from`,
    so that the driver can say that it was not them.
    """
    tag = await db.execute(_ATTACH, account_id, plate, now, left_since, chargeable_from)
    return rows_changed(tag)
