"""How lots and operators stand: sums that cost more the larger the city is.

Sums are of one day: a lot's of the last on which a car left it, by its own clock; an operator's of
the ledger's day.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import asyncpg
import msgspec

from parking.core.occupancy import Occupancy
from parking.db.places import lot_of
from parking.db.pool import Connection
from parking.services.occupancy import occupancies

SHOWN_MAX: Final = 60
"""How many lots, and how many operators, a page shows: those that need a look first."""

_LOTS: Final = """
SELECT lot.*, (newest.day_began AT TIME ZONE lot.zone)::date AS day, latest.visits,
       latest.fees_minor
FROM parking.lot
CROSS JOIN LATERAL (
    SELECT date_trunc('day', max(stay.left_at), lot.zone) AS day_began FROM parking.stay
    WHERE stay.lot_id = lot.lot_id AND stay.left_at IS NOT NULL AND NOT stay.dissolved) AS newest
CROSS JOIN LATERAL (
    SELECT count(*) AS visits, coalesce(sum(stay.fee_minor), 0)::bigint AS fees_minor
    FROM parking.stay
    WHERE stay.lot_id = lot.lot_id AND stay.left_at IS NOT NULL AND NOT stay.dissolved
      AND stay.left_at >= newest.day_began) AS latest
WHERE $1::text IS NULL OR lot.operator_id = $1
ORDER BY lot.operator_id, lot.lot_id
"""
# Balances by the newest closed day and what was posted since: some days' postings at most. Each
# looks its entry up by its id: for a join the planner would read all entries that there are.
_OPERATORS: Final = """
WITH closed AS MATERIALIZED (
    SELECT coalesce(max(closed_through), '-infinity'::date) AS through FROM billing.ledger_closing
), moved AS (
    SELECT account.operator_id, split_part(account.account, ':', 1) AS role, posted.*
    FROM billing.ledger_account AS account
    CROSS JOIN LATERAL (
        SELECT kind, today, sum(amount_minor)::bigint AS moved_minor
        FROM (SELECT posting.booked_on = $2 AS today, posting.amount_minor,
                     (SELECT entry.kind FROM billing.journal_entry AS entry
                      WHERE entry.entry_id = posting.entry_id) AS kind
              FROM billing.posting
              WHERE posting.account = account.account AND posting.currency = $3
                AND posting.booked_on > (SELECT through FROM closed)) AS one
        GROUP BY kind, today) AS posted
    WHERE account.operator_id IS NOT NULL AND ($1::text IS NULL OR account.operator_id = $1)
), summed AS (
    SELECT operator_id,
           sum(moved_minor) FILTER (WHERE role = 'driver_receivable' AND today
                                    AND kind = 'obligation_assessed') AS gross_minor,
           -sum(moved_minor) FILTER (WHERE role = 'driver_receivable' AND today
                                     AND kind = 'payment_captured') AS collected_minor,
           -sum(moved_minor) FILTER (WHERE role = 'operator_payable' AND today
                                     AND kind = 'payment_captured') AS credited_minor,
           sum(moved_minor) FILTER (WHERE role = 'operator_payable' AND today
                                    AND kind IN ('processor_fee', 'dispute_fee')) AS fees_minor,
           -sum(moved_minor) FILTER (WHERE role = 'operator_payable' AND today
                                     AND kind NOT IN ('settled', 'payout_reversed')) AS net_minor,
           sum(moved_minor) FILTER (WHERE role = 'driver_receivable') AS owed_minor,
           bool_or(today) AS moved_today
    FROM moved GROUP BY operator_id
)
SELECT operator.operator_id, operator.name_zh, operator.name_en,
       CASE WHEN summed.moved_today THEN $2::date ELSE before.booked_on END AS statement_date,
       coalesce(summed.gross_minor, 0)::bigint AS gross_minor,
       coalesce(summed.collected_minor, 0)::bigint AS paid_minor,
       (coalesce(before.balance_minor, 0) + coalesce(summed.owed_minor, 0))::bigint
           AS outstanding_minor,
       coalesce(summed.fees_minor, 0)::bigint AS fees_minor,
       (coalesce(summed.collected_minor, 0) - coalesce(summed.credited_minor, 0))::bigint
           AS commission_minor,
       coalesce(summed.net_minor, 0)::bigint AS net_minor
FROM parking.operator
LEFT JOIN summed USING (operator_id)
LEFT JOIN LATERAL (
    SELECT balance_minor, booked_on FROM billing.balance_checkpoint AS c
    WHERE c.account = 'driver_receivable:' || operator.operator_id AND c.currency = $3
    ORDER BY c.booked_on DESC LIMIT 1) AS before ON true
WHERE $1::text IS NULL OR operator.operator_id = $1
ORDER BY operator.operator_id
"""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How all lots and operators that someone may see stand, and which of them are shown."""

    figures: dict[str, int]
    day: date | None
    """The last on which a car left any of the lots: the day of its figure."""
    zone: str
    lots: list[dict[str, Any]]
    lots_in_all: int
    operators: list[dict[str, Any]]
    operators_in_all: int


async def standing(
    db: Connection, *, operator_id: str | None, currency: str, now: datetime, ledger_day: date
) -> Standing:
    """How it stands now; for an operator's key only what is that operator's."""
    rows = await db.fetch(_LOTS, operator_id)
    full = await occupancies(db, [lot_of(row) for row in rows], now=now)
    lots = [_lot(row, each) for row, each in zip(rows, full, strict=True)]
    operators = [dict(row) for row in await db.fetch(_OPERATORS, operator_id, ledger_day, currency)]
    day = max((each["day"] for each in lots if each["day"] is not None), default=None)
    return Standing(
        day=day,
        figures={
            "inside": sum(each["occupied"] for each in lots),
            "free": sum(each["free"] for each in lots),
            "stays": sum(each["visits"] for each in lots if each["day"] == day),
            "paid_minor": sum(each["paid_minor"] for each in operators),
            "owed_minor": sum(each["outstanding_minor"] for each in operators),
        },
        zone=lots[0]["zone"] if lots else "UTC",
        lots=_fullest(lots),
        lots_in_all=len(lots),
        operators=_busiest(operators),
        operators_in_all=len(operators),
    )


def _fullest(lots: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All lots where they are few, otherwise those with the smallest share of free spaces."""
    if len(lots) <= SHOWN_MAX:
        return list(lots)
    return sorted(lots, key=lambda lot: lot["free"] / max(1, lot["spaces"]))[:SHOWN_MAX]


def _busiest(operators: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All operators where they are few, otherwise those with the most fees today."""
    if len(operators) <= SHOWN_MAX:
        return list(operators)
    return sorted(operators, key=lambda each: -each["gross_minor"])[:SHOWN_MAX]


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
        "day": row["day"],
        "visits": row["visits"],
        "fees_minor": row["fees_minor"],
    }
