"""What the live page shows, read from the database in one snapshot.

Only reads, across both rooms' tables: composing them for a person's eyes is the portal's task.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from parking.core.currency import decimals
from parking.core.events import PlateColour
from parking.core.ids import OperatorId
from parking.core.occupancy import Occupancy
from parking.db import clones
from parking.db.clones import Suspicion
from parking.db.places import lot_of
from parking.db.pool import Connection, Pool
from parking.services.occupancy import occupancies
from portal.pages.texts import TONES

STAYS_MAX: Final = 60
PAYMENTS_MAX: Final = 40
CLONES_MAX: Final = 10

_LOTS: Final = """
SELECT lot.*,
       count(stay.stay_id) FILTER (WHERE stay.state <> 'open') AS visits,
       coalesce(sum(stay.fee_minor), 0)::bigint AS fees_minor
FROM parking.lot
LEFT JOIN parking.stay ON stay.lot_id = lot.lot_id AND NOT stay.dissolved
WHERE $1::text IS NULL OR lot.operator_id = $1
GROUP BY lot.lot_id ORDER BY lot.operator_id, lot.lot_id
"""
_STAYS: Final = """
SELECT stay.stay_id, stay.plate, stay.colour, stay.state, stay.entered_at, stay.left_at,
       stay.fee, stay.fee_minor, stay.currency, stay.hold, stay.tariff_id, stay.tariff_version,
       stay.trace_id, lot.name_zh, lot.name_en, lot.zone,
       obligation.state AS obligation_state, obligation.account_id,
       (SELECT payment.method FROM billing.payment_allocation AS part
        JOIN billing.payment USING (payment_id)
        WHERE part.obligation_id = obligation.obligation_id AND part.state = 'held') AS held_by,
       EXISTS (SELECT FROM billing.appeal WHERE appeal.obligation_id = obligation.obligation_id
               AND appeal.closed_at IS NULL) AS contested,
       EXISTS (SELECT FROM billing.payment_allocation AS part
               JOIN billing.dispute USING (payment_id)
               WHERE part.obligation_id = obligation.obligation_id
               AND dispute.closed_at IS NULL) AS disputed,
       review.review_id IS NOT NULL AS tentative, exit.plate AS exit_plate
FROM parking.stay
JOIN parking.lot USING (lot_id)
LEFT JOIN billing.obligation USING (stay_id)
LEFT JOIN parking.review ON review.kind = 'near_miss' AND review.state = 'pending'
     AND (review.exit_event_id = stay.exit_event_id OR review.entry_event_id = stay.entry_event_id)
LEFT JOIN parking.lane_event AS exit ON exit.event_id = stay.exit_event_id
WHERE NOT stay.dissolved AND ($1::text IS NULL OR lot.operator_id = $1)
  AND ($2::uuid IS NULL OR stay.stay_id = $2)
ORDER BY stay.last_seen_at DESC, stay.stay_id LIMIT $3
"""
_PAYMENTS: Final = """
SELECT payment.payment_id, payment.amount_minor, payment.currency, payment.state,
       payment.method, payment.attempts, payment.decline_code, payment.due_at, payment.created_at,
       array_agg(obligation.plate ORDER BY obligation.left_at) AS plates
FROM billing.payment
JOIN billing.payment_allocation AS part USING (payment_id)
JOIN billing.obligation USING (obligation_id)
WHERE $1::text IS NULL OR obligation.operator_id = $1
GROUP BY payment.payment_id ORDER BY payment.created_at DESC, payment.payment_id LIMIT $2
"""
_OPERATORS: Final = """
SELECT operator.operator_id, operator.name_zh, operator.name_en, booked.statement_date,
       coalesce(owed.gross_minor, 0)::bigint AS gross_minor,
       coalesce(owed.paid_minor, 0)::bigint AS paid_minor,
       coalesce(owed.gross_minor - owed.paid_minor - owed.written_off_minor, 0)::bigint
           AS outstanding_minor,
       coalesce(booked.fees_minor, 0)::bigint AS fees_minor,
       coalesce(owed.paid_minor - booked.fees_minor - booked.net_minor, 0)::bigint
           AS commission_minor,
       coalesce(booked.net_minor, 0)::bigint AS net_minor
