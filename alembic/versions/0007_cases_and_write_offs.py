"""Claims to plates, appeals against fees, write-offs, and messages to drivers.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE billing.plate_binding ADD COLUMN replaces_id uuid REFERENCES billing.plate_binding",
    """
    CREATE TABLE billing.plate_claim (
        claim_id uuid PRIMARY KEY,
        plate text COLLATE "C" NOT NULL CHECK (char_length(plate) BETWEEN 2 AND 16),
        claimant_id uuid NOT NULL REFERENCES billing.driver_account,
        binding_id uuid NOT NULL REFERENCES billing.plate_binding,
        state text COLLATE "C" NOT NULL
            CHECK (state IN ('open', 'granted', 'refused', 'withdrawn')),
        opened_at timestamptz NOT NULL,
        licence_ref text COLLATE "C",
        fact_tries integer NOT NULL DEFAULT 0 CHECK (fact_tries >= 0),
        fact_matched boolean NOT NULL DEFAULT false,
        holder_answer text COLLATE "C" CHECK (holder_answer IN ('agrees', 'contests')),
        due_at timestamptz,
        decided_at timestamptz,
        decided_by text COLLATE "C",
        reason text COLLATE "C" NOT NULL DEFAULT '',
        CHECK ((state = 'open') = (decided_at IS NULL)),
        CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
        CHECK (state = 'open' OR due_at IS NULL)
    )
    """,
    """
    CREATE UNIQUE INDEX plate_claim_open_key ON billing.plate_claim (plate)
    WHERE state = 'open'
    """,
    "CREATE INDEX plate_claim_claimant_id_idx ON billing.plate_claim (claimant_id)",
    "CREATE INDEX plate_claim_binding_id_idx ON billing.plate_claim (binding_id)",
    """
    CREATE INDEX plate_claim_due_at_idx ON billing.plate_claim (due_at)
    WHERE due_at IS NOT NULL
    """,
    """
    CREATE TABLE billing.appeal (
        appeal_id uuid PRIMARY KEY,
        obligation_id uuid NOT NULL REFERENCES billing.obligation,
        ground text COLLATE "C" NOT NULL
            CHECK (ground IN ('not_my_car', 'barrier_broken', 'wrong_time', 'other')),
        statement text COLLATE "C" NOT NULL,
        evidence_ref text COLLATE "C",
        state text COLLATE "C" NOT NULL
            CHECK (state IN ('open', 'granted', 'corrected', 'refused', 'withdrawn')),
        opened_at timestamptz NOT NULL,
        due_at timestamptz,
        decided_at timestamptz,
        decided_by text COLLATE "C",
        reason text COLLATE "C" NOT NULL DEFAULT '',
        correction json,
        revision integer,
        closed_at timestamptz,
        CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
        CHECK ((state IN ('granted', 'corrected')) = (correction IS NOT NULL)),
        CHECK ((due_at IS NOT NULL) = (state = 'granted')),
        CHECK ((closed_at IS NULL) = (state IN ('open', 'granted')))
    )
    """,
    """
    CREATE UNIQUE INDEX appeal_live_key ON billing.appeal (obligation_id)
    WHERE closed_at IS NULL
    """,
    "CREATE INDEX appeal_obligation_id_idx ON billing.appeal (obligation_id)",
    "CREATE INDEX appeal_due_at_idx ON billing.appeal (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE billing.case_note (
        note_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        said_by text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        text text COLLATE "C" NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX case_note_case_id_idx ON billing.case_note (case_id, recorded_at)",
    """
    CREATE TABLE billing.write_off (
        write_off_id uuid PRIMARY KEY,
        obligation_id uuid NOT NULL REFERENCES billing.obligation,
        kind text COLLATE "C" NOT NULL CHECK (kind IN ('written_off', 'reinstated')),
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        said_by text COLLATE "C" NOT NULL,
        reason text COLLATE "C" NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX write_off_obligation_id_idx ON billing.write_off (obligation_id)",
    """
    ALTER TABLE billing.obligation ADD COLUMN written_off_minor bigint NOT NULL DEFAULT 0
    CHECK (written_off_minor >= 0)
    """,
    "ALTER TABLE billing.obligation DROP CONSTRAINT obligation_state_check",
    """
    ALTER TABLE billing.obligation ADD CONSTRAINT obligation_state_check
    CHECK (state IN ('void', 'due', 'collecting', 'paid', 'written_off')) NOT VALID
    """,
    "ALTER TABLE billing.obligation VALIDATE CONSTRAINT obligation_state_check",
    # A write-off takes all that is outstanding, and any change to the obligation ends it first.
    """
    ALTER TABLE billing.obligation ADD CONSTRAINT obligation_written_off_check
    CHECK (CASE WHEN state = 'written_off'
        THEN written_off_minor > 0 AND charged_minor - captured_minor + returned_minor
            = written_off_minor
        ELSE written_off_minor = 0 END) NOT VALID
    """,
    "ALTER TABLE billing.obligation VALIDATE CONSTRAINT obligation_written_off_check",
    "DROP INDEX billing.obligation_plate_idx",
    """
    CREATE INDEX obligation_plate_idx ON billing.obligation (plate)
    WHERE state IN ('due', 'collecting', 'written_off')
    """,
    """
    CREATE INDEX obligation_due_since_idx ON billing.obligation (chargeable_from)
    WHERE state = 'due'
    """,
    """
    CREATE TABLE billing.notification (
        notification_id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        kind text COLLATE "C" NOT NULL,
        about uuid NOT NULL,
        parameters json NOT NULL,
        created_at timestamptz NOT NULL,
        due_at timestamptz,
        tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
        sent_at timestamptz,
        UNIQUE (kind, about),
        CHECK (due_at IS NULL OR sent_at IS NULL)
    )
    """,
    """
    CREATE INDEX notification_due_at_idx ON billing.notification (due_at)
    WHERE due_at IS NOT NULL
    """,
    "CREATE INDEX notification_account_id_idx ON billing.notification (account_id)",
)

_APPEND_ONLY = ("case_note", "write_off")

_DOWN = (
    "DROP TABLE billing.notification",
    "DROP INDEX billing.obligation_due_since_idx, billing.obligation_plate_idx",
    """
    CREATE INDEX obligation_plate_idx ON billing.obligation (plate)
    WHERE state IN ('due', 'collecting')
    """,
    "ALTER TABLE billing.obligation DROP CONSTRAINT obligation_written_off_check",
    "ALTER TABLE billing.obligation DROP CONSTRAINT obligation_state_check",
    """
    ALTER TABLE billing.obligation ADD CONSTRAINT obligation_state_check
    CHECK (state IN ('void', 'due', 'collecting', 'paid'))
    """,
    "ALTER TABLE billing.obligation DROP COLUMN written_off_minor",
    "DROP TABLE billing.write_off, billing.case_note, billing.appeal, billing.plate_claim",
    "ALTER TABLE billing.plate_binding DROP COLUMN replaces_id",
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
