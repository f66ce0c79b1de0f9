"""The gateway's own report of what moved, copied line by line, and the ledger's side of it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from billing.core.entries import FeeShare
from billing.core.reconcile import Movement
from billing.db.connection import Connection, Row, rows_changed
from billing.gateway import GatewayTransaction
from parking.core.ids import OperatorId, PaymentId
from parking.core.money import Money

_CLAIM_CURSOR = """
INSERT INTO billing.gateway_cursor (gateway, imported_through, due_at) VALUES ($1, $4, $3)
ON CONFLICT (gateway) DO UPDATE SET due_at = excluded.due_at
WHERE gateway_cursor.due_at <= $2
RETURNING imported_through
"""

_ADVANCE = """
UPDATE billing.gateway_cursor SET imported_through = greatest(imported_through, $2)
WHERE gateway = $1
"""

_INSERT = """
INSERT INTO billing.gateway_transaction (gateway, transaction_ref, kind, source_ref, gross_minor,
    fee_minor, net_minor, currency, created_at, imported_at)
SELECT $1, n.*, $10 FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::text[], $9::timestamptz[]) AS n
ON CONFLICT DO NOTHING
"""

_FEES_UNKNOWN = """
SELECT p.payment_id, p.captured_at, p.trace_id, t.fee_minor, t.currency
FROM billing.payment AS p
JOIN billing.gateway_transaction AS t ON t.gateway = p.gateway AND t.source_ref = p.charge_ref
WHERE p.gateway = $1 AND p.state = 'succeeded' AND p.fee_minor IS NULL
  AND t.kind IN ('charge', 'payment')
ORDER BY p.payment_id LIMIT $2 FOR UPDATE OF p SKIP LOCKED
"""

# Some providers give a part of their fee back with a refund.
_REFUND_FEES_UNKNOWN = """
SELECT r.refund_id, o.operator_id, r.finished_at, o.trace_id, t.fee_minor, t.currency
FROM billing.refund AS r
JOIN billing.obligation AS o USING (obligation_id)
JOIN billing.gateway_transaction AS t ON t.gateway = r.gateway AND t.source_ref = r.refund_ref
WHERE r.gateway = $1 AND r.state = 'succeeded' AND r.fee_minor IS NULL
  AND t.kind IN ('refund', 'payment_refund')
ORDER BY r.refund_id LIMIT $2 FOR UPDATE OF r SKIP LOCKED
"""

_STORE_REFUND_FEES = """
UPDATE billing.refund AS r SET fee_minor = n.fee_minor
FROM unnest($1::uuid[], $2::bigint[]) AS n (refund_id, fee_minor)
WHERE r.refund_id = n.refund_id
"""

_SHARES = """
SELECT a.payment_id, o.operator_id, sum(a.amount_minor)::bigint AS amount_minor
FROM billing.payment_allocation AS a JOIN billing.obligation AS o USING (obligation_id)
WHERE a.payment_id = ANY($1::uuid[]) AND a.state = 'captured'
GROUP BY a.payment_id, o.operator_id ORDER BY a.payment_id, o.operator_id
"""

_STORE_FEES = """
UPDATE billing.payment AS p SET fee_minor = n.fee_minor
FROM unnest($1::uuid[], $2::bigint[]) AS n (payment_id, fee_minor)
WHERE p.payment_id = n.payment_id
"""

# What the ledger says moved at the gateway: by the postings, not by the payments' own columns.
_OURS = """
SELECT coalesce(p.charge_ref, r.refund_ref, o.transfer_ref, d.dispute_ref, entry.source)
        AS source_ref,
    posting.currency, posting.amount_minor AS gross_minor,
    coalesce((SELECT -f.amount_minor FROM billing.journal_entry AS fe
              JOIN billing.posting AS f USING (entry_id)
              WHERE fe.kind = CASE WHEN entry.kind LIKE 'dispute_%' THEN 'dispute_fee'
                                   ELSE 'processor_fee' END
                AND fe.source = entry.source
                AND f.account = posting.account), 0) AS fee_minor