FROM parking.operator
LEFT JOIN (
    SELECT operator_id, sum(charged_minor) AS gross_minor,
           sum(captured_minor - returned_minor) AS paid_minor,
           sum(written_off_minor) AS written_off_minor
    FROM billing.obligation GROUP BY operator_id
) AS owed USING (operator_id)
LEFT JOIN (
    SELECT account.operator_id, max(posting.booked_on) AS statement_date,
           -coalesce(sum(posting.amount_minor)
                     FILTER (WHERE account.account LIKE 'operator_payable:%'
                             AND entry.kind NOT IN ('settled', 'payout_reversed')), 0) AS net_minor,
           coalesce(sum(posting.amount_minor)
                    FILTER (WHERE account.account LIKE 'operator_payable:%'
                            AND entry.kind IN ('processor_fee', 'dispute_fee')), 0)
               AS fees_minor
    FROM billing.posting
    JOIN billing.journal_entry AS entry USING (entry_id)
    JOIN billing.ledger_account AS account ON account.account = posting.account
    WHERE account.operator_id IS NOT NULL GROUP BY account.operator_id
) AS booked USING (operator_id)
WHERE $1::text IS NULL OR operator.operator_id = $1
ORDER BY operator.operator_id
"""
_OF_OBLIGATION: Final = {
    "paid": "paid",
    "collecting": "paying",
    "due": "outstanding",
    "void": "cancelled",
    # Given up by us, not forgiven: the driver can still pay it.
    "written_off": "outstanding",
}


def stay_status(row: asyncpg.Record) -> str:
    """One word for where a stay stands, from its own state and its obligation's."""
    if row["tentative"]:
        return "tentative"
    if row["hold"] is not None or row["state"] != "closed":
        return str(row["hold"] or row["state"])
    if row["fee_minor"] == 0:
        return "free"
    if row["contested"]:
        return "contested"
    return "disputed" if row["disputed"] else _payment_status(row)


def _payment_status(row: asyncpg.Record) -> str:
    if row["obligation_state"] == "due" and row["account_id"] is None:
        return "unbound"
    if row["obligation_state"] == "collecting" and row["held_by"] == "checkout":
        return "page_open"
    return _OF_OBLIGATION.get(row["obligation_state"], "closed")


def _stay(row: asyncpg.Record) -> dict[str, Any]:
    fee = None if row["fee"] is None else msgspec.json.decode(row["fee"])
    misread = row["exit_plate"] not in (None, row["plate"])
    return {
        "stay_id": str(row["stay_id"]),
        "plate": row["plate"],
        "colour": row["colour"],
        "status": stay_status(row),
        "entered_at": row["entered_at"],
        "left_at": row["left_at"],
        "zone": row["zone"],
        "lot": {"name_zh": row["name_zh"], "name_en": row["name_en"]},
        "fee_minor": row["fee_minor"],
        "currency": row["currency"],
        "lines": [] if fee is None else fee["lines"],
        "tariff": f"{row['tariff_id']} v{row['tariff_version']}" if fee is not None else None,
        "trace_id": row["trace_id"],
        "read_as": row["exit_plate"] if misread else None,
    }


def _payment(row: asyncpg.Record) -> dict[str, Any]:
    waiting = row["state"] == "waiting"
    return {
        "payment_id": str(row["payment_id"]),
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "state": "page_open" if row["state"] == "open" else row["state"],
        "method": row["method"],
        "attempts": row["attempts"],
        "decline_code": row["decline_code"],
        "next_try_at": row["due_at"] if waiting else None,
        "plates": row["plates"],
    }


