"""A second provider: services for plates, registered stays, advances, fees given back.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE billing.plate_service (
        service_id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        gateway text COLLATE "C" NOT NULL,
        plate text COLLATE "C" NOT NULL CHECK (char_length(plate) BETWEEN 2 AND 16),
        colour text COLLATE "C" NOT NULL,
        customer_ref text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL CHECK (state IN ('normal', 'paused', 'ended')),
        block_reason text COLLATE "C",
        bound_at timestamptz NOT NULL,
        checked_at timestamptz NOT NULL,
        ended_at timestamptz CHECK (ended_at >= bound_at)
    )
    """,
    (
        "CREATE UNIQUE INDEX plate_service_live_key ON billing.plate_service (plate, gateway) "
        "WHERE ended_at IS NULL"
    ),
    "CREATE INDEX plate_service_account_id_idx ON billing.plate_service (account_id)",
    """
    CREATE TABLE billing.stay_registration (
        registration_id uuid PRIMARY KEY,
        stay_id uuid NOT NULL,
        gateway text COLLATE "C" NOT NULL,
        service_id uuid NOT NULL REFERENCES billing.plate_service,
        lot_id text COLLATE "C" NOT NULL,
        lot_name text COLLATE "C" NOT NULL,
        entered_at timestamptz NOT NULL,
        state text COLLATE "C" NOT NULL
            CHECK (state IN ('prepared', 'unknown', 'registered', 'blocked', 'refused')),
        registration_ref text COLLATE "C",
        detail text COLLATE "C" NOT NULL DEFAULT '',
        operation text COLLATE "C" NOT NULL,
        parameters json NOT NULL,
        sends integer NOT NULL DEFAULT 0 CHECK (sends >= 0),
        due_at timestamptz,
        created_at timestamptz NOT NULL,
        answered_at timestamptz,
        UNIQUE (stay_id, gateway),
        UNIQUE (gateway, registration_ref),
        CHECK ((due_at IS NOT NULL) = (state IN ('prepared', 'unknown'))),
        CHECK (state <> 'registered' OR registration_ref IS NOT NULL)
    )
    """,
    (
        "CREATE INDEX stay_registration_due_at_idx ON billing.stay_registration (due_at) "
        "WHERE due_at IS NOT NULL"
    ),
    "CREATE INDEX stay_registration_service_id_idx ON billing.stay_registration (service_id)",
    """
    CREATE TABLE billing.provider_advance (
        payment_id uuid PRIMARY KEY REFERENCES billing.payment,
        gateway text COLLATE "C" NOT NULL,
        advanced_at timestamptz NOT NULL,
        repaid_at timestamptz,
        due_at timestamptz,
        CHECK ((due_at IS NULL) = (repaid_at IS NOT NULL))
    )
    """,
    (
        "CREATE INDEX provider_advance_due_at_idx ON billing.provider_advance (due_at) "
        "WHERE due_at IS NOT NULL"
    ),
    "ALTER TABLE billing.payment DROP CONSTRAINT payment_method_check",
    (
        "ALTER TABLE billing.payment ADD CONSTRAINT payment_method_check "
        "CHECK (method IN ('card', 'checkout', 'deduction'))"
    ),
    (
        "CREATE INDEX payment_deduction_live_idx ON billing.payment (account_id) "
        "WHERE method = 'deduction' AND state NOT IN ('succeeded', 'abandoned')"
    ),
    # What the provider gave back of its fee with a refund; unknown until its report tells.
    "ALTER TABLE billing.refund ADD COLUMN fee_minor bigint",
    (
        "CREATE INDEX refund_fee_unknown_idx ON billing.refund (gateway, refund_ref) "
        "WHERE state = 'succeeded' AND fee_minor IS NULL"
    ),
)

_DOWN = (
    "ALTER TABLE billing.refund DROP COLUMN fee_minor",
    "DROP INDEX billing.payment_deduction_live_idx",
    "ALTER TABLE billing.payment DROP CONSTRAINT payment_method_check",
    (
        "ALTER TABLE billing.payment ADD CONSTRAINT payment_method_check "
        "CHECK (method IN ('card', 'checkout'))"
    ),
    "DROP TABLE billing.provider_advance",
    "DROP TABLE billing.stay_registration",
    "DROP TABLE billing.plate_service",
)


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _DOWN:
        op.execute(statement)
