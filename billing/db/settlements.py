"""Operators' contracts and settlements as rows; both appended, never edited."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

import msgspec

from billing.core.settlement import Contract, DisputeBearer, Period, Settlement
from billing.db import payouts
from billing.db.connection import Connection, rows_changed
from billing.db.payouts import PayoutView
from parking.core.ids import OperatorId

_CONTRACTS = """
SELECT operator_id, effective_from, commission_bp, fixed_minor, minimum_minor, period,
    disputes_borne_by
FROM billing.operator_contract WHERE operator_id = ANY($1::text[])
ORDER BY operator_id, effective_from
"""

_INSERT_CONTRACT = """
INSERT INTO billing.operator_contract (contract_id, operator_id, effective_from, commission_bp,
    fixed_minor, minimum_minor, period, disputes_borne_by, said_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""

_OPERATORS = """
SELECT operator_id FROM billing.ledger_account
WHERE account LIKE 'operator_payable:%' ORDER BY operator_id
"""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('settlement ' || $1, 0))"

_COLUMNS = ", ".join(Settlement.__struct_fields__)

_OF_OPERATOR = f"""
SELECT {_COLUMNS} FROM billing.settlement WHERE operator_id = $1
ORDER BY cut_off_date DESC LIMIT $2
"""  # noqa: S608 - our own column list

_LISTED = f"""
SELECT settlement_id, {_COLUMNS} FROM billing.settlement WHERE operator_id = $1
ORDER BY cut_off_date DESC LIMIT $2
"""  # noqa: S608

_FIRST_DAY = "SELECT min(booked_on) FROM billing.posting WHERE account = $1"

# An entry of these kinds is about one operator: the commission in it is of that operator's share.
_COMMISSION_RETURNED = """
SELECT coalesce(sum(c.amount_minor), 0)::bigint
FROM billing.posting AS p
JOIN billing.journal_entry AS e USING (entry_id)
JOIN billing.posting AS c USING (entry_id)
WHERE p.account = $1 AND p.booked_on BETWEEN $2 AND $3
  AND e.kind IN ('obligation_assessed', 'dispute_lost') AND c.account = 'platform_commission'
"""

_INSERT = f"""
INSERT INTO billing.settlement (settlement_id, {_COLUMNS}, recorded_at)
VALUES ($1, {", ".join(f"${number + 2}" for number in range(len(Settlement.__struct_fields__)))},
    ${len(Settlement.__struct_fields__) + 2})
"""  # noqa: S608


class SettlementView(Settlement, frozen=True, kw_only=True):
    """A settlement, and how it was paid out."""

    settlement_id: UUID
    payouts: tuple[PayoutView, ...] = ()


async def contracts_of(
    db: Connection, operator_ids: Collection[OperatorId]
) -> dict[OperatorId, list[Contract]]:
    """Read operators' contracts, the first first."""
    result: dict[OperatorId, list[Contract]] = {}
    for row in await db.fetch(_CONTRACTS, list(operator_ids)):
        contract = Contract(
            effective_from=row["effective_from"],
            commission_bp=row["commission_bp"],
            fixed_minor=row["fixed_minor"],
            minimum_minor=row["minimum_minor"],
            period=Period(row["period"]),
            disputes_borne_by=DisputeBearer(row["disputes_borne_by"]),
        )
        result.setdefault(OperatorId(row["operator_id"]), []).append(contract)
    return result


async def insert_contract(
    db: Connection,
    contract_id: UUID,
    operator_id: OperatorId,
    contract: Contract,
    *,
    said_by: str,
    now: datetime,
) -> bool:
    """Store a contract; False where one is in force from that day already."""
    tag = await db.execute(
        _INSERT_CONTRACT,
        contract_id,
        operator_id,
        contract.effective_from,
        contract.commission_bp,
        contract.fixed_minor,
        contract.minimum_minor,
        contract.period.value,
        contract.disputes_borne_by.value,
        said_by,
        now,
    )
    return rows_changed(tag) == 1


async def operators(db: Connection) -> list[OperatorId]:
    """Name the operators that the ledger owes or has owed."""
    return [OperatorId(row["operator_id"]) for row in await db.fetch(_OPERATORS)]


async def lock_operator(db: Connection, operator_id: OperatorId) -> None:
    """Let one worker at a time settle an operator."""
    await db.execute(_LOCK, operator_id)


async def of_operator(db: Connection, operator_id: OperatorId, *, limit: int) -> list[Settlement]:
    """List an operator's settlements, the newest first."""
    return [
        Settlement(**{name: row[name] for name in Settlement.__struct_fields__})
        for row in await db.fetch(_OF_OPERATOR, operator_id, limit)
    ]


async def listed(db: Connection, operator_id: OperatorId, *, limit: int) -> list[SettlementView]:
    """List an operator's settlements with their payouts, the newest first."""
    rows = await db.fetch(_LISTED, operator_id, limit)
    paid = await payouts.of_settlements(db, [row["settlement_id"] for row in rows])
    return [
        SettlementView(
            settlement_id=row["settlement_id"],
            payouts=paid.get(row["settlement_id"], ()),
            **{name: row[name] for name in Settlement.__struct_fields__},
        )
        for row in rows
    ]


async def first_day(db: Connection, account: str) -> date | None:
    """Say when an account was first posted to."""
    day: date | None = await db.fetchval(_FIRST_DAY, account)
    return day


async def commission_returned(
    db: Connection, payable_account: str, *, first: date, last: date
) -> int:
    """Sum the commission that corrections of these days gave back, in minor units."""
    returned: int = await db.fetchval(_COMMISSION_RETURNED, payable_account, first, last)
    return returned


async def insert(
    db: Connection, settlement_id: UUID, settlement: Settlement, *, now: datetime
) -> None:
    """Append a settlement."""
    await db.execute(_INSERT, settlement_id, *msgspec.structs.astuple(settlement), now)