def _lot(row: asyncpg.Record, full: Occupancy) -> dict[str, Any]:
    """A lot as it stands, without the instant: what does not differ is not sent again."""
    return {
        "lot_id": row["lot_id"],
        "operator_id": row["operator_id"],
        "name_zh": row["name_zh"],
        "name_en": row["name_en"],
        "zone": row["zone"],
        "spaces": full.capacity,
        "occupied": full.occupied,
        "free": full.free,
        "classes": full.classes,
        "counted_at": full.counted_at,
        "visits": row["visits"],
        "fees_minor": row["fees_minor"],
    }


def _clone(suspicion: Suspicion, colours: dict[str, str], lots: dict[str, Any]) -> dict[str, Any]:
    """A plate that seems to be on two cars, with the reads that contradict each other."""
    evidence = suspicion.evidence
    return {
        "suspicion_id": str(suspicion.suspicion_id),
        "plate": suspicion.plate,
        "colour": colours.get(suspicion.plate, "unknown"),
        "kind": suspicion.kind.value,
        "distance_km": evidence.distance_km,
        "speed_kmh": evidence.speed_kmh,
        "sightings": [
            {"at": each.at, "entry": each.entry, "lot": lots[each.lot_id]}
            for each in evidence.sightings
        ],
    }


async def _clones(db: Connection, *, operator_id: str | None) -> list[dict[str, Any]]:
    """The newest that wait for a decision."""
    scope = None if operator_id is None else OperatorId(operator_id)
    found = await clones.latest(db, operator_id=scope, pending=True, limit=CLONES_MAX)
    if not found:
        return []
    # The other lot may be another operator's.
    seen = {one.lot_id for each in found for one in each.evidence.sightings}
    names: dict[str, Any] = {
        lot.lot_id: {"name_zh": lot.name_zh, "name_en": lot.name_en, "zone": lot.zone}
        for lot in (await clones.lots(db, seen)).values()
    }
    stays = await clones.by_ids(db, {one for each in found for one in each.stay_ids})
    colours: dict[str, str] = {}
    for row in stays.values():
        if row.stay.colour is not PlateColour.UNKNOWN:
            colours[row.stay.plate] = row.stay.colour.value
    return [_clone(each, colours, names) for each in found]


async def live(
    pool: Pool, *, operator_id: str | None, currency: str, now: datetime
) -> dict[str, Any]:
    """Everything on the live page; for an operator's key only what is that operator's.

    `currency` is the ledger's: sums over stays are in it.
    """
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
        lots = await db.fetch(_LOTS, operator_id)
        stays = await db.fetch(_STAYS, operator_id, None, STAYS_MAX)
        payments = await db.fetch(_PAYMENTS, operator_id, PAYMENTS_MAX)
        operators = await db.fetch(_OPERATORS, operator_id)
        full = await occupancies(db, [lot_of(row) for row in lots], now=now)
        suspected = await _clones(db, operator_id=operator_id)
    return {
        "figures": _figures(lots, full, operators),
        "zone": lots[0]["zone"] if lots else "UTC",
        "tones": TONES,
        "currency": currency,
        "decimals": {
            each: decimals(each)
            for each in sorted(
                {currency, *(row["currency"] or currency for row in (*stays, *payments))}
            )
        },
        "lots": [_lot(row, each) for row, each in zip(lots, full, strict=True)],
        "clones": suspected,
        "stays": [_stay(row) for row in stays],
        "payments": [_payment(row) for row in payments],
        "operators": [dict(row) for row in operators],
    }


def _figures(
    lots: Sequence[asyncpg.Record],
    full: Sequence[Occupancy],
    operators: Sequence[asyncpg.Record],
) -> dict[str, int]:
    return {
        "inside": sum(each.occupied for each in full),
        "free": sum(each.free for each in full),
        "stays": sum(row["visits"] for row in lots),
        "paid_minor": sum(row["paid_minor"] for row in operators),
        "owed_minor": sum(row["outstanding_minor"] for row in operators),
    }


async def one_stay(pool: Pool, stay_id: UUID) -> dict[str, Any] | None:
    """One stay as its driver sees it; None when there is no such stay."""
    async with pool.acquire() as db:
        row = await db.fetchrow(_STAYS, None, stay_id, 1)
    return None if row is None else _stay(row)
