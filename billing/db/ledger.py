"""Writing to the ledger and summing it. Entries go in by arrays: one statement for many."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from billing.core.accounts import AccountRole, LedgerAccount
from billing.core.ledger import EntryKind, JournalEntry
from billing.db import ledger_days
from billing.db.connection import Connection
from parking.core.errors import DomainError
from parking.core.ids import OperatorId

# One statement for entries, accounts and postings: the triggers look once it is all there.
_APPEND = """
WITH account AS (
    INSERT INTO billing.ledger_account (account, kind, operator_id)
    SELECT * FROM unnest($9::text[], $10::text[], $11::text[]) ON CONFLICT DO NOTHING),
entry AS (
    INSERT INTO billing.journal_entry
        (entry_id, kind, source, lines, booked_on, occurred_at, trace_id, recorded_at)
    SELECT *, $8::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[],
        $5::date[], $6::timestamptz[], $7::text[]))
INSERT INTO billing.posting (entry_id, line, lines, account, amount_minor, currency, booked_on)
SELECT e.entry_id, p.line, e.lines, p.account, p.amount_minor, p.currency, e.booked_on
FROM unnest($12::integer[], $13::smallint[], $14::text[], $15::bigint[], $16::text[])
    AS p (number, line, account, amount_minor, currency)
JOIN unnest($1::uuid[], $4::smallint[], $5::date[]) WITH ORDINALITY
    AS e (entry_id, lines, booked_on, number) USING (number)
"""

_CHECKPOINTS = """
SELECT a.account, c.balance_minor AS amount_minor
FROM unnest($1::text[]) AS a (account) CROSS JOIN LATERAL (
    SELECT balance_minor FROM billing.balance_checkpoint AS c
    WHERE c.account = a.account AND c.currency = $2 AND c.booked_on <= $3
    ORDER BY c.booked_on DESC LIMIT 1) AS c
"""

_POSTED = """
SELECT account, sum(amount_minor)::bigint AS amount_minor FROM billing.posting
WHERE account = ANY($1::text[]) AND currency = $2 AND booked_on BETWEEN $3 AND $4
GROUP BY account
"""

_ROLLED_UP = """
SELECT kind, account, sum(moved_minor)::bigint AS amount_minor FROM billing.account_day
WHERE account = ANY($1::text[]) AND currency = $2 AND booked_on BETWEEN $3 AND $4
GROUP BY kind, account
"""

# Each posting looks its entry up by the id. Were it a join, the planner would hash all entries of
# the ledger as soon as its statistics know a busy open day: 105 ms instead of 5 at 600,000 entries.
_POSTED_BY_KIND = """
SELECT (SELECT e.kind FROM billing.journal_entry AS e WHERE e.entry_id = p.entry_id) AS kind,
    p.account, sum(p.amount_minor)::bigint AS amount_minor
FROM billing.posting AS p
WHERE p.account = ANY($1::text[]) AND p.currency = $2 AND p.booked_on BETWEEN $3 AND $4
GROUP BY 1, p.account
"""

_DAY = timedelta(days=1)
_DAY_IS_OPEN = "ledger_day_is_open"


class LedgerDayClosedError(DomainError):
    """A closed day takes no more entries: the same fact is booked on a later one."""

    def __init__(self, days: Collection[date]) -> None:
        super().__init__(f"no entry is booked on a closed day ({', '.join(map(str, days))})")


async def append(
    db: Connection, entries: Sequence[tuple[UUID, JournalEntry]], *, now: datetime
) -> None:
    """Append entries under ids made by the caller.

    A fact that is booked already raises the database's unique violation: whoever appends must
    have decided under a lock that the fact is new. LedgerDayClosedError where the day is closed.
    """
    if not entries:
        return
    accounts = sorted({posting.account for _, entry in entries for posting in entry.postings})
    legs = [
        (number, line, posting)
        for number, (_, entry) in enumerate(entries, start=1)
        for line, posting in enumerate(entry.postings, start=1)
    ]
    try:
        await db.execute(
            _APPEND,
            [entry_id for entry_id, _ in entries],
            [entry.kind.value for _, entry in entries],
            [entry.source for _, entry in entries],
            [len(entry.postings) for _, entry in entries],
            [entry.booked_on for _, entry in entries],
            [entry.occurred_at for _, entry in entries],
            [entry.trace_id for _, entry in entries],
            now,
            [account.name for account in accounts],
            [account.kind.value for account in accounts],
            [account.operator_id for account in accounts],
            [number for number, _, _ in legs],
            [line for _, line, _ in legs],
            [posting.account.name for _, _, posting in legs],
            [posting.money.amount_minor for _, _, posting in legs],
            [posting.money.currency for _, _, posting in legs],
        )
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != _DAY_IS_OPEN:
            raise
        raise LedgerDayClosedError({entry.booked_on for _, entry in entries}) from error


def _accounts_of(operator_id: OperatorId) -> list[str]:
    roles = (
        AccountRole.DRIVER_RECEIVABLE,
        AccountRole.OPERATOR_ACCRUED,
        AccountRole.OPERATOR_PAYABLE,
        AccountRole.OPERATOR_SETTLED,
    )
    return [f"{role.value}:{operator_id}" for role in roles]


async def balances_before(
    db: Connection, operator_id: OperatorId, *, day: date, currency: str
) -> dict[AccountRole, int]:
    """Sum an operator's accounts up to a day, that day excluded, in minor units.

    The newest checkpoint before the day, and what was posted on open days since, if there are any:
    a closed day's opening is read from checkpoints alone.
    """
    names, last = _accounts_of(operator_id), day - _DAY
    # Where the closed days end is read first and then given: a closing in between changes nothing.
    closed = await ledger_days.closed_through(db) or date.min
    rows = await db.fetch(_CHECKPOINTS, names, currency, min(closed, last))
    if last > closed:
        rows += await db.fetch(_POSTED, names, currency, closed + _DAY, last)
    sums = {LedgerAccount(name).role: 0 for name in names}
    for row in rows:
        sums[LedgerAccount(row["account"]).role] += row["amount_minor"]
    return sums


async def movements_on(
    db: Connection, operator_id: OperatorId, *, day: date, currency: str
) -> dict[tuple[EntryKind, AccountRole], int]:
    """Sum a day's postings to an operator's accounts, in minor units."""
    return await movements_between(db, operator_id, first=day, last=day, currency=currency)


async def movements_between(
    db: Connection, operator_id: OperatorId, *, first: date, last: date, currency: str
) -> dict[tuple[EntryKind, AccountRole], int]:
    """Sum the postings of days, both included, to an operator's accounts, in minor units.

    Closed days by their roll-ups alone, the others posting by posting.
    """
    names = _accounts_of(operator_id)
    closed = await ledger_days.closed_through(db) or date.min
    rows = []
    if first <= closed:
        rows += await db.fetch(_ROLLED_UP, names, currency, first, min(closed, last))
    if last > closed:
        since = max(closed + _DAY, first)
        rows += await db.fetch(_POSTED_BY_KIND, names, currency, since, last)
    sums: dict[tuple[EntryKind, AccountRole], int] = {}
    for row in rows:
        key = EntryKind(row["kind"]), LedgerAccount(row["account"]).role
        sums[key] = sums.get(key, 0) + row["amount_minor"]
    return sums
