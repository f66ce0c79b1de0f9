"""Billing: driver accounts, obligations, payments, the webhook inbox and the ledger.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ACCOUNTS = (
    """
    CREATE TABLE billing.driver_account (
        account_id uuid PRIMARY KEY,
        phone text COLLATE "C" NOT NULL UNIQUE CHECK (phone ~ '^[+][1-9][0-9]{6,14}$'),
        declines integer NOT NULL DEFAULT 0 CHECK (declines >= 0),
        collect_after timestamptz,
        suspended_at timestamptz,
        gather_at timestamptz,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE INDEX driver_account_gather_at_idx ON billing.driver_account (gather_at)
    WHERE gather_at IS NOT NULL
    """,
    """
    CREATE TABLE billing.driver_token (
        token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz
    )
    """,
    "CREATE INDEX driver_token_account_id_idx ON billing.driver_token (account_id)",
    """
    CREATE TABLE billing.plate_binding (
        binding_id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        plate text COLLATE "C" NOT NULL CHECK (char_length(plate) BETWEEN 2 AND 16),
        bound_at timestamptz NOT NULL,
        ended_at timestamptz CHECK (ended_at >= bound_at)
    )
    """,
    """
    CREATE UNIQUE INDEX plate_binding_live_key ON billing.plate_binding (plate)
    WHERE ended_at IS NULL
    """,
    "CREATE INDEX plate_binding_plate_idx ON billing.plate_binding (plate, bound_at)",
    "CREATE INDEX plate_binding_account_id_idx ON billing.plate_binding (account_id)",
    """
    CREATE TABLE billing.gateway_customer (
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        gateway text COLLATE "C" NOT NULL,
        customer_ref text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (account_id, gateway),
        UNIQUE (gateway, customer_ref)
    )
    """,
    """
    CREATE TABLE billing.payment_method (
        payment_method_id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        gateway text COLLATE "C" NOT NULL,
        method_ref text COLLATE "C" NOT NULL,
        brand text COLLATE "C" NOT NULL,
        last4 text COLLATE "C" NOT NULL CHECK (char_length(last4) <= 4),
        set_up_at timestamptz NOT NULL,
        ended_at timestamptz,
        UNIQUE (gateway, method_ref)
    )
    """,
    """
    CREATE UNIQUE INDEX payment_method_live_key ON billing.payment_method (account_id)
    WHERE ended_at IS NULL
    """,
    """
    CREATE TABLE billing.payment_method_setup (
        setup_id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES billing.driver_account,
        gateway text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL CHECK (state IN ('creating', 'open', 'completed', 'expired')),
        checkout_ref text COLLATE "C",
        url text COLLATE "C",
        idempotency_key text COLLATE "C" NOT NULL UNIQUE,
        operation text COLLATE "C" NOT NULL,
        parameters json NOT NULL,
        created_at timestamptz NOT NULL,
        due_at timestamptz,
        UNIQUE (gateway, checkout_ref),
        CHECK ((due_at IS NULL) = (state IN ('completed', 'expired'))),
        CHECK (state NOT IN ('open', 'completed') OR checkout_ref IS NOT NULL)
    )
    """,
    """
    CREATE INDEX payment_method_setup_due_at_idx ON billing.payment_method_setup (due_at)
    WHERE due_at IS NOT NULL
    """,
)

_OBLIGATIONS = (
    """
    CREATE TABLE billing.obligation (
        obligation_id uuid PRIMARY KEY,
        stay_id uuid NOT NULL UNIQUE,
        revision integer NOT NULL CHECK (revision >= 0),
        operator_id text COLLATE "C" NOT NULL,
        lot_id text COLLATE "C" NOT NULL,
        plate text COLLATE "C" NOT NULL,
        account_id uuid REFERENCES billing.driver_account,
        entered_at timestamptz NOT NULL,
        left_at timestamptz NOT NULL,
        business_date date NOT NULL,
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        charged_minor bigint NOT NULL CHECK (charged_minor >= 0),
        captured_minor bigint NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
        returned_minor bigint NOT NULL DEFAULT 0
            CHECK (returned_minor BETWEEN 0 AND captured_minor),
        commission_bp integer NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
        state text COLLATE "C" NOT NULL CHECK (state IN ('void', 'due', 'collecting', 'paid')),
        chargeable_from timestamptz NOT NULL,
        fee json NOT NULL,
        trace_id text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CHECK (charged_minor >= captured_minor - returned_minor),
        CHECK (state <> 'void' OR charged_minor = 0),
        CHECK (state <> 'paid' OR (charged_minor > 0
                                   AND charged_minor = captured_minor - returned_minor)),
        CHECK (state <> 'due' OR charged_minor > captured_minor - returned_minor)
    )
    """,
    """
    CREATE INDEX obligation_account_id_idx ON billing.obligation (account_id, chargeable_from)
    WHERE state = 'due'
    """,
    """
    CREATE INDEX obligation_plate_idx ON billing.obligation (plate)
    WHERE state IN ('due', 'collecting')
    """,
    """
    CREATE INDEX obligation_operator_id_idx
    ON billing.obligation (operator_id, business_date)
    """,
    "CREATE INDEX obligation_account_recent_idx ON billing.obligation (account_id, left_at)",
    """
    CREATE TABLE billing.obligation_adjustment (
        obligation_id uuid NOT NULL REFERENCES billing.obligation,
        revision integer NOT NULL CHECK (revision >= 1),
        from_minor bigint NOT NULL CHECK (from_minor >= 0),
        to_minor bigint NOT NULL CHECK (to_minor >= 0),
        dissolved boolean NOT NULL,
        fee json NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (obligation_id, revision)
    )
    """,
    """
    CREATE TABLE billing.refused_message (
        message_id uuid PRIMARY KEY,
        sequence bigint NOT NULL,
        payload json NOT NULL,
        problem text COLLATE "C" NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
)

_PAYMENTS = (
    """
    CREATE TABLE billing.payment (
        payment_id uuid PRIMARY KEY,
        account_id uuid REFERENCES billing.driver_account,
        method text COLLATE "C" NOT NULL CHECK (method IN ('card', 'checkout')),
        gateway text COLLATE "C" NOT NULL,
        customer_ref text COLLATE "C",
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        state text COLLATE "C" NOT NULL CHECK (state IN ('ready', 'in_flight', 'unknown', 'pending', 'open',
            'waiting', 'stopped', 'abandoning', 'succeeded', 'abandoned')),
        due_at timestamptz,
        attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        payment_ref text COLLATE "C",
        checkout_ref text COLLATE "C",
        checkout_url text COLLATE "C",
        return_url text COLLATE "C",
        charge_ref text COLLATE "C",
        decline_class text COLLATE "C",
        decline_code text COLLATE "C",
        fee_minor bigint CHECK (fee_minor >= 0),
        captured_at timestamptz,
        trace_id text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        UNIQUE (gateway, payment_ref),
        UNIQUE (gateway, checkout_ref),
        UNIQUE (gateway, charge_ref),
        CHECK ((due_at IS NULL) = (state IN ('stopped', 'succeeded', 'abandoned'))),
        CHECK ((captured_at IS NOT NULL) = (state = 'succeeded')),
        CHECK (state <> 'succeeded' OR (payment_ref IS NOT NULL AND charge_ref IS NOT NULL)),
        CHECK (method = 'checkout' OR (account_id IS NOT NULL AND customer_ref IS NOT NULL))
    )
    """,
    "CREATE INDEX payment_due_at_idx ON billing.payment (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE UNIQUE INDEX payment_live_key ON billing.payment (account_id)
    WHERE method = 'card' AND state NOT IN ('succeeded', 'abandoned')
    """,
    """
    CREATE INDEX payment_fee_unknown_idx ON billing.payment (gateway, charge_ref)
    WHERE state = 'succeeded' AND fee_minor IS NULL
    """,
    "CREATE INDEX payment_captured_at_idx ON billing.payment (captured_at)",
    """
    CREATE TABLE billing.payment_allocation (
        payment_id uuid NOT NULL REFERENCES billing.payment,
        obligation_id uuid NOT NULL REFERENCES billing.obligation,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        refunded_minor bigint NOT NULL DEFAULT 0,
        state text COLLATE "C" NOT NULL CHECK (state IN ('held', 'captured', 'released')),
        PRIMARY KEY (payment_id, obligation_id),
        CHECK (refunded_minor BETWEEN 0 AND amount_minor),
        CHECK (refunded_minor = 0 OR state = 'captured')
    )
    """,
    """
    CREATE UNIQUE INDEX payment_allocation_held_key
    ON billing.payment_allocation (obligation_id) WHERE state = 'held'
    """,
    """
    CREATE INDEX payment_allocation_obligation_id_idx
    ON billing.payment_allocation (obligation_id)
    """,
    """
    CREATE TABLE billing.payment_attempt (
        payment_id uuid NOT NULL REFERENCES billing.payment,
        number integer NOT NULL CHECK (number >= 1),
        operation text COLLATE "C" NOT NULL,
        parameters json NOT NULL,
        idempotency_key text COLLATE "C" NOT NULL UNIQUE,
        started_at timestamptz NOT NULL,
        sends integer NOT NULL DEFAULT 1 CHECK (sends >= 1),
        outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('in_flight', 'unknown', 'pending', 'opened',
            'succeeded', 'declined', 'action_required', 'not_executed', 'abandoned')),
        decline_class text COLLATE "C",
        decline_code text COLLATE "C",
        detail text COLLATE "C" NOT NULL DEFAULT '',
        finished_at timestamptz,
        PRIMARY KEY (payment_id, number)
    )
    """,
    """
    CREATE TABLE billing.refund (
        refund_id uuid PRIMARY KEY,
        payment_id uuid NOT NULL,
        obligation_id uuid NOT NULL,
        gateway text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        state text COLLATE "C" NOT NULL
            CHECK (state IN ('ready', 'in_flight', 'unknown', 'pending', 'succeeded', 'failed')),
        due_at timestamptz,
        operation text COLLATE "C" NOT NULL,
        parameters json NOT NULL,
        idempotency_key text COLLATE "C" NOT NULL UNIQUE,
        sends integer NOT NULL DEFAULT 0 CHECK (sends >= 0),
        refund_ref text COLLATE "C",
        detail text COLLATE "C" NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        FOREIGN KEY (payment_id, obligation_id) REFERENCES billing.payment_allocation,
        UNIQUE (gateway, refund_ref),
        CHECK ((due_at IS NULL) = (state IN ('succeeded', 'failed')))
    )
    """,
    "CREATE INDEX refund_due_at_idx ON billing.refund (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX refund_payment_id_idx ON billing.refund (payment_id, obligation_id)",
    """
    CREATE TABLE billing.webhook_inbox (
        gateway text COLLATE "C" NOT NULL,
        event_ref text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        object_ref text COLLATE "C" NOT NULL,
        payload json NOT NULL,
        received_at timestamptz NOT NULL,
        tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
        due_at timestamptz,
        handled_at timestamptz,
        PRIMARY KEY (gateway, event_ref),
        CHECK ((due_at IS NULL) = (handled_at IS NOT NULL))
    )
    """,
    """
    CREATE INDEX webhook_inbox_due_at_idx ON billing.webhook_inbox (due_at)
    WHERE due_at IS NOT NULL
    """,
)

_GATEWAY_REPORT = (
    """
    CREATE TABLE billing.gateway_transaction (
        gateway text COLLATE "C" NOT NULL,
        transaction_ref text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        source_ref text COLLATE "C" NOT NULL,
        gross_minor bigint NOT NULL,
        fee_minor bigint NOT NULL,
        net_minor bigint NOT NULL,
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        created_at timestamptz NOT NULL,
        imported_at timestamptz NOT NULL,
        PRIMARY KEY (gateway, transaction_ref),
        CHECK (net_minor = gross_minor - fee_minor)
    )
    """,
    """
    CREATE INDEX gateway_transaction_source_ref_idx
    ON billing.gateway_transaction (gateway, source_ref)
    """,
    """
    CREATE INDEX gateway_transaction_created_at_idx
    ON billing.gateway_transaction (gateway, created_at)
    """,
    """
    CREATE TABLE billing.gateway_cursor (
        gateway text COLLATE "C" PRIMARY KEY,
        imported_through timestamptz NOT NULL,
        due_at timestamptz NOT NULL
    )
    """,
)

_LEDGER = (
    """
    CREATE TABLE billing.ledger_account (
        account text COLLATE "C" PRIMARY KEY,
        kind text COLLATE "C" NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
        operator_id text COLLATE "C"
    )
    """,
    """
    CREATE TABLE billing.journal_entry (
        entry_id uuid PRIMARY KEY,
        kind text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        lines smallint NOT NULL CHECK (lines >= 2),
        booked_on date NOT NULL,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        trace_id text COLLATE "C" NOT NULL,
        UNIQUE (kind, source),
        UNIQUE (entry_id, lines)
    )
    """,
    # Each posting names how many its entry has, and the foreign key holds it to that: once an
    # entry is committed all its lines are taken, so one check an entry is enough for ever.
    """
    CREATE TABLE billing.posting (
        entry_id uuid NOT NULL,
        line smallint NOT NULL CHECK (line >= 1),
        lines smallint NOT NULL,
        account text COLLATE "C" NOT NULL REFERENCES billing.ledger_account,
        amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
        currency character(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        booked_on date NOT NULL,
        PRIMARY KEY (entry_id, line),
        FOREIGN KEY (entry_id, lines) REFERENCES billing.journal_entry (entry_id, lines),
        CHECK (line <= lines)
    )
    """,
    "CREATE INDEX posting_account_idx ON billing.posting (account, booked_on)",
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
)

_APPEND_ONLY = (
    "obligation_adjustment",
    "refused_message",
    "gateway_transaction",
    "journal_entry",
    "posting",
)

_SEALED_REQUESTS = ("payment_attempt", "refund", "payment_method_setup")
"""What was once sent under a key stays as it was sent."""


def upgrade() -> None:
    """Build the schema."""
    op.execute("CREATE SCHEMA billing")
    for statement in (*_ACCOUNTS, *_OBLIGATIONS, *_PAYMENTS, *_GATEWAY_REPORT, *_LEDGER):
        op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION parking.refuse_change()"
        )
    for table in _SEALED_REQUESTS:
        op.execute(
            f"CREATE TRIGGER sealed_request BEFORE UPDATE ON billing.{table} FOR EACH ROW "
            "WHEN (OLD.idempotency_key <> NEW.idempotency_key OR OLD.operation <> NEW.operation "
            "OR OLD.parameters::text <> NEW.parameters::text) "
            "EXECUTE FUNCTION parking.refuse_change()"
        )


def downgrade() -> None:
    """Remove the schema and all that is in it."""
    op.execute("DROP SCHEMA billing CASCADE")
