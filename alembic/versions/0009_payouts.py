"""Payouts: to which account of the gateway, and each transfer and reversal as it was sent.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE billing.payout_account (
        binding_id uuid PRIMARY KEY,
        operator_id text COLLATE "C" NOT NULL,
        gateway text COLLATE "C" NOT NULL,
        account_ref text COLLATE "C" NOT NULL,
        said_by text COLLATE "C" NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
    (
        "CREATE INDEX payout_account_operator_id_idx ON billing.payout_account "
        "(operator_id, gateway, recorded_at)"
    ),
    """
    CREATE TABLE billing.payout (
        payout_id uuid PRIMARY KEY,
        settlement_id uuid NOT NULL REFERENCES billing.settlement,
        reverses uuid REFERENCES billing.payout,
        operator_id text COLLATE "C" NOT NULL,
        gateway text COLLATE "C" NOT NULL,
        account_ref text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        said_by text COLLATE "C" NOT NULL,
        reason text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL
            CHECK (state IN ('prepared', 'unknown', 'succeeded', 'failed')),
        due_at timestamptz,
        operation text COLLATE "C" NOT NULL,
        parameters json NOT NULL,
        idempotency_key text COLLATE "C" NOT NULL UNIQUE,
        sends integer NOT NULL DEFAULT 0 CHECK (sends >= 0),
        transfer_ref text COLLATE "C",
        detail text COLLATE "C" NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        UNIQUE (gateway, transfer_ref),
        CHECK ((due_at IS NULL) = (state IN ('succeeded', 'failed'))),
        CHECK ((finished_at IS NULL) = (state NOT IN ('succeeded', 'failed'))),
        CHECK (state <> 'succeeded' OR transfer_ref IS NOT NULL)
    )
    """,
    # A settlement has at most one transfer that was made or may yet turn out to have been made.
    (
        "CREATE UNIQUE INDEX payout_live_key ON billing.payout (settlement_id) "
        "WHERE reverses IS NULL AND state <> 'failed'"
    ),
    "CREATE INDEX payout_settlement_id_idx ON billing.payout (settlement_id)",
    "CREATE INDEX payout_reverses_idx ON billing.payout (reverses)",
    "CREATE INDEX payout_due_at_idx ON billing.payout (due_at) WHERE due_at IS NOT NULL",
    (
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.payout_account "
        "FOR EACH STATEMENT EXECUTE FUNCTION parking.refuse_change()"
    ),
)


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo the change."""
    op.execute("set local lock_timeout = '4s'")
    op.execute("DROP TABLE billing.payout, billing.payout_account")