FROM billing.posting AS posting
JOIN billing.journal_entry AS entry USING (entry_id)
LEFT JOIN billing.payment AS p
    ON p.payment_id = CASE entry.kind WHEN 'payment_captured' THEN entry.source::uuid END
LEFT JOIN billing.refund AS r
    ON r.refund_id = CASE entry.kind WHEN 'refund_issued' THEN entry.source::uuid END
LEFT JOIN billing.payout AS o
    ON o.payout_id = CASE WHEN entry.kind IN ('paid_out', 'payout_reversed')
                          THEN entry.source::uuid END
LEFT JOIN billing.dispute_fact AS f
    ON f.ref = CASE WHEN entry.kind LIKE 'dispute_%' THEN entry.source END
LEFT JOIN billing.dispute AS d USING (dispute_id)
WHERE posting.account = $1
  AND entry.kind IN ('payment_captured', 'refund_issued', 'paid_out', 'payout_reversed',
                     'dispute_withdrawn', 'dispute_reinstated')
  AND ($2::date IS NULL OR posting.booked_on = $2)
  AND ($3::text IS NULL OR o.operator_id = $3 OR EXISTS (
      SELECT FROM billing.payment_allocation AS a
      JOIN billing.obligation AS o USING (obligation_id)
      WHERE a.payment_id = coalesce(p.payment_id, r.payment_id, d.payment_id)
        AND o.operator_id = $3))
"""

_CHARGED_AT = """
SELECT charge_ref, captured_at FROM billing.payment
WHERE gateway = $1 AND charge_ref = ANY($2::text[]) AND captured_at IS NOT NULL
"""

_REPORTED = """
SELECT source_ref, gross_minor, fee_minor, currency FROM billing.gateway_transaction
WHERE gateway = $1 AND kind = ANY($2::text[]) AND source_ref = ANY($3::text[])
"""

_UNCLAIMED = """
SELECT t.source_ref, t.gross_minor, t.fee_minor, t.currency
FROM billing.gateway_transaction AS t
WHERE t.gateway = $1 AND t.kind = ANY($2::text[])
  AND ($3::timestamptz IS NULL OR t.created_at >= $3)
  AND ($4::timestamptz IS NULL OR t.created_at < $4)
  AND NOT EXISTS (SELECT FROM billing.payment AS p
                  WHERE p.gateway = t.gateway AND p.charge_ref = t.source_ref)
  AND NOT EXISTS (SELECT FROM billing.refund AS r
                  WHERE r.gateway = t.gateway AND r.refund_ref = t.source_ref)
  AND NOT EXISTS (SELECT FROM billing.payout AS o
                  WHERE o.gateway = t.gateway AND o.transfer_ref = t.source_ref)
  AND NOT EXISTS (SELECT FROM billing.dispute_fact AS f
                  WHERE f.ref = t.transaction_ref AND f.amount_minor > 0)
"""

_KINDS = [
    *("charge", "payment", "refund", "payment_refund", "transfer", "transfer_refund"),
    *("dispute", "dispute_reversal"),
]
"""Of the report's lines: those that billing causes. Payouts and the gateway's own fees are not."""


class FeeUnknown(msgspec.Struct, frozen=True, kw_only=True):
    """A captured payment whose fee the report now tells."""

    payment_id: PaymentId
    captured_at: datetime
    trace_id: str
    fee: Money
    shares: tuple[FeeShare, ...]


class RefundFeeUnknown(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of which the report now tells what it did to the fee; negative: given back."""

    refund_id: UUID
    operator_id: OperatorId
    refunded_at: datetime
    trace_id: str
    fee: Money


async def claim_cursor(
    db: Connection, gateway: str, *, next_due_at: datetime, begin_at: datetime, now: datetime
) -> datetime | None:
    """Take the turn of reading the report; answers up to where it was read, None if not due."""
    through: datetime | None = await db.fetchval(_CLAIM_CURSOR, gateway, now, next_due_at, begin_at)
    return through


