"""Why an account pays later no more; operators' contracts and settlements.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UP = (
    'ALTER TABLE billing.driver_account ADD COLUMN suspended_for text COLLATE "C"',
    """
    CREATE TABLE billing.operator_contract (
        contract_id uuid PRIMARY KEY,
        operator_id text COLLATE "C" NOT NULL,
        effective_from date NOT NULL,
        commission_bp integer NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
        fixed_minor bigint NOT NULL CHECK (fixed_minor >= 0),
        minimum_minor bigint NOT NULL CHECK (minimum_minor >= 0),
        period text COLLATE "C" NOT NULL CHECK (period IN ('daily', 'weekly', 'monthly')),
        said_by text COLLATE "C" NOT NULL,
        recorded_at timestamptz NOT NULL,
        UNIQUE (operator_id, effective_from)
    )
    """,
    """
    CREATE TABLE billing.settlement (
        settlement_id uuid PRIMARY KEY,
        operator_id text COLLATE "C" NOT NULL,
        begin_date date NOT NULL,
        cut_off_date date NOT NULL,
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        commission_bp integer NOT NULL,
        opening_minor bigint NOT NULL,
        collected_minor bigint NOT NULL,
        commission_minor bigint NOT NULL,
        processor_fees_minor bigint NOT NULL,
        corrected_minor bigint NOT NULL,
        fixed_minor bigint NOT NULL CHECK (fixed_minor >= 0),
        top_up_minor bigint NOT NULL CHECK (top_up_minor >= 0),
        settled_minor bigint NOT NULL CHECK (settled_minor >= 0),
        carried_minor bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        UNIQUE (operator_id, cut_off_date),
        CHECK (begin_date <= cut_off_date),
        CHECK (opening_minor + collected_minor - commission_minor - processor_fees_minor
            + corrected_minor - fixed_minor - top_up_minor = settled_minor + carried_minor)
    )
    """,
)

_APPEND_ONLY = ("operator_contract", "settlement")


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
    op.execute("DROP TABLE billing.settlement, billing.operator_contract")
    op.execute("ALTER TABLE billing.driver_account DROP COLUMN suspended_for")
