"""Reads for pages, the API and the audit. Nothing here locks or changes anything."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, Row
from parking.core.ids import AccountId, OperatorId, StayId
from parking.core.plate import Plate
from parking.core.standing import Standing

_STANDINGS = """
SELECT b.plate, EXISTS (
    SELECT FROM billing.payment_method AS m
    WHERE m.account_id = a.account_id AND m.ended_at IS NULL) OR EXISTS (
    SELECT FROM billing.plate_service AS s
    WHERE s.plate = b.plate AND s.account_id = a.account_id AND s.ended_at IS NULL
        AND s.state = 'normal' AND s.block_reason IS NULL) AS bound,
    a.suspended_at IS NOT NULL OR owed.minor >= $3 AS suspended, 0::bigint AS arrears
FROM billing.plate_binding AS b JOIN billing.driver_account AS a USING (account_id)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.charged_minor - o.captured_minor + o.returned_minor), 0) AS minor
    FROM billing.obligation AS o WHERE o.account_id = a.account_id
        AND o.state IN ('due', 'collecting', 'written_off') AND o.hold IS NULL
        AND NOT EXISTS (SELECT FROM billing.appeal AS p
                        WHERE p.obligation_id = o.obligation_id AND p.closed_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM billing.payment_allocation AS l JOIN billing.dispute AS d USING (payment_id)
            WHERE l.obligation_id = o.obligation_id AND d.closed_at IS NULL)) AS owed
WHERE b.plate = ANY($1::text[]) AND b.ended_at IS NULL
UNION ALL
SELECT o.plate, false, false, sum(o.charged_minor - o.captured_minor + o.returned_minor)::bigint
FROM billing.obligation AS o
LEFT JOIN billing.plate_binding AS b ON b.plate = o.plate AND b.ended_at IS NULL
WHERE o.plate = ANY($1::text[]) AND o.state IN ('due', 'collecting', 'written_off')
    AND o.chargeable_from < $2
    AND o.hold IS NULL
    -- What an earlier holder of the plate owes is no matter of the present one's.
    AND (o.account_id IS NULL OR b.account_id IS NULL OR o.account_id = b.account_id)
    AND NOT EXISTS (SELECT FROM billing.appeal AS a
                    WHERE a.obligation_id = o.obligation_id AND a.closed_at IS NULL)
    AND NOT EXISTS (
        SELECT FROM billing.payment_allocation AS l JOIN billing.dispute AS d USING (payment_id)
        WHERE l.obligation_id = o.obligation_id AND d.closed_at IS NULL)
GROUP BY o.plate
"""

_OBLIGATION_COLUMNS = """
o.stay_id, o.obligation_id, o.operator_id, o.lot_id, o.plate, o.state, o.entered_at, o.left_at,
o.business_date, o.currency, o.charged_minor, o.captured_minor, o.returned_minor,
o.chargeable_from, o.hold,
o.fee::text AS fee, o.account_id IS NOT NULL AS bound, o.written_off_minor,
(SELECT a.state FROM billing.appeal AS a WHERE a.obligation_id = o.obligation_id
 ORDER BY a.opened_at DESC LIMIT 1) AS appeal_state,
(SELECT d.state FROM billing.dispute AS d JOIN billing.payment_allocation AS a USING (payment_id)
 WHERE a.obligation_id = o.obligation_id AND a.state = 'captured'
 ORDER BY d.heard_at DESC LIMIT 1) AS dispute_state, p.state AS payment_state,
p.method AS payment_method, p.decline_code, p.due_at AS next_attempt_at
"""

_OBLIGATION_FROM = """
FROM billing.obligation AS o
LEFT JOIN LATERAL (
    SELECT p.state, p.method, p.decline_code, p.due_at
    FROM billing.payment_allocation AS a JOIN billing.payment AS p USING (payment_id)
    WHERE a.obligation_id = o.obligation_id AND a.state <> 'released'
    ORDER BY p.created_at DESC LIMIT 1) AS p ON true
"""

_BY_STAY = f"SELECT {_OBLIGATION_COLUMNS} {_OBLIGATION_FROM} WHERE o.stay_id = ANY($1::uuid[])"

_OF_ACCOUNT = f"""
SELECT {_OBLIGATION_COLUMNS} {_OBLIGATION_FROM}
WHERE o.account_id = $1 ORDER BY o.left_at DESC LIMIT $2
"""

_LATEST = """
SELECT p.payment_id, p.method, p.state, p.amount_minor, p.currency, p.fee_minor, p.attempts,
    p.decline_code, p.payment_ref, p.captured_at, p.created_at, p.updated_at, p.trace_id,
    coalesce((SELECT array_agg(o.plate ORDER BY o.left_at)
              FROM billing.payment_allocation AS a JOIN billing.obligation AS o
                  USING (obligation_id) WHERE a.payment_id = p.payment_id), '{}') AS plates