async def store(
    db: Connection,
    gateway: str,
    lines: Sequence[GatewayTransaction],
    *,
    through: datetime,
    now: datetime,
) -> int:
    """Copy lines that are new; says how many were."""
    tag = await db.execute(
        _INSERT,
        gateway,
        [line.transaction_ref for line in lines],
        [line.kind for line in lines],
        [line.source_ref for line in lines],
        [line.gross_minor for line in lines],
        [line.fee_minor for line in lines],
        [line.net_minor for line in lines],
        [line.currency for line in lines],
        [line.created_at for line in lines],
        now,
    )
    await db.execute(_ADVANCE, gateway, through)
    return rows_changed(tag)


async def advance_cursor(db: Connection, name: str, *, through: datetime) -> None:
    """Remember up to when something was read."""
    await db.execute(_ADVANCE, name, through)


async def lock_fees_unknown(db: Connection, gateway: str, *, limit: int) -> list[FeeUnknown]:
    """Lock captured payments whose fee the report tells and the ledger does not have."""
    rows = await db.fetch(_FEES_UNKNOWN, gateway, limit)
    shares: dict[PaymentId, list[FeeShare]] = {}
    for row in await db.fetch(_SHARES, [row["payment_id"] for row in rows]):
        share = FeeShare(OperatorId(row["operator_id"]), row["amount_minor"])
        shares.setdefault(PaymentId(row["payment_id"]), []).append(share)
    return [
        FeeUnknown(
            payment_id=PaymentId(row["payment_id"]),
            captured_at=row["captured_at"],
            trace_id=row["trace_id"],
            fee=Money(row["fee_minor"], row["currency"]),
            shares=tuple(shares[PaymentId(row["payment_id"])]),
        )
        for row in rows
    ]


async def store_fees(db: Connection, fees: Sequence[FeeUnknown]) -> None:
    """Remember on the payments what the gateway kept."""
    await db.execute(
        _STORE_FEES,
        [each.payment_id for each in fees],
        [each.fee.amount_minor for each in fees],
    )


async def lock_refund_fees_unknown(
    db: Connection, gateway: str, *, limit: int
) -> list[RefundFeeUnknown]:
    """Lock refunds of which the report tells what they did to the fee, and the ledger does not."""
    return [
        RefundFeeUnknown(
            refund_id=row["refund_id"],
            operator_id=OperatorId(row["operator_id"]),
            refunded_at=row["finished_at"],
            trace_id=row["trace_id"],
            fee=Money(row["fee_minor"], row["currency"]),
        )
        for row in await db.fetch(_REFUND_FEES_UNKNOWN, gateway, limit)
    ]


async def store_refund_fees(db: Connection, fees: Sequence[RefundFeeUnknown]) -> None:
    """Remember on the refunds what they did to the fee."""
    await db.execute(
        _STORE_REFUND_FEES,
        [each.refund_id for each in fees],
        [each.fee.amount_minor for each in fees],
    )


async def our_movements(
    db: Connection, *, account: str, day: date | None, operator_id: OperatorId | None
) -> list[Movement]:
    """Read what the ledger says moved at a gateway: on one day, for one operator, or in all."""
    return list(map(_movement, await db.fetch(_OURS, account, day, operator_id)))


async def reported_movements(
    db: Connection, gateway: str, source_refs: Sequence[str]
) -> list[Movement]:
    """Read what the report says of these charges and refunds."""
    rows = await db.fetch(_REPORTED, gateway, _KINDS, list(source_refs))
    return list(map(_movement, rows))


async def charged_at(
    db: Connection, gateway: str, source_refs: Sequence[str]
) -> dict[str, datetime]:
    """Say which of these are charges of ours, and when each was made."""
    rows = await db.fetch(_CHARGED_AT, gateway, list(source_refs))
    return {row["charge_ref"]: row["captured_at"] for row in rows}


async def unclaimed_movements(
    db: Connection, gateway: str, *, begin_at: datetime | None, end_at: datetime | None
) -> list[Movement]:
    """Read what the report has of charges and refunds that nobody here knows."""
    rows = await db.fetch(_UNCLAIMED, gateway, _KINDS, begin_at, end_at)
    return list(map(_movement, rows))


def _movement(row: Row) -> Movement:
    return Movement(
        source_ref=row["source_ref"],
        gross_minor=row["gross_minor"],
        fee_minor=row["fee_minor"],
        currency=row["currency"],
    )
