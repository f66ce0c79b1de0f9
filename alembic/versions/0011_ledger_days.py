"""Days of the ledger are closed and rolled up; what a posting must be is checked once a statement.

Before, each posting was checked by two foreign keys, row by row, one of which locked the row of a
hot account. Code of the previous release writes entries first and then their postings, all in one
statement: that stays allowed.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ROLL_UPS = (
    """
    CREATE TABLE billing.ledger_closing (
        closed_through date PRIMARY KEY,
        closed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE billing.account_day (
        account text COLLATE "C" NOT NULL REFERENCES billing.ledger_account,
        currency character(3) NOT NULL,
        booked_on date NOT NULL,
        kind text COLLATE "C" NOT NULL,
        moved_minor bigint NOT NULL,
        postings integer NOT NULL CHECK (postings > 0),
        PRIMARY KEY (account, currency, booked_on, kind)
    )
    """,
    """
    CREATE TABLE billing.balance_checkpoint (
        account text COLLATE "C" NOT NULL REFERENCES billing.ledger_account,
        currency character(3) NOT NULL,
        booked_on date NOT NULL,
        balance_minor bigint NOT NULL,
        PRIMARY KEY (account, currency, booked_on)
    )
    """,
)

_APPEND_ONLY = ("ledger_account", "ledger_closing", "account_day", "balance_checkpoint")

# Whoever books on a day shares its lock until the end of the transaction; whoever closes the day
# takes it alone: so a closed day holds all that was ever booked on it. 7201 is the ledger's class
# of locks (billing/db/ledger_days.py has it too). The function is volatile: each of its queries
# sees what was committed while it waited.
_CHECKS = (
    """
    CREATE FUNCTION billing.require_whole_entries() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        wrong text;
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(7201, f.booked_on - date '2000-01-01')
        FROM (SELECT DISTINCT booked_on FROM fresh) AS f;
        SELECT format('journal entry %s is refused: %s lines of %s, off by %s', f.entry_id, f.posted,
                      e.lines, f.off)
        INTO wrong
        FROM (SELECT entry_id, count(*) AS posted, sum(amount_minor) AS off, min(lines) AS lines_min,
                     max(lines) AS lines_max, min(booked_on) AS first_day, max(booked_on) AS last_day
              FROM fresh GROUP BY entry_id) AS f
        LEFT JOIN billing.journal_entry AS e USING (entry_id)
        WHERE e.lines IS NULL OR f.posted <> e.lines OR f.off <> 0
           OR f.lines_min <> e.lines OR f.lines_max <> e.lines
           OR f.first_day <> e.booked_on OR f.last_day <> e.booked_on
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '%', wrong
                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_balances';
        END IF;
        IF (SELECT min(currency) <> max(currency) FROM fresh) AND EXISTS (
            SELECT FROM fresh GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0) THEN
            RAISE EXCEPTION 'a journal entry is refused: its currencies are off balance'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_balances';
        END IF;
        IF EXISTS (
            SELECT FROM (SELECT DISTINCT account FROM fresh) AS f
            WHERE NOT EXISTS (SELECT FROM billing.ledger_account AS a
                              WHERE a.account = f.account)) THEN
            RAISE EXCEPTION 'a posting names an account that is not there'
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        IF (SELECT min(booked_on) FROM fresh)
            <= (SELECT max(closed_through) FROM billing.ledger_closing) THEN
            RAISE EXCEPTION 'the day on which an entry is booked is closed'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_day_is_open';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER require_whole_entries AFTER INSERT ON billing.posting
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION billing.require_whole_entries()
    """,
    """
    CREATE FUNCTION billing.refuse_empty_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM billing.posting WHERE entry_id = NEW.entry_id) THEN
            RAISE EXCEPTION 'journal entry % is refused: it has no lines', NEW.entry_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_balances';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    "DROP TRIGGER journal_entry_balances ON billing.journal_entry",
    "DROP FUNCTION billing.refuse_unbalanced()",
    """
    CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT ON billing.journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.refuse_empty_entry()
    """,
    "ALTER TABLE billing.posting DROP CONSTRAINT posting_account_fkey",
    "ALTER TABLE billing.posting DROP CONSTRAINT posting_entry_id_lines_fkey",
    "ALTER TABLE billing.journal_entry DROP CONSTRAINT journal_entry_entry_id_lines_key",
)

_DOWN = (
    "DROP TRIGGER require_whole_entries ON billing.posting",
    "DROP FUNCTION billing.require_whole_entries()",
    "DROP TRIGGER journal_entry_balances ON billing.journal_entry",
    "DROP FUNCTION billing.refuse_empty_entry()",
    "ALTER TABLE billing.journal_entry ADD UNIQUE (entry_id, lines)",
    "ALTER TABLE billing.posting ADD FOREIGN KEY (account) REFERENCES billing.ledger_account",
    """
    ALTER TABLE billing.posting ADD FOREIGN KEY (entry_id, lines)
    REFERENCES billing.journal_entry (entry_id, lines)
    """,
    """
    CREATE FUNCTION billing.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        posted bigint;
        uneven bigint;
        strays bigint;
    BEGIN
        SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE total <> 0), coalesce(sum(stray), 0)
        INTO posted, uneven, strays
        FROM (
            SELECT count(*) AS n, sum(amount_minor) AS total,
                   count(*) FILTER (WHERE booked_on <> NEW.booked_on) AS stray
            FROM billing.posting WHERE entry_id = NEW.entry_id GROUP BY currency
        ) AS per_currency;
        IF posted <> NEW.lines OR uneven > 0 OR strays > 0 THEN
            RAISE EXCEPTION 'journal entry % is refused: % of % lines, % currencies off balance, '
                '% lines of another day', NEW.entry_id, posted, NEW.lines, uneven, strays
                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_balances';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT ON billing.journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.refuse_unbalanced()
    """,
    "DROP TRIGGER append_only ON billing.ledger_account",
    "DROP TABLE billing.balance_checkpoint, billing.account_day, billing.ledger_closing",
)


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in (*_ROLL_UPS, *_CHECKS):
        op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION parking.refuse_change()"
        )


def downgrade() -> None:
    """Undo the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _DOWN:
        op.execute(statement)