FROM billing.payment AS p ORDER BY p.payment_id DESC LIMIT $1
"""

_TOTALS = """
SELECT o.operator_id, count(*) FILTER (WHERE o.charged_minor > 0) AS obligations,
    sum(o.charged_minor)::bigint AS charged_minor,
    sum(o.captured_minor)::bigint AS captured_minor,
    sum(o.returned_minor)::bigint AS returned_minor,
    sum(o.charged_minor - o.captured_minor + o.returned_minor - o.written_off_minor)::bigint
        AS outstanding_minor
FROM billing.obligation AS o GROUP BY o.operator_id ORDER BY o.operator_id
"""

_IN_DOUBT = """
SELECT EXISTS (
    SELECT FROM billing.payment AS p
    JOIN billing.payment_allocation AS a USING (payment_id)
    JOIN billing.obligation AS o USING (obligation_id)
    WHERE p.due_at IS NOT NULL AND p.state IN ('in_flight', 'unknown', 'pending')
      AND o.operator_id = $1)
"""

_CAPTURED = """
SELECT count(DISTINCT entry.source) FROM billing.posting
JOIN billing.journal_entry AS entry USING (entry_id)
WHERE posting.account = 'driver_receivable:' || $1::text AND posting.booked_on = $2
  AND entry.kind = 'payment_captured'
"""

_WAITING = """
SELECT (SELECT count(*) FROM parking.outbox) AS messages,
    (SELECT count(*) FROM billing.webhook_inbox WHERE due_at IS NOT NULL) AS webhooks,
    (SELECT count(*) FROM billing.payment
     WHERE state IN ('ready', 'in_flight', 'unknown', 'pending', 'abandoning')) AS payments,
    (SELECT count(*) FROM billing.payment WHERE state = 'waiting') AS retries,
    (SELECT count(*) FROM billing.payment WHERE state = 'unknown') AS unknown,
    (SELECT count(*) FROM billing.refund
     WHERE due_at IS NOT NULL) AS refunds,
    (SELECT count(*) FROM billing.payment WHERE state = 'succeeded' AND fee_minor IS NULL) AS fees
"""


class ObligationView(msgspec.Struct, frozen=True, kw_only=True):
    """An obligation as its payer and its operator may see it. Sums in minor units."""

    stay_id: StayId
    obligation_id: UUID
    operator_id: OperatorId
    lot_id: str
    plate: Plate
    state: str
    entered_at: datetime
    left_at: datetime
    business_date: date
    currency: str
    charged_minor: int
    captured_minor: int
    returned_minor: int
    written_off_minor: int
    """Given up; it is still owed, and can be paid by hand."""
    outstanding_minor: int
    chargeable_from: datetime
    hold: str | None
    """Why nothing is collected for it: `cloned_plate` (suspected) or `other_car` (decided)."""
    bound: bool
    payment_state: str | None
    payment_method: str | None
    decline_code: str | None
    next_attempt_at: datetime | None
    appeal_state: str | None
    """Of the newest appeal; while it is `open` or `granted`, nothing is collected."""
    dispute_state: str | None
    """Of the newest dispute of a payment for it by the payer's bank; until it is `won`, `lost` or
    `closed`, nothing is collected, and what is `lost` is paid by hand."""
    fee: msgspec.Raw
    """The fee with its lines, as JSON."""

    @property
    def disputed(self) -> bool:
        """Whether the payer's bank has not decided yet."""
        return self.dispute_state in {"inquiry", "open", "under_review"}


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as pages show it. Sums in minor units."""

    payment_id: UUID
    method: str
    state: str
    amount_minor: int
    currency: str
    fee_minor: int | None
    attempts: int
    decline_code: str | None
    payment_ref: str | None
    captured_at: datetime | None
    created_at: datetime
    updated_at: datetime
    trace_id: str
    plates: tuple[Plate, ...]


class OperatorTotals(msgspec.Struct, frozen=True, kw_only=True):
    """All that was ever owed to and paid for an operator's lots, in minor units."""

    operator_id: OperatorId
    obligations: int
    charged_minor: int
    captured_minor: int
    returned_minor: int
    outstanding_minor: int


class WorkWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """How much the workers have before them."""

    messages: int
    webhooks: int
    payments: int
    retries: int
    unknown: int
    refunds: int
    fees: int
    """Captured payments whose processor fee is not known yet."""


def _obligation(row: Row) -> ObligationView:
    return ObligationView(
        stay_id=StayId(row["stay_id"]),
        obligation_id=row["obligation_id"],
        operator_id=OperatorId(row["operator_id"]),
        lot_id=row["lot_id"],
        plate=Plate(row["plate"]),
        state=row["state"],
        entered_at=row["entered_at"],
        left_at=row["left_at"],
        business_date=row["business_date"],
        currency=row["currency"],
        charged_minor=row["charged_minor"],
        captured_minor=row["captured_minor"],
        returned_minor=row["returned_minor"],
        written_off_minor=row["written_off_minor"],
        outstanding_minor=row["charged_minor"]
        - row["captured_minor"]
        + row["returned_minor"]
        - row["written_off_minor"],
        chargeable_from=row["chargeable_from"],
        hold=row["hold"],
        bound=row["bound"],
        payment_state=row["payment_state"],
        payment_method=row["payment_method"],
        decline_code=row["decline_code"],
        next_attempt_at=row["next_attempt_at"],
        appeal_state=row["appeal_state"],
        dispute_state=row["dispute_state"],
        fee=msgspec.Raw(row["fee"].encode()),
    )


async def standings(
    db: Connection, plates: Collection[Plate], *, overdue_before: datetime, owed_limit_minor: int
) -> dict[Plate, Standing]:
    """Say where plates stand; owed from before `overdue_before` counts as arrears.

    Whoever owes `owed_limit_minor` or more may not pay later.
    """
    result: dict[Plate, Standing] = {}
    for row in await db.fetch(_STANDINGS, list(plates), overdue_before, owed_limit_minor):
        known = result.get(Plate(row["plate"]), Standing())
        result[Plate(row["plate"])] = Standing(
            bound=known.bound or (row["bound"] and not row["suspended"]),
            suspended=known.suspended or row["suspended"],
            arrears_minor=known.arrears_minor + row["arrears"],
        )
    return result


async def obligations_of_stays(
    db: Connection, stay_ids: Collection[StayId]
) -> dict[StayId, ObligationView]:
    """Look up the obligations of stays."""
    rows = map(_obligation, await db.fetch(_BY_STAY, list(stay_ids)))
    return {view.stay_id: view for view in rows}


async def obligations_of_account(
    db: Connection, account_id: AccountId, *, limit: int
) -> list[ObligationView]:
    """Look up an account's newest obligations."""
    return list(map(_obligation, await db.fetch(_OF_ACCOUNT, account_id, limit)))


async def latest_payments(db: Connection, *, limit: int) -> list[PaymentView]:
    """Look up the newest payments."""
    return [
        PaymentView(
            payment_id=row["payment_id"],
            method=row["method"],
            state=row["state"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            fee_minor=row["fee_minor"],
            attempts=row["attempts"],
            decline_code=row["decline_code"],
            payment_ref=row["payment_ref"],
            captured_at=row["captured_at"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            trace_id=row["trace_id"],
            plates=tuple(row["plates"]),
        )
        for row in await db.fetch(_LATEST, limit)
    ]


async def totals_per_operator(db: Connection) -> list[OperatorTotals]:
    """Sum up what every operator's lots brought."""
    return [
        OperatorTotals(
            operator_id=OperatorId(row["operator_id"]),
            obligations=row["obligations"],
            charged_minor=row["charged_minor"],
            captured_minor=row["captured_minor"],
            returned_minor=row["returned_minor"],
            outstanding_minor=row["outstanding_minor"],
        )
        for row in await db.fetch(_TOTALS)
    ]


async def payments_in_doubt(db: Connection, operator_id: OperatorId) -> bool:
    """Whether money for an operator may be moving right now."""
    in_doubt: bool = await db.fetchval(_IN_DOUBT, operator_id)
    return in_doubt


async def payments_captured(db: Connection, operator_id: OperatorId, *, day: date) -> int:
    """Count the payments booked on a day for an operator."""
    count: int = await db.fetchval(_CAPTURED, operator_id, day)
    return count


async def work_waiting(db: Connection) -> WorkWaiting:
    """Count what the workers have before them."""
    row = await db.fetchrow(_WAITING)
    if row is None:
        raise LookupError
    return WorkWaiting(**{name: row[name] for name in WorkWaiting.__struct_fields__})
