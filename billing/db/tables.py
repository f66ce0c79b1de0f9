"""Billing's tables as SQLAlchemy knows them, held to the migrations by a test.

The migrations are what makes the database; checks, triggers and the conditions of partial indexes
stand there. These are for the drift test and for ad-hoc reading.
"""

from sqlalchemy import (
    CHAR,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.sql.elements import TextClause

METADATA = MetaData(
    schema="billing",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    },
)


def _text(name: str, *more: ForeignKey, optional: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text(collation="C"), *more, nullable=optional, primary_key=key)


def _id(name: str, *more: ForeignKey, optional: bool = False, key: bool = False) -> Column[object]:
    return Column(name, Uuid(), *more, nullable=optional, primary_key=key)


def _at(name: str, *, optional: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=optional)


def _minor(name: str, *, optional: bool = False, default: str | None = None) -> Column[int]:
    return Column(name, BigInteger, nullable=optional, server_default=_default(default))


def _count(name: str, *, default: str | None = None) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=_default(default))


def _default(value: str | None) -> TextClause | None:
    return None if value is None else text(value)


def _currency() -> Column[str]:
    return Column("currency", CHAR(3), nullable=False)


def _json(name: str) -> Column[object]:
    return Column(name, JSON, nullable=False)


def _detail() -> Column[str]:
    return Column("detail", Text(collation="C"), nullable=False, server_default=text("''"))


driver_account = Table(
    "driver_account",
    METADATA,
    _id("account_id", key=True),
    _text("phone"),
    _count("declines", default="0"),
    _at("collect_after", optional=True),
    _at("suspended_at", optional=True),
    _at("gather_at", optional=True),
    _at("created_at"),
    _at("closed_at", optional=True),
    _text("suspended_for", optional=True),
    Index("driver_account_phone_key", "phone", unique=True),
    Index("driver_account_gather_at_idx", "gather_at"),
)

