"""The tables of the schema `parking` as code sees them.

The truth about constraints, partitions and triggers is alembic/versions/0001_parking.py; a test
compares the two.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CHAR, JSON, JSONB

METADATA = MetaData(schema="parking")


def _instant(name: str, *, nullable: bool = False, default_now: bool = False) -> Column[object]:
    default = text("now()") if default_now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def _text(name: str, *, nullable: bool = False, key: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable, primary_key=key)


def _uuid(name: str, *, nullable: bool = False, key: bool = False) -> Column[object]:
    return Column(name, Uuid, nullable=nullable, primary_key=key)


def _to(columns: str, table: str, *, name: str | None = None) -> ForeignKeyConstraint:
    """A foreign key on columns that bear the same names in the table referred to."""
    names = columns.split()
    return ForeignKeyConstraint(names, [f"parking.{table}.{column}" for column in names], name=name)


def _to_event(column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], ["parking.lane_event.event_id"])


_OPEN = text("state = 'open' and not dissolved")
_LEFT = text("left_at is not null and not dissolved")
_EXIT_MISSED = text("state = 'missed_exit' and not dissolved")
_PENDING = text("state = 'pending'")
_CLAIMED = text("state = 'pending' and kind = 'near_miss'")

operator = Table(
    "operator",
    METADATA,
    _text("operator_id", key=True),
    _text("name_zh"),
    _text("name_en"),
    _instant("created_at", default_now=True),
)

tariff = Table(
    "tariff", METADATA, _text("tariff_id", key=True), _instant("created_at", default_now=True)
)

tariff_version = Table(
    "tariff_version",
    METADATA,
    _text("tariff_id", key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _instant("effective_from"),
    Column("document", JSONB, nullable=False),
    _instant("created_at", default_now=True),
    _to("tariff_id", "tariff"),
)

lot = Table(
    "lot",
    METADATA,
    _text("lot_id", key=True),
    _text("operator_id"),
    _text("name_zh"),
    _text("name_en"),
    _text("zone"),
    Column("spaces", Integer, nullable=False),
    _text("tariff_id"),
    Column("rules", JSONB, nullable=False),
    _instant("created_at", default_now=True),
    Column("class_spaces", JSONB, nullable=False, server_default=text("'{}'")),
    Column("latitude", Double, nullable=True),
    Column("longitude", Double, nullable=True),
    _to("operator_id", "operator"),
    _to("tariff_id", "tariff"),
    Index("lot_of_operator", "operator_id"),
)

lane = Table(
    "lane",
    METADATA,
    _text("lot_id", key=True),
    _text("lane_id", key=True),
    _text("direction"),
    _text("name"),
    _instant("created_at", default_now=True),
    _to("lot_id", "lot"),
)

device = Table(
    "device",
    METADATA,
    _text("lot_id", key=True),
    _text("device_id", key=True),
    _text("name"),
    _instant("created_at", default_now=True),
    _to("lot_id", "lot"),
)

api_key = Table(
    "api_key",
    METADATA,
    _uuid("key_id", key=True),
    _text("role"),
    _text("operator_id", nullable=True),
    _text("lot_id", nullable=True),
    _text("device_id", nullable=True),
    Column("key_sha256", LargeBinary, nullable=False),
    _instant("created_at", default_now=True),
    _instant("revoked_at", nullable=True),
    _to("operator_id", "operator"),
    _to("lot_id device_id", "device", name="api_key_device"),
    Index("api_key_sha256", "key_sha256", unique=True),
)

lane_event = Table(
    "lane_event",
    METADATA,
    _uuid("event_id", key=True),
    _text("type"),
    _text("lot_id"),
    _text("lane_id", nullable=True),
    _text("device_id", nullable=True),
    _instant("occurred_at"),
    _instant("recorded_at"),
    _text("plate", nullable=True),
    _text("colour", nullable=True),
    Column("confidence", Double, nullable=True),
    Column("candidates", JSONB, nullable=True),
    _uuid("amends", nullable=True),
    _text("said_by", nullable=True),
    _text("reason", nullable=True),
    _text("how", nullable=True),
    _text("trace_id"),
    Column("content_hash", LargeBinary, nullable=False),
    Index("lane_event_of_plate", "lot_id", "plate", "occurred_at"),
    Index("lane_event_recorded", "recorded_at", postgresql_using="brin"),
)

amendment = Table(
    "amendment",
    METADATA,
    _uuid("event_id", key=True),
    _uuid("amends"),
    _text("lot_id"),
    _text("plate", nullable=True),
    _to_event("event_id"),
    _to("lot_id", "lot"),
    Index("amendment_of_event", "amends"),
)

misread = Table(
    "misread",
    METADATA,
    _uuid("event_id", key=True),
    _text("lot_id"),
    _text("plate"),
    _instant("occurred_at"),
    _to_event("event_id"),
    _to("lot_id", "lot"),
    Index("misread_of_plate", "lot_id", "plate", "occurred_at"),
)

corrected = Table(
    "corrected",
    METADATA,
    _uuid("event_id", key=True),
    _text("plate", key=True),
    _text("lot_id"),
    _instant("occurred_at"),
    _to_event("event_id"),
    _to("lot_id", "lot"),
    Index("corrected_to_plate", "lot_id", "plate", "occurred_at"),
)

ticket = Table(
    "ticket",
    METADATA,
    _text("ticket", key=True),
    _text("lot_id"),
    _uuid("entry_event_id"),
    _instant("issued_at"),
    _text("issued_by"),
    _to("lot_id", "lot"),
    _to_event("entry_event_id"),
    Index("ticket_of_entry", "entry_event_id", unique=True),
)

stay = Table(
    "stay",
    METADATA,
    _uuid("stay_id", key=True),
    _text("lot_id"),
    _text("plate"),
    _text("colour"),
    _text("state"),
    Column("dissolved", Boolean, nullable=False, server_default=text("false")),
    _instant("entered_at", nullable=True),
    _instant("left_at", nullable=True),
    _uuid("entry_event_id", nullable=True),
    _uuid("exit_event_id", nullable=True),
    _text("entry_lane_id", nullable=True),
    _text("exit_lane_id", nullable=True),
    _text("trace_id"),
    _instant("last_seen_at"),
    _text("tariff_id"),
    Column("tariff_version", Integer, nullable=True),
    Column("fee", JSON, nullable=True),
    Column("fee_minor", BigInteger, nullable=True),
    Column("currency", CHAR(3), nullable=True),
    Column("business_date", Date, nullable=True),
    _instant("chargeable_from", nullable=True),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    _instant("updated_at"),
    _text("hold", nullable=True),
    _uuid("reentry_of", nullable=True),
    Column("drive_through", Boolean, nullable=False, server_default=text("false")),
    Index("stay_open_once", "lot_id", "plate", unique=True, postgresql_where=_OPEN),
    Index("stay_of_plate", "plate", "lot_id", "last_seen_at"),
    Index("stay_left", "lot_id", "left_at", postgresql_where=_LEFT),
    Index("stay_exit_missed", "lot_id", "entered_at", postgresql_where=_EXIT_MISSED),
)

review = Table(
    "review",
    METADATA,
    _uuid("review_id", key=True),
    _text("kind"),
    _text("state"),
    _text("lot_id"),
    _text("plate", nullable=True),
    _uuid("entry_event_id", nullable=True),
    _uuid("exit_event_id", nullable=True),
    _instant("created_at"),
    _instant("hold_until", nullable=True),
    _instant("decided_at", nullable=True),
    _text("decided_by", nullable=True),
    _uuid("decision_event_id", nullable=True),
    _to("lot_id", "lot"),
    _to_event("entry_event_id"),
    _to_event("exit_event_id"),
    _to_event("decision_event_id"),
    Index("review_entry_claimed_once", "entry_event_id", unique=True, postgresql_where=_CLAIMED),
    Index("review_exit_pending_once", "exit_event_id", unique=True, postgresql_where=_PENDING),
    Index("review_of_entry", "entry_event_id"),
    Index("review_pending", "lot_id", "created_at", postgresql_where=_PENDING),
)

fee_fact = Table(
    "fee_fact",
    METADATA,
    _uuid("fact_id", key=True),
    _text("type"),
    _text("lot_id"),
    _text("plate", nullable=True),
    _uuid("stay_id", nullable=True),
    _instant("recorded_at"),
    Column("document", JSONB, nullable=False),
    _to("lot_id", "lot"),
    _to("stay_id", "stay"),
    Index("fee_fact_of_plate", "lot_id", "plate", postgresql_where=text("plate is not null")),
    Index("fee_fact_of_stay", "stay_id", postgresql_where=text("stay_id is not null")),
)

outbox = Table(
    "outbox",
    METADATA,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    _uuid("message_id"),
    _instant("created_at", default_now=True),
    Column("payload", JSON, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    _instant("due_at", nullable=True),
)

recount = Table(
    "recount",
    METADATA,
    _uuid("recount_id", key=True),
    _text("lot_id"),
    _instant("counted_at"),
    _instant("recorded_at"),
    Column("cars", Integer, nullable=False),
    Column("by_class", JSONB, nullable=True),
    _text("said_by"),
    Column("reason", Text, nullable=False, server_default=text("''")),
    _to("lot_id", "lot"),
    Index("recount_of_lot", "lot_id", "counted_at", "recount_id"),
)

lot_habit = Table(
    "lot_habit",
    METADATA,
    _text("lot_id", key=True),
    Column("lasting_seconds", ARRAY(Integer), nullable=False),
    Column("missed_share", Double, nullable=False),
    Column("stays", Integer, nullable=False),
    _instant("learned_at"),
    _to("lot_id", "lot"),
)

clone_suspicion = Table(
    "clone_suspicion",
    METADATA,
    _uuid("suspicion_id", key=True),
    _text("plate"),
    _text("kind"),
    _uuid("first_stay_id"),
    _uuid("second_stay_id"),
    Column("evidence", JSON, nullable=False),
    _instant("raised_at"),
    ForeignKeyConstraint(["first_stay_id"], ["parking.stay.stay_id"]),
    ForeignKeyConstraint(["second_stay_id"], ["parking.stay.stay_id"]),
    Index("clone_suspicion_of_first", "first_stay_id"),
    Index("clone_suspicion_of_second", "second_stay_id"),
    Index("clone_suspicion_of_plate", "plate", "raised_at"),
)

clone_decision = Table(
    "clone_decision",
    METADATA,
    _uuid("decision_id", key=True),
    _uuid("suspicion_id"),
    _text("verdict"),
    Column("own_stay_ids", ARRAY(Uuid), nullable=False),
    _text("decided_by"),
    Column("reason", Text, nullable=False, server_default=text("''")),
    _instant("decided_at"),
    _to("suspicion_id", "clone_suspicion"),
    Index("clone_decision_of_suspicion", "suspicion_id", "decided_at", "decision_id"),
)

watch = Table("watch", METADATA, _text("name", key=True), _instant("position"))
