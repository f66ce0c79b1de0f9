"""Closing the ledger's days: what was booked on them is summed once, and added to no more.

Whoever books shares the lock of the day (billing.require_whole_entries), whoever closes takes it
alone. So a closing waits for what is being booked on its days, and for nothing else; today's
bookings, on another lock, never wait for it.
"""

from datetime import date, datetime, timedelta

from billing.db.connection import Connection

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7201, -1)"

_CLOSED_THROUGH = "SELECT max(closed_through) FROM billing.ledger_closing"

# No transaction lasts a month: of days before that nothing can still be under way.
_LOCK_DAYS = """
SELECT pg_advisory_xact_lock(7201, number)
FROM generate_series(greatest(coalesce($1::date, $2::date - 31), $2::date - 31) + 1
    - date '2000-01-01', $2::date - date '2000-01-01') AS number
"""

_CLOSE = "INSERT INTO billing.ledger_closing (closed_through, closed_at) VALUES ($1, $2)"

# Account by account, so that each reads its own days by its index, however long the ledger is; an
# entry is looked up by its id, where the planner might rather read all of them for each account.
_LOOK_UP = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
_DAYS = """
SELECT a.account, d.* FROM billing.ledger_account AS a CROSS JOIN LATERAL (
    SELECT p.currency, p.booked_on, e.kind, sum(p.amount_minor) AS moved_minor, count(*) AS postings
    FROM billing.posting AS p JOIN billing.journal_entry AS e USING (entry_id)
    WHERE p.account = a.account AND p.booked_on > $1 AND p.booked_on <= $2
    GROUP BY p.currency, p.booked_on, e.kind) AS d
"""

# A ledger that was never closed, or not for long, is read in one go.
_BACKLOG = timedelta(days=7)
_ALL_DAYS = """
SELECT p.account, p.currency, p.booked_on, e.kind, sum(p.amount_minor) AS moved_minor,
    count(*) AS postings
FROM billing.posting AS p JOIN billing.journal_entry AS e USING (entry_id)
WHERE p.booked_on > $1 AND p.booked_on <= $2
GROUP BY p.account, p.currency, p.booked_on, e.kind
"""

_ROLL_UP = """
WITH moved AS (
    INSERT INTO billing.account_day (account, currency, booked_on, kind, moved_minor, postings)
    {days} RETURNING *),
day AS (
    SELECT account, currency, booked_on, sum(moved_minor) AS moved_minor
    FROM moved GROUP BY account, currency, booked_on)
INSERT INTO billing.balance_checkpoint (account, currency, booked_on, balance_minor)
SELECT day.account, day.currency, day.booked_on, coalesce(c.balance_minor, 0)
    + sum(day.moved_minor) OVER (PARTITION BY day.account, day.currency ORDER BY day.booked_on)
FROM day LEFT JOIN LATERAL (
    SELECT balance_minor FROM billing.balance_checkpoint AS c
    WHERE c.account = day.account AND c.currency = day.currency AND c.booked_on <= $1
    ORDER BY c.booked_on DESC LIMIT 1) AS c ON true
"""


async def closed_through(db: Connection) -> date | None:
    """Name the newest closed day; None before the first closing."""
    day: date | None = await db.fetchval(_CLOSED_THROUGH)
    return day


async def close(db: Connection, *, through: date, now: datetime) -> bool:
    """Close the days up to and with one, and roll them up; False where they are closed already.

    Waits until everything that is being booked on these days is committed or gone.
    """
    await db.execute(_ONE_AT_A_TIME)
    before = await closed_through(db)
    if before is not None and before >= through:
        return False
    await db.execute(_LOCK_DAYS, before, through)
    await db.execute(_CLOSE, through, now)
    if before is None or through - before > _BACKLOG:
        await db.execute(_ROLL_UP.format(days=_ALL_DAYS), before or date.min, through)
    else:
        await db.execute(_LOOK_UP)
        await db.execute(_ROLL_UP.format(days=_DAYS), before, through)
    return True