phone_code = Table(
    "phone_code",
    METADATA,
    _id("code_id", key=True),
    _text("phone"),
    Column("salt", LargeBinary, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    _count("tries", default="0"),
    _at("created_at"),
    _at("expires_at"),
    _at("used_at", optional=True),
    Index("phone_code_phone_idx", "phone", "created_at"),
)

driver_token = Table(
    "driver_token",
    METADATA,
    Column("token_sha256", LargeBinary, primary_key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _at("created_at"),
    _at("revoked_at", optional=True),
    Column("token_id", Uuid(), nullable=False, server_default=text("gen_random_uuid()")),
    _at("expires_at", optional=True),
    UniqueConstraint("token_id"),
    Index("driver_token_account_id_idx", "account_id"),
)

plate_binding = Table(
    "plate_binding",
    METADATA,
    _id("binding_id", key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _text("plate"),
    _at("bound_at"),
    _at("ended_at", optional=True),
    _id("replaces_id", ForeignKey("billing.plate_binding.binding_id"), optional=True),
    Index("plate_binding_live_key", "plate", unique=True),
    Index("plate_binding_plate_idx", "plate", "bound_at"),
    Index("plate_binding_account_id_idx", "account_id"),
)

gateway_customer = Table(
    "gateway_customer",
    METADATA,
    _id("account_id", ForeignKey(driver_account.c.account_id), key=True),
    _text("gateway", key=True),
    _text("customer_ref"),
    _at("created_at"),
    UniqueConstraint("gateway", "customer_ref"),
)

payment_method = Table(
    "payment_method",
    METADATA,
    _id("payment_method_id", key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _text("gateway"),
    _text("method_ref"),
    _text("brand"),
    _text("last4"),
    _at("set_up_at"),
    _at("ended_at", optional=True),
    _at("detach_at", optional=True),
    UniqueConstraint("gateway", "method_ref"),
    Index("payment_method_live_key", "account_id", unique=True),
    Index("payment_method_detach_at_idx", "detach_at"),
)

payment_method_setup = Table(
    "payment_method_setup",
    METADATA,
    _id("setup_id", key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _text("gateway"),
    _text("state"),
    _text("checkout_ref", optional=True),
    _text("url", optional=True),
    _text("idempotency_key"),
    _text("operation"),
    _json("parameters"),
    _at("created_at"),
    _at("due_at", optional=True),
    UniqueConstraint("idempotency_key"),
    UniqueConstraint("gateway", "checkout_ref"),
    Index("payment_method_setup_due_at_idx", "due_at"),
)

consent_text = Table(
    "consent_text",
    METADATA,
    _text("version", key=True),
    _text("text_zh"),
    _text("text_en"),
    _at("recorded_at"),
)

consent = Table(
    "consent",
    METADATA,
    _id("setup_id", ForeignKey(payment_method_setup.c.setup_id), key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _text("version", ForeignKey(consent_text.c.version)),
    _at("given_at"),
    Index("consent_account_id_idx", "account_id"),
)

obligation = Table(
    "obligation",
    METADATA,
    _id("obligation_id", key=True),
    _id("stay_id"),
    _count("revision"),
    _text("operator_id"),
    _text("lot_id"),
    _text("plate"),
    _id("account_id", ForeignKey(driver_account.c.account_id), optional=True),
    _at("entered_at"),
    _at("left_at"),
    Column("business_date", Date, nullable=False),
    _currency(),
    _minor("charged_minor"),
    _minor("captured_minor", default="0"),
    _minor("returned_minor", default="0"),
    _count("commission_bp"),
    _text("state"),
    _at("chargeable_from"),
    _json("fee"),
    _text("trace_id"),
    _at("created_at"),
    _at("updated_at"),
    _text("hold", optional=True),
    _minor("written_off_minor", default="0"),
    UniqueConstraint("stay_id"),
    Index("obligation_account_id_idx", "account_id", "chargeable_from"),
    Index("obligation_plate_idx", "plate"),
    Index("obligation_operator_id_idx", "operator_id", "business_date"),
    Index("obligation_account_recent_idx", "account_id", "left_at"),
    Index("obligation_due_since_idx", "chargeable_from"),
    Index("obligation_account_owed_idx", "account_id"),
)

obligation_adjustment = Table(
    "obligation_adjustment",
    METADATA,
    _id("obligation_id", ForeignKey(obligation.c.obligation_id), key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _minor("from_minor"),
    _minor("to_minor"),
    Column("dissolved", Boolean, nullable=False),
    _json("fee"),
    _at("recorded_at"),
)

refused_message = Table(
    "refused_message",
    METADATA,
    _id("message_id", key=True),
    Column("sequence", BigInteger, nullable=False),
    _json("payload"),
    _text("problem"),
    _at("recorded_at"),
)

payment = Table(
    "payment",
    METADATA,
    _id("payment_id", key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id), optional=True),
    _text("method"),
    _text("gateway"),
    _text("customer_ref", optional=True),
    _minor("amount_minor"),
    _currency(),
    _text("state"),
    _at("due_at", optional=True),
    _count("attempts", default="0"),
    _text("payment_ref", optional=True),
    _text("checkout_ref", optional=True),
    _text("checkout_url", optional=True),
    _text("return_url", optional=True),
    _text("charge_ref", optional=True),
    _text("decline_class", optional=True),
    _text("decline_code", optional=True),
    _minor("fee_minor", optional=True),
    _at("captured_at", optional=True),
    _text("trace_id"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("gateway", "payment_ref"),
    UniqueConstraint("gateway", "checkout_ref"),
    UniqueConstraint("gateway", "charge_ref"),
    Index("payment_due_at_idx", "due_at"),
    Index("payment_live_key", "account_id", unique=True),
    Index("payment_deduction_live_idx", "account_id"),
    Index("payment_fee_unknown_idx", "gateway", "charge_ref"),
    Index("payment_captured_at_idx", "captured_at"),
)

payment_allocation = Table(
    "payment_allocation",
    METADATA,
    _id("payment_id", ForeignKey(payment.c.payment_id), key=True),
    _id("obligation_id", ForeignKey(obligation.c.obligation_id), key=True),
    _minor("amount_minor"),
    _minor("refunded_minor", default="0"),
    _text("state"),
    _minor("lost_minor", default="0"),
    Index("payment_allocation_held_key", "obligation_id", unique=True),
    Index("payment_allocation_obligation_id_idx", "obligation_id"),
)

payment_attempt = Table(
    "payment_attempt",
    METADATA,
    _id("payment_id", ForeignKey(payment.c.payment_id), key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("operation"),
    _json("parameters"),
    _text("idempotency_key"),
    _at("started_at"),
    _count("sends", default="1"),
    _text("outcome"),
    _text("decline_class", optional=True),
    _text("decline_code", optional=True),
    _detail(),
    _at("finished_at", optional=True),
    UniqueConstraint("idempotency_key"),
)

refund = Table(
    "refund",
    METADATA,
    _id("refund_id", key=True),
    _id("payment_id"),
    _id("obligation_id"),
    _text("gateway"),
    _minor("amount_minor"),
    _currency(),
    _text("state"),
    _at("due_at", optional=True),
    _text("operation"),
    _json("parameters"),
    _text("idempotency_key"),
    _count("sends", default="0"),
    _text("refund_ref", optional=True),
    _detail(),
    _at("created_at"),
    _at("started_at", optional=True),
    _at("finished_at", optional=True),
    _minor("covered_minor", default="0"),
    _minor("fee_minor", optional=True),
    ForeignKeyConstraint(
        ["payment_id", "obligation_id"],
        [payment_allocation.c.payment_id, payment_allocation.c.obligation_id],
    ),
    UniqueConstraint("idempotency_key"),
    UniqueConstraint("gateway", "refund_ref"),
    Index("refund_due_at_idx", "due_at"),
    Index("refund_fee_unknown_idx", "gateway", "refund_ref"),
    Index("refund_payment_id_idx", "payment_id", "obligation_id"),
    Index("refund_failed_idx", "created_at"),
)

webhook_inbox = Table(
    "webhook_inbox",
    METADATA,
    _text("gateway", key=True),
    _text("event_ref", key=True),
    _text("kind"),
    _text("object_ref"),
    _json("payload"),
    _at("received_at"),
    _count("tries", default="0"),
    _at("due_at", optional=True),
    _at("handled_at", optional=True),
    Index("webhook_inbox_due_at_idx", "due_at"),
    Index("webhook_inbox_payout_failed_idx", "gateway", "received_at"),
)

gateway_transaction = Table(
    "gateway_transaction",
    METADATA,
    _text("gateway", key=True),
    _text("transaction_ref", key=True),
    _text("kind"),
    _text("source_ref"),
    _minor("gross_minor"),
    _minor("fee_minor"),
    _minor("net_minor"),
    _currency(),
    _at("created_at"),
    _at("imported_at"),
    Index("gateway_transaction_source_ref_idx", "gateway", "source_ref"),
    Index("gateway_transaction_created_at_idx", "gateway", "created_at"),
)

gateway_cursor = Table(
    "gateway_cursor",
    METADATA,
    _text("gateway", key=True),
    _at("imported_through"),
    _at("due_at"),
)

ledger_account = Table(
    "ledger_account",
    METADATA,
    _text("account", key=True),
    _text("kind"),
    _text("operator_id", optional=True),
)

journal_entry = Table(
    "journal_entry",
    METADATA,
    _id("entry_id", key=True),
    _text("kind"),
    _text("source"),
    Column("lines", SmallInteger, nullable=False),
    Column("booked_on", Date, nullable=False),
    _at("occurred_at"),
    _at("recorded_at"),
    _text("trace_id"),
    UniqueConstraint("kind", "source"),
)

posting = Table(
    "posting",
    METADATA,
    _id("entry_id", key=True),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    Column("lines", SmallInteger, nullable=False),
    _text("account"),
    _minor("amount_minor"),
    _currency(),
    Column("booked_on", Date, nullable=False),
    Index("posting_account_idx", "account", "booked_on"),
)
"""Its entry and its account are there: a trigger looks once a statement (ADR 9)."""

ledger_closing = Table(
    "ledger_closing",
    METADATA,
    Column("closed_through", Date, primary_key=True),
    _at("closed_at"),
)

account_day = Table(
    "account_day",
    METADATA,
    _text("account", ForeignKey(ledger_account.c.account), key=True),
    Column("currency", CHAR(3), primary_key=True),
    Column("booked_on", Date, primary_key=True),
    _text("kind", key=True),
    _minor("moved_minor"),
    _count("postings"),
)

balance_checkpoint = Table(
    "balance_checkpoint",
    METADATA,
    _text("account", ForeignKey(ledger_account.c.account), key=True),
    Column("currency", CHAR(3), primary_key=True),
    Column("booked_on", Date, primary_key=True),
    _minor("balance_minor"),
)

plate_claim = Table(
    "plate_claim",
    METADATA,
    _id("claim_id", key=True),
    _text("plate"),
    _id("claimant_id", ForeignKey(driver_account.c.account_id)),
    _id("binding_id", ForeignKey(plate_binding.c.binding_id)),
    _text("state"),
    _at("opened_at"),
    _text("licence_ref", optional=True),
    _count("fact_tries", default="0"),
    Column("fact_matched", Boolean, nullable=False, server_default=text("false")),
    _text("holder_answer", optional=True),
    _at("due_at", optional=True),
    _at("decided_at", optional=True),
    _text("decided_by", optional=True),
    Column("reason", Text(collation="C"), nullable=False, server_default=text("''")),
    Index("plate_claim_open_key", "plate", unique=True),
    Index("plate_claim_claimant_id_idx", "claimant_id"),
    Index("plate_claim_binding_id_idx", "binding_id"),
    Index("plate_claim_due_at_idx", "due_at"),
)

appeal = Table(
    "appeal",
    METADATA,
    _id("appeal_id", key=True),
    _id("obligation_id", ForeignKey(obligation.c.obligation_id)),
    _text("ground"),
    _text("statement"),
    _text("evidence_ref", optional=True),
    _text("state"),
    _at("opened_at"),
    _at("due_at", optional=True),
    _at("decided_at", optional=True),
    _text("decided_by", optional=True),
    Column("reason", Text(collation="C"), nullable=False, server_default=text("''")),
    Column("correction", JSON, nullable=True),
    Column("revision", Integer, nullable=True),
    _at("closed_at", optional=True),
    Index("appeal_live_key", "obligation_id", unique=True),
    Index("appeal_obligation_id_idx", "obligation_id"),
    Index("appeal_due_at_idx", "due_at"),
)

case_note = Table(
    "case_note",
    METADATA,
    _id("note_id", key=True),
    _id("case_id"),
    _text("said_by"),
    _text("kind"),
    _text("text"),
    _at("recorded_at"),
    Index("case_note_case_id_idx", "case_id", "recorded_at"),
)

write_off = Table(
    "write_off",
    METADATA,
    _id("write_off_id", key=True),
    _id("obligation_id", ForeignKey(obligation.c.obligation_id)),
    _text("kind"),
    _minor("amount_minor"),
    _currency(),
    _text("said_by"),
    _text("reason"),
    _at("recorded_at"),
    Index("write_off_obligation_id_idx", "obligation_id"),
)

notification = Table(
    "notification",
    METADATA,
    _id("notification_id", key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _text("kind"),
    _id("about"),
    _json("parameters"),
    _at("created_at"),
    _at("due_at", optional=True),
    _count("tries", default="0"),
    _at("sent_at", optional=True),
    UniqueConstraint("kind", "about"),
    Index("notification_due_at_idx", "due_at"),
    Index("notification_account_id_idx", "account_id"),
)

operator_contract = Table(
    "operator_contract",
    METADATA,
    _id("contract_id", key=True),
    _text("operator_id"),
    Column("effective_from", Date, nullable=False),
    _count("commission_bp"),
    _minor("fixed_minor"),
    _minor("minimum_minor"),
    _text("period"),
    _text("said_by"),
    _at("recorded_at"),
    Column(
        "disputes_borne_by",
        Text(collation="C"),
        nullable=False,
        server_default=text("'operator'"),
    ),
    UniqueConstraint("operator_id", "effective_from"),
)

settlement = Table(
    "settlement",
    METADATA,
    _id("settlement_id", key=True),
    _text("operator_id"),
    Column("begin_date", Date, nullable=False),
    Column("cut_off_date", Date, nullable=False),
    _currency(),
    _count("commission_bp"),
    _minor("opening_minor"),
    _minor("collected_minor"),
    _minor("commission_minor"),
    _minor("processor_fees_minor"),
    _minor("corrected_minor"),
    _minor("fixed_minor"),
    _minor("top_up_minor"),
    _minor("settled_minor"),
    _minor("carried_minor"),
    _at("recorded_at"),
    _minor("commission_returned_minor", default="0"),
    UniqueConstraint("operator_id", "cut_off_date"),
)

payout_account = Table(
    "payout_account",
    METADATA,
    _id("binding_id", key=True),
    _text("operator_id"),
    _text("gateway"),
    _text("account_ref"),
    _text("said_by"),
    _at("recorded_at"),
    Index("payout_account_operator_id_idx", "operator_id", "gateway", "recorded_at"),
)

payout = Table(
    "payout",
    METADATA,
    _id("payout_id", key=True),
    _id("settlement_id", ForeignKey(settlement.c.settlement_id)),
    _id("reverses", ForeignKey("billing.payout.payout_id"), optional=True),
    _text("operator_id"),
    _text("gateway"),
    _text("account_ref"),
    _minor("amount_minor"),
    _currency(),
    _text("said_by"),
    _text("reason"),
    _text("state"),
    _at("due_at", optional=True),
    _text("operation"),
    _json("parameters"),
    _text("idempotency_key"),
    _count("sends", default="0"),
    _text("transfer_ref", optional=True),
    _detail(),
    _at("created_at"),
    _at("started_at", optional=True),
    _at("finished_at", optional=True),
    UniqueConstraint("idempotency_key"),
    UniqueConstraint("gateway", "transfer_ref"),
    Index("payout_live_key", "settlement_id", unique=True),
    Index("payout_settlement_id_idx", "settlement_id"),
    Index("payout_reverses_idx", "reverses"),
    Index("payout_due_at_idx", "due_at"),
)

dispute = Table(
    "dispute",
    METADATA,
    _id("dispute_id", key=True),
    _text("gateway"),
    _text("dispute_ref"),
    _id("payment_id", ForeignKey(payment.c.payment_id), optional=True),
    _text("state"),
    Column("reason", Text(collation="C"), nullable=False, server_default=text("''")),
    _minor("amount_minor", optional=True),
    Column("currency", CHAR(3), nullable=True),
    _at("heard_at"),
    _at("known_at", optional=True),
    _at("answer_by", optional=True),
    _at("due_at", optional=True),
    _at("closed_at", optional=True),
    _text("operation", optional=True),
    Column("parameters", JSON, nullable=True),
    _text("idempotency_key", optional=True),
    _count("sends", default="0"),
    _at("answered_at", optional=True),
    _minor("covered_minor", default="0"),
    _minor("excess_minor", default="0"),
    UniqueConstraint("gateway", "dispute_ref"),
    UniqueConstraint("idempotency_key"),
    Index("dispute_payment_id_idx", "payment_id"),
    Index("dispute_due_at_idx", "due_at"),
)

dispute_fact = Table(
    "dispute_fact",
    METADATA,
    _id("fact_id", key=True),
    _id("dispute_id", ForeignKey(dispute.c.dispute_id)),
    _text("kind"),
    _text("ref"),
    _minor("amount_minor", default="0"),
    _minor("fee_minor", default="0"),
    _detail(),
    _at("occurred_at"),
    _at("recorded_at"),
    UniqueConstraint("dispute_id", "kind", "ref"),
    Index("dispute_fact_ref_idx", "ref"),
)

dispute_part = Table(
    "dispute_part",
    METADATA,
    _id("dispute_id", ForeignKey(dispute.c.dispute_id), key=True),
    _id("obligation_id", ForeignKey(obligation.c.obligation_id), key=True),
    _text("borne_by"),
    _minor("lost_minor"),
    Index("dispute_part_obligation_id_idx", "obligation_id"),
)

plate_service = Table(
    "plate_service",
    METADATA,
    _id("service_id", key=True),
    _id("account_id", ForeignKey(driver_account.c.account_id)),
    _text("gateway"),
    _text("plate"),
    _text("colour"),
    _text("customer_ref"),
    _text("state"),
    _text("block_reason", optional=True),
    _at("bound_at"),
    _at("checked_at"),
    _at("ended_at", optional=True),
    Index("plate_service_live_key", "plate", "gateway", unique=True),
    Index("plate_service_account_id_idx", "account_id"),
)

stay_registration = Table(
    "stay_registration",
    METADATA,
    _id("registration_id", key=True),
    _id("stay_id"),
    _text("gateway"),
    _id("service_id", ForeignKey(plate_service.c.service_id)),
    _text("lot_id"),
    _text("lot_name"),
    _at("entered_at"),
    _text("state"),
    _text("registration_ref", optional=True),
    _detail(),
    _text("operation"),
    _json("parameters"),
    _count("sends", default="0"),
    _at("due_at", optional=True),
    _at("created_at"),
    _at("answered_at", optional=True),
    UniqueConstraint("stay_id", "gateway"),
    UniqueConstraint("gateway", "registration_ref"),
    Index("stay_registration_due_at_idx", "due_at"),
    Index("stay_registration_service_id_idx", "service_id"),
)

provider_advance = Table(
    "provider_advance",
    METADATA,
    _id("payment_id", ForeignKey(payment.c.payment_id), key=True),
    _text("gateway"),
    _at("advanced_at"),
    _at("repaid_at", optional=True),
    _at("due_at", optional=True),
    Index("provider_advance_due_at_idx", "due_at"),
)

discrepancy = Table(
    "discrepancy",
    METADATA,
    _id("discrepancy_id", key=True),
    _text("gateway"),
    _text("kind"),
    _text("source_ref"),
    Column("nth", SmallInteger, nullable=False),
    Column("day", Date, nullable=False),
    _minor("ours_gross_minor"),
    _minor("ours_fee_minor"),
    _minor("theirs_gross_minor"),
    _minor("theirs_fee_minor"),
    _currency(),
    _at("found_at"),
    UniqueConstraint(
        "gateway",
        "source_ref",
        "kind",
        "nth",
        "ours_gross_minor",
        "ours_fee_minor",
        "theirs_gross_minor",
        "theirs_fee_minor",
        name="discrepancy_figures_key",
    ),
)

discrepancy_closing = Table(
    "discrepancy_closing",
    METADATA,
    _id("discrepancy_id", ForeignKey(discrepancy.c.discrepancy_id), key=True),
    _text("said_by"),
    _text("reason"),
    _at("closed_at"),
)

refund_settlement = Table(
    "refund_settlement",
    METADATA,
    _id("refund_id", ForeignKey(refund.c.refund_id), key=True),
    _minor("amount_minor"),
    _currency(),
    _text("means"),
    _text("note"),
    _text("said_by"),
    _at("settled_at"),
)
