"""Banks' disputes of payments: what they took, what we answered, who bears what was lost.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE billing.dispute (
        dispute_id uuid PRIMARY KEY,
        gateway text COLLATE "C" NOT NULL,
        dispute_ref text COLLATE "C" NOT NULL,
        payment_id uuid REFERENCES billing.payment,
        state text COLLATE "C" NOT NULL CHECK (state IN ('heard', 'inquiry', 'open',
            'under_review', 'won', 'lost', 'closed', 'foreign')),
        reason text COLLATE "C" NOT NULL DEFAULT '',
        amount_minor bigint CHECK (amount_minor > 0),
        currency character(3) CHECK (currency ~ '^[A-Z]{3}$'),
        heard_at timestamptz NOT NULL,
        known_at timestamptz,
        answer_by timestamptz,
        due_at timestamptz,
        closed_at timestamptz,
        operation text COLLATE "C",
        parameters json,
        idempotency_key text COLLATE "C" UNIQUE,
        sends integer NOT NULL DEFAULT 0 CHECK (sends >= 0),
        answered_at timestamptz,
        covered_minor bigint NOT NULL DEFAULT 0 CHECK (covered_minor >= 0),
        excess_minor bigint NOT NULL DEFAULT 0 CHECK (excess_minor >= 0),
        UNIQUE (gateway, dispute_ref),
        CHECK ((closed_at IS NULL) = (state NOT IN ('won', 'lost', 'closed', 'foreign'))),
        CHECK ((due_at IS NULL) = (closed_at IS NOT NULL)),
        CHECK ((known_at IS NULL) = (payment_id IS NULL)),
        CHECK ((operation IS NULL) = (parameters IS NULL)),
        CHECK ((operation IS NULL) = (idempotency_key IS NULL))
    )
    """,
    "CREATE INDEX dispute_payment_id_idx ON billing.dispute (payment_id)",
    "CREATE INDEX dispute_due_at_idx ON billing.dispute (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE billing.dispute_fact (
        fact_id uuid PRIMARY KEY,
        dispute_id uuid NOT NULL REFERENCES billing.dispute,
        kind text COLLATE "C" NOT NULL,
        ref text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL DEFAULT 0,
        fee_minor bigint NOT NULL DEFAULT 0,
        detail text COLLATE "C" NOT NULL DEFAULT '',
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        UNIQUE (dispute_id, kind, ref),
        CHECK ((kind IN ('withdrawn', 'reinstated')) = (amount_minor > 0))
    )
    """,
    "CREATE INDEX dispute_fact_ref_idx ON billing.dispute_fact (ref)",
    """
    CREATE TABLE billing.dispute_part (
        dispute_id uuid NOT NULL REFERENCES billing.dispute,
        obligation_id uuid NOT NULL REFERENCES billing.obligation,
        borne_by text COLLATE "C" NOT NULL CHECK (borne_by IN ('operator', 'platform')),
        lost_minor bigint NOT NULL CHECK (lost_minor > 0),
        PRIMARY KEY (dispute_id, obligation_id)
    )
    """,
    "CREATE INDEX dispute_part_obligation_id_idx ON billing.dispute_part (obligation_id)",
    """
    ALTER TABLE billing.payment_allocation
    ADD COLUMN lost_minor bigint NOT NULL DEFAULT 0 CHECK (lost_minor >= 0)
    """,
    """
    ALTER TABLE billing.payment_allocation ADD CONSTRAINT payment_allocation_sums_check
    CHECK (refunded_minor + lost_minor <= amount_minor) NOT VALID
    """,
    "ALTER TABLE billing.payment_allocation VALIDATE CONSTRAINT payment_allocation_sums_check",
    """
    ALTER TABLE billing.refund ADD COLUMN covered_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT refund_covered_check CHECK (covered_minor BETWEEN 0 AND amount_minor)
    """,
    "ALTER TABLE billing.refund DROP CONSTRAINT refund_state_check",
    "ALTER TABLE billing.refund DROP CONSTRAINT refund_check",
    """
    ALTER TABLE billing.refund ADD CONSTRAINT refund_state_check
    CHECK (state IN ('ready', 'in_flight', 'unknown', 'pending', 'blocked', 'succeeded', 'failed',
        'superseded')) NOT VALID
    """,
    "ALTER TABLE billing.refund VALIDATE CONSTRAINT refund_state_check",
    """
    ALTER TABLE billing.refund ADD CONSTRAINT refund_check CHECK ((due_at IS NULL)
        = (state IN ('blocked', 'succeeded', 'failed', 'superseded'))) NOT VALID
    """,
    "ALTER TABLE billing.refund VALIDATE CONSTRAINT refund_check",
    """
    ALTER TABLE billing.operator_contract
    ADD COLUMN disputes_borne_by text COLLATE "C" NOT NULL DEFAULT 'operator'
    CHECK (disputes_borne_by IN ('operator', 'platform'))
    """,
    """
    ALTER TABLE billing.settlement
    ADD COLUMN commission_returned_minor bigint NOT NULL DEFAULT 0
    """,
)

_APPEND_ONLY = ("dispute_fact", "dispute_part")

_DOWN = (
    "ALTER TABLE billing.settlement DROP COLUMN commission_returned_minor",
    "ALTER TABLE billing.operator_contract DROP COLUMN disputes_borne_by",
    "ALTER TABLE billing.refund DROP CONSTRAINT refund_check",
    "ALTER TABLE billing.refund DROP CONSTRAINT refund_state_check",
    "ALTER TABLE billing.refund DROP CONSTRAINT refund_covered_check",
    "ALTER TABLE billing.refund DROP COLUMN covered_minor",
    """
    ALTER TABLE billing.refund ADD CONSTRAINT refund_state_check
    CHECK (state IN ('ready', 'in_flight', 'unknown', 'pending', 'succeeded', 'failed'))
    """,
    """
    ALTER TABLE billing.refund ADD CONSTRAINT refund_check
    CHECK ((due_at IS NULL) = (state IN ('succeeded', 'failed')))
    """,
    "ALTER TABLE billing.payment_allocation DROP CONSTRAINT payment_allocation_sums_check",
    "ALTER TABLE billing.payment_allocation DROP COLUMN lost_minor",
    "DROP TABLE billing.dispute_part, billing.dispute_fact, billing.dispute",
)


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _UP:
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
