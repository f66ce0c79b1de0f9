"""The newest stays and payments, as the live page and a driver's page show them.

Each is found by an index from its newest end, so that it costs the same in a lot's first week and
in a city's tenth year.
"""

from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from parking.db.pool import Connection

STAYS_MAX: Final = 60
PAYMENTS_MAX: Final = 40
_EVENTS_READ: Final = 400
"""Of a car there are two events and some repeats: enough for the newest stays."""
_OBLIGATIONS_READ: Final = 200

# Events lie by their ids, which are times. A plate's newest stays are the ones they are about.
_NEWEST_OF_CITY: Final = f"""
SELECT newest.stay_id
FROM (SELECT DISTINCT lot_id, plate
      FROM (SELECT lot_id, plate FROM parking.lane_event ORDER BY event_id DESC
            LIMIT {_EVENTS_READ}) AS event
      WHERE plate IS NOT NULL) AS seen
CROSS JOIN LATERAL (
    SELECT stay_id, last_seen_at FROM parking.stay
    WHERE stay.plate = seen.plate AND stay.lot_id = seen.lot_id AND NOT dissolved
    ORDER BY last_seen_at DESC LIMIT 4) AS newest
ORDER BY newest.last_seen_at DESC, newest.stay_id LIMIT $1
"""  # noqa: S608 - our own number
# An operator's events may lie far apart among the city's; its lots are few, and what left them
# last and what stands in them are both found by lot.
_NEWEST_OF_OPERATOR: Final = """
SELECT newest.stay_id
FROM parking.lot
CROSS JOIN LATERAL (
    (SELECT stay_id, last_seen_at FROM parking.stay
     WHERE stay.lot_id = lot.lot_id AND left_at IS NOT NULL AND NOT dissolved
     ORDER BY left_at DESC LIMIT $1)
    UNION ALL
    (SELECT stay_id, last_seen_at FROM parking.stay
     WHERE stay.lot_id = lot.lot_id AND state = 'open' AND NOT dissolved
     ORDER BY last_seen_at DESC LIMIT $1)) AS newest
WHERE lot.operator_id = $2
ORDER BY newest.last_seen_at DESC, newest.stay_id LIMIT $1
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
WHERE NOT stay.dissolved AND stay.stay_id = ANY($1::uuid[])
ORDER BY stay.last_seen_at DESC, stay.stay_id
"""
_PAYMENT_OF_CITY: Final = """
SELECT payment_id FROM billing.payment ORDER BY payment_id DESC LIMIT $1
"""
_PAYMENT_OF_OPERATOR: Final = f"""
SELECT DISTINCT part.payment_id
FROM (SELECT obligation_id FROM billing.obligation WHERE operator_id = $2
      ORDER BY business_date DESC, left_at DESC LIMIT {_OBLIGATIONS_READ}) AS newest
JOIN billing.payment_allocation AS part USING (obligation_id)
ORDER BY part.payment_id DESC LIMIT $1
"""  # noqa: S608 - our own number
_PAYMENTS: Final = """
SELECT payment.payment_id, payment.amount_minor, payment.currency, payment.state,
       payment.method, payment.attempts, payment.decline_class, payment.decline_code,
       payment.due_at, payment.created_at,
       array_agg(obligation.plate ORDER BY obligation.left_at) AS plates
FROM billing.payment
JOIN billing.payment_allocation AS part USING (payment_id)
JOIN billing.obligation USING (obligation_id)
WHERE payment.payment_id = ANY($1::uuid[]) AND ($2::text IS NULL OR obligation.operator_id = $2)
GROUP BY payment.payment_id ORDER BY payment.created_at DESC, payment.payment_id
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
        "decline_class": row["decline_class"],
        "decline_code": row["decline_code"],
        "next_try_at": row["due_at"] if waiting else None,
        "plates": row["plates"],
    }


async def newest_stays(db: Connection, *, operator_id: str | None) -> list[dict[str, Any]]:
    """The stays that were seen last, at most STAYS_MAX; an operator's own, or the city's."""
    if operator_id is None:
        found = await db.fetch(_NEWEST_OF_CITY, STAYS_MAX)
    else:
        found = await db.fetch(_NEWEST_OF_OPERATOR, STAYS_MAX, operator_id)
    return [_stay(row) for row in await db.fetch(_STAYS, [row["stay_id"] for row in found])]


async def newest_payments(db: Connection, *, operator_id: str | None) -> list[dict[str, Any]]:
    """The payments that were begun last, at most PAYMENTS_MAX; an operator's own, or the city's.

    An operator's are those of its newest stays.
    """
    if operator_id is None:
        found = await db.fetch(_PAYMENT_OF_CITY, PAYMENTS_MAX)
    else:
        found = await db.fetch(_PAYMENT_OF_OPERATOR, PAYMENTS_MAX, operator_id)
    payment_ids = [row["payment_id"] for row in found]
    return [_payment(row) for row in await db.fetch(_PAYMENTS, payment_ids, operator_id)]


async def stay_of(db: Connection, stay_id: UUID) -> dict[str, Any] | None:
    """One stay as its driver sees it; None when there is no such stay."""
    row = await db.fetchrow(_STAYS, [stay_id])
    return None if row is None else _stay(row)
