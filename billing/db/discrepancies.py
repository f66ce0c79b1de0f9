"""Discrepancies as rows: what the ledger and a gateway's report differ in, and how each closed."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, Row

_COLUMNS = """
d.discrepancy_id, d.gateway, d.kind, d.source_ref, d.nth, d.day, d.ours_gross_minor,
d.ours_fee_minor, d.theirs_gross_minor, d.theirs_fee_minor, d.currency, d.found_at, c.said_by,
c.reason, c.closed_at
"""
_FROM = """
FROM billing.discrepancy AS d LEFT JOIN billing.discrepancy_closing AS c USING (discrepancy_id)
"""

_INSERT = """
INSERT INTO billing.discrepancy (discrepancy_id, gateway, kind, source_ref, nth, day,
    ours_gross_minor, ours_fee_minor, theirs_gross_minor, theirs_fee_minor, currency, found_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT ON CONSTRAINT discrepancy_figures_key DO NOTHING
"""

_OPEN = f"SELECT {_COLUMNS} {_FROM} WHERE c.closed_at IS NULL ORDER BY d.found_at, d.nth LIMIT $1"

_OPEN_DAYS = f"""
SELECT DISTINCT d.day {_FROM} WHERE c.closed_at IS NULL AND d.gateway = $1
ORDER BY d.day DESC LIMIT $2
"""

_OPEN_OF_DAY = f"""
SELECT {_COLUMNS} {_FROM} WHERE c.closed_at IS NULL AND d.gateway = $1 AND d.day = $2
"""

_ONE = f"SELECT {_COLUMNS} {_FROM} WHERE d.discrepancy_id = $1"

_CLOSE = """
INSERT INTO billing.discrepancy_closing (discrepancy_id, said_by, reason, closed_at)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING discrepancy_id
"""

# Whose stays the payment was for, where it was one of ours.
_OWNERS = """
SELECT DISTINCT o.operator_id FROM billing.payment AS p
JOIN billing.payment_allocation AS a USING (payment_id)
JOIN billing.obligation AS o USING (obligation_id)
WHERE p.gateway = $1 AND (p.charge_ref = $2 OR p.payment_id = (
    SELECT r.payment_id FROM billing.refund AS r WHERE r.gateway = $1 AND r.refund_ref = $2))
ORDER BY o.operator_id
"""

_LINES = """
SELECT transaction_ref, kind, gross_minor, fee_minor, currency, created_at
FROM billing.gateway_transaction WHERE gateway = $1 AND source_ref = $2
ORDER BY created_at, transaction_ref LIMIT 20
"""


class DiscrepancyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A discrepancy; the sums, in minor units, of a side that has nothing are 0."""

    discrepancy_id: UUID
    gateway: str
    kind: str
    """`missing` (from the report), `surplus` (in the report), `differs`, `wrong_fee` (where
    `ours` is what was agreed)."""
    source_ref: str
    """The gateway's name of the charge, refund, transfer or dispute."""
    nth: int
    """Of those that are alike: the report may have a surplus line more than once."""
    day: date
    """The ledger day that was compared."""
    ours_gross_minor: int
    ours_fee_minor: int
    theirs_gross_minor: int
    theirs_fee_minor: int
    currency: str
    found_at: datetime
    said_by: str | None
    """Who closed it; `rule:…`: it went away by itself."""
    reason: str | None
    closed_at: datetime | None

    @property
    def off_minor(self) -> int:
        """By how much our side is above the gateway's: nets, in minor units."""
        ours = self.ours_gross_minor - self.ours_fee_minor
        return ours - (self.theirs_gross_minor - self.theirs_fee_minor)

    @property
    def figures(self) -> tuple[str, str, int, int, int, int, int]:
        """What makes it the same one when it is found again."""
        return (
            self.kind,
            self.source_ref,
            self.nth,
            self.ours_gross_minor,
            self.ours_fee_minor,
            self.theirs_gross_minor,
            self.theirs_fee_minor,
        )


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the gateway's report. Sums in minor units."""

    transaction_ref: str
    kind: str
    gross_minor: int
    fee_minor: int
    currency: str
    created_at: datetime


def _read(row: Row) -> DiscrepancyRow:
    return DiscrepancyRow(**{name: row[name] for name in DiscrepancyRow.__struct_fields__})


async def insert(db: Connection, found: DiscrepancyRow) -> None:
    """Append a discrepancy; one that is known changes nothing."""
    values = [getattr(found, name) for name in DiscrepancyRow.__struct_fields__[:12]]
    await db.execute(_INSERT, *values)


async def open_ones(db: Connection, *, limit: int) -> list[DiscrepancyRow]:
    """List what is not closed, the oldest first."""
    return list(map(_read, await db.fetch(_OPEN, limit)))


async def open_days(db: Connection, gateway: str, *, limit: int) -> list[date]:
    """Name the newest days that have open ones."""
    return [row["day"] for row in await db.fetch(_OPEN_DAYS, gateway, limit)]


async def open_of_day(db: Connection, gateway: str, day: date) -> list[DiscrepancyRow]:
    """List what is not closed of a day."""
    return list(map(_read, await db.fetch(_OPEN_OF_DAY, gateway, day)))


async def read(db: Connection, discrepancy_id: UUID) -> DiscrepancyRow | None:
    """Read one."""
    row = await db.fetchrow(_ONE, discrepancy_id)
    return None if row is None else _read(row)


async def close(
    db: Connection, discrepancy_id: UUID, *, by: str, reason: str, now: datetime
) -> bool:
    """Append how one closed; False where it is closed already."""
    return await db.fetchval(_CLOSE, discrepancy_id, by, reason, now) is not None


async def owners(db: Connection, found: DiscrepancyRow) -> list[str]:
    """Name the operators whose stays it is about; none: it is the platform's own matter."""
    rows = await db.fetch(_OWNERS, found.gateway, found.source_ref)
    return [row["operator_id"] for row in rows]


async def report_lines(db: Connection, found: DiscrepancyRow) -> list[ReportLine]:
    """Read what the gateway's report says about its source."""
    rows = await db.fetch(_LINES, found.gateway, found.source_ref)
    return [ReportLine(**{n: row[n] for n in ReportLine.__struct_fields__}) for row in rows]
