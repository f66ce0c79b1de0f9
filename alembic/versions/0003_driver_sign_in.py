"""Driver sign-in: one-time codes, revocable tokens, kept consent, and leaving.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE billing.phone_code (
        code_id uuid PRIMARY KEY,
        phone text COLLATE "C" NOT NULL CHECK (phone ~ '^[+][1-9][0-9]{6,14}$'),
        salt bytea NOT NULL CHECK (octet_length(salt) = 16),
        code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
        tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
        used_at timestamptz
    )
    """,
    "CREATE INDEX phone_code_phone_idx ON billing.phone_code (phone, created_at)",
    "ALTER TABLE billing.driver_token ADD COLUMN token_id uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE billing.driver_token ADD CONSTRAINT driver_token_token_id_key UNIQUE (token_id)",
    "ALTER TABLE billing.driver_token ADD COLUMN expires_at timestamptz",
    "ALTER TABLE billing.driver_account ADD COLUMN closed_at timestamptz",
    # A phone number that was given up may be signed up again, by whoever has it then.
    "ALTER TABLE billing.driver_account DROP CONSTRAINT driver_account_phone_key",
    """
    CREATE UNIQUE INDEX driver_account_phone_key ON billing.driver_account (phone)
    WHERE closed_at IS NULL
    """,
    """
    CREATE TABLE billing.consent_text (
        version text COLLATE "C" PRIMARY KEY,
        text_zh text COLLATE "C" NOT NULL,
        text_en text COLLATE "C" NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE billing.consent (
        setup_id uuid PRIMARY KEY REFERENCES billing.payment_method_setup,
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        version text COLLATE "C" NOT NULL REFERENCES billing.consent_text,
        given_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX consent_account_id_idx ON billing.consent (account_id)",
    "ALTER TABLE billing.payment_method ADD COLUMN detach_at timestamptz",
    "ALTER TABLE billing.payment_method ADD CHECK (detach_at IS NULL OR ended_at IS NOT NULL)",
    """
    CREATE INDEX payment_method_detach_at_idx ON billing.payment_method (detach_at)
    WHERE detach_at IS NOT NULL
    """,
)

_APPEND_ONLY = ("consent_text", "consent")


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
    op.execute("ALTER TABLE billing.payment_method DROP COLUMN detach_at")
    op.execute("DROP TABLE billing.consent, billing.consent_text, billing.phone_code")
    op.execute("DROP INDEX billing.driver_account_phone_key")
    op.execute("ALTER TABLE billing.driver_account DROP COLUMN closed_at")
    op.execute(
        "ALTER TABLE billing.driver_account ADD CONSTRAINT driver_account_phone_key UNIQUE (phone)"
    )
    op.execute("ALTER TABLE billing.driver_token DROP COLUMN expires_at, DROP COLUMN token_id")
