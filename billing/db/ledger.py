"""Writing to the ledger and summing it. Entries go in by arrays: one statement for many."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from billing.core.accounts import AccountRole, LedgerAccount
from billing.core.ledger import EntryKind, JournalEntry
from billing.db.connection import Connection
from parking.core.ids import OperatorId

_ACCOUNTS = """
INSERT INTO billing.ledger_account (account, kind, operator_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING
"""

_ENTRIES = """
INSERT INTO billing.journal_entry
    (entry_id, kind, source, lines, booked_on, occurred_at, trace_id, recorded_at)
SELECT *, $8::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[],
    $5::date[], $6::timestamptz[], $7::text[])
"""

_POSTINGS = """
INSERT INTO billing.posting (entry_id, line, lines, account, amount_minor, currency, booked_on)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::text[], $5::bigint[],
    $6::text[], $7::date[])
"""

_OPENING = """
SELECT account, currency, sum(amount_minor)::bigint AS amount_minor
FROM billing.posting WHERE account = ANY($1::text[]) AND booked_on < $2
GROUP BY account, currency
"""

_MOVEMENTS = """
SELECT entry.kind, posting.account, posting.currency,
       sum(posting.amount_minor)::bigint AS amount_minor
FROM billing.posting JOIN billing.journal_entry AS entry USING (entry_id)
WHERE posting.account = ANY($1::text[]) AND posting.booked_on BETWEEN $2 AND $3
GROUP BY entry.kind, posting.account, posting.currency
"""


async def append(
    db: Connection, entries: Sequence[tuple[UUID, JournalEntry]], *, now: datetime
) -> None:
    """Append entries under ids made by the caller.

    A fact that is booked already raises the database's unique violation: whoever appends must
    have decided under a lock that the fact is new.
    """
    if not entries:
        return
    accounts = sorted({posting.account for _, entry in entries for posting in entry.postings})
    await db.execute(
        _ACCOUNTS,
        [account.name for account in accounts],
        [account.kind.value for account in accounts],
        [account.operator_id for account in accounts],
    )
    await db.execute(
        _ENTRIES,
        [entry_id for entry_id, _ in entries],
        [entry.kind.value for _, entry in entries],
        [entry.source for _, entry in entries],
        [len(entry.postings) for _, entry in entries],
        [entry.booked_on for _, entry in entries],
        [entry.occurred_at for _, entry in entries],
        [entry.trace_id for _, entry in entries],
        now,
    )
    legs = [
        (entry_id, line, entry, posting)
        for entry_id, entry in entries
        for line, posting in enumerate(entry.postings, start=1)
    ]
    await db.execute(
        _POSTINGS,
        [entry_id for entry_id, _, _, _ in legs],
        [line for _, line, _, _ in legs],
        [len(entry.postings) for _, _, entry, _ in legs],
        [posting.account.name for _, _, _, posting in legs],
        [posting.money.amount_minor for _, _, _, posting in legs],
        [posting.money.currency for _, _, _, posting in legs],
        [entry.booked_on for _, _, entry, _ in legs],
    )


def _accounts_of(operator_id: OperatorId) -> list[str]:
    roles = (
        AccountRole.DRIVER_RECEIVABLE,
        AccountRole.OPERATOR_ACCRUED,
        AccountRole.OPERATOR_PAYABLE,
        AccountRole.OPERATOR_SETTLED,
    )
    return [f"{role.value}:{operator_id}" for role in roles]


async def balances_before(
    db: Connection, operator_id: OperatorId, *, day: date
) -> dict[str, dict[AccountRole, int]]:
    """Sum an operator's accounts up to a day, that day excluded: {currency: {role: balance}}."""
    result: dict[str, dict[AccountRole, int]] = {}
    for row in await db.fetch(_OPENING, _accounts_of(operator_id), day):
        role = LedgerAccount(row["account"]).role
        result.setdefault(row["currency"], {})[role] = row["amount_minor"]
    return result


async def movements_on(
    db: Connection, operator_id: OperatorId, *, day: date
) -> dict[str, dict[tuple[EntryKind, AccountRole], int]]:
    """Sum a day's postings to an operator's accounts: {currency: {(kind, role): amount}}."""
    return await movements_between(db, operator_id, first=day, last=day)


async def movements_between(
    db: Connection, operator_id: OperatorId, *, first: date, last: date
) -> dict[str, dict[tuple[EntryKind, AccountRole], int]]:
    """Sum the postings of days, both included, to an operator's accounts, as `movements_on`."""
    result: dict[str, dict[tuple[EntryKind, AccountRole], int]] = {}
    for row in await db.fetch(_MOVEMENTS, _accounts_of(operator_id), first, last):
        key = (EntryKind(row["kind"]), LedgerAccount(row["account"]).role)
        result.setdefault(row["currency"], {})[key] = row["amount_minor"]
    return result
