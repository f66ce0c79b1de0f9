"""What a person sees to: discrepancies kept and closed, refunds settled by hand.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_UP = (
    # Sums of the side that has nothing are 0; `kind` says which side that is.
    """
    CREATE TABLE billing.discrepancy (
        discrepancy_id uuid PRIMARY KEY,
        gateway text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL CHECK (kind IN ('missing', 'surplus', 'differs')),
        source_ref text COLLATE "C" NOT NULL,
        nth smallint NOT NULL CHECK (nth >= 0),
        day date NOT NULL,
        ours_gross_minor bigint NOT NULL,
        ours_fee_minor bigint NOT NULL,
        theirs_gross_minor bigint NOT NULL,
        theirs_fee_minor bigint NOT NULL,
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        found_at timestamptz NOT NULL,
        CONSTRAINT discrepancy_figures_key UNIQUE (gateway, source_ref, kind, nth, ours_gross_minor,
            ours_fee_minor, theirs_gross_minor, theirs_fee_minor)
    )
    """,
    """
    CREATE TABLE billing.discrepancy_closing (
        discrepancy_id uuid PRIMARY KEY REFERENCES billing.discrepancy,
        said_by text COLLATE "C" NOT NULL,
        reason text COLLATE "C" NOT NULL CHECK (reason <> ''),
        closed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE billing.refund_settlement (
        refund_id uuid PRIMARY KEY REFERENCES billing.refund,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        means text COLLATE "C" NOT NULL CHECK (means IN ('bank_transfer', 'cash', 'other')),
        note text COLLATE "C" NOT NULL CHECK (note <> ''),
        said_by text COLLATE "C" NOT NULL,
        settled_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX refund_failed_idx ON billing.refund (created_at) WHERE state = 'failed'",
)
_APPEND_ONLY = ("discrepancy", "discrepancy_closing", "refund_settlement")
_DOWN = (
    "DROP INDEX billing.refund_failed_idx",
    "DROP TABLE billing.refund_settlement",
    "DROP TABLE billing.discrepancy_closing",
    "DROP TABLE billing.discrepancy",
)


def upgrade() -> None:
    """Apply the change."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in _UP:
        op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION parking.refuse_change()"
        )


def downgrade() -> None:
    """Undo the change."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in _DOWN:
        op.execute(statement)
