"""Lots, lanes, devices, keys, tariffs, lane events, stays, reviews and the outbox.

Hand-written SQL: triggers, partitions and partial indexes are the point of it. The names of tables
and columns are repeated for queries in parking/db/tables.py; a test holds the two together.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SLUG = "'^[a-z0-9][a-z0-9-]{0,62}$'"

_REFUSE_CHANGE = """
create function parking.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
    using errcode = 'restrict_violation';
end $$
"""

_PLACES = (
    f"""
    create table parking.operator (
      operator_id text collate "C" primary key
        constraint operator_id_is_slug check (operator_id ~ {_SLUG}),
      name_zh text not null constraint operator_name_zh_length
        check (char_length(name_zh) between 1 and 200),
      name_en text not null constraint operator_name_en_length
        check (char_length(name_en) between 1 and 200),
      created_at timestamptz not null default now()
    )""",
    f"""
    create table parking.tariff (
      tariff_id text collate "C" primary key
        constraint tariff_id_is_slug check (tariff_id ~ {_SLUG}),
      created_at timestamptz not null default now()
    )""",
    """
    create table parking.tariff_version (
      tariff_id text collate "C" not null references parking.tariff,
      version integer not null constraint tariff_version_positive check (version > 0),
      effective_from timestamptz not null,
      document jsonb not null
        constraint tariff_document_is_object check (jsonb_typeof(document) = 'object'),
      created_at timestamptz not null default now(),
      primary key (tariff_id, version)
    )""",
    f"""
    create table parking.lot (
      lot_id text collate "C" primary key
        constraint lot_id_is_slug check (lot_id ~ {_SLUG}),
      operator_id text collate "C" not null references parking.operator,
      name_zh text not null constraint lot_name_zh_length
        check (char_length(name_zh) between 1 and 200),
      name_en text not null constraint lot_name_en_length
        check (char_length(name_en) between 1 and 200),
      zone text not null constraint lot_zone_length check (char_length(zone) between 1 and 64),
      spaces integer not null constraint lot_spaces_not_negative check (spaces >= 0),
      tariff_id text collate "C" not null references parking.tariff,
      rules jsonb not null
        constraint lot_rules_is_object check (jsonb_typeof(rules) = 'object'),
      created_at timestamptz not null default now()
    )""",
    "create index lot_of_operator on parking.lot (operator_id)",
    f"""
    create table parking.lane (
      lot_id text collate "C" not null references parking.lot,
      lane_id text collate "C" not null
        constraint lane_id_is_slug check (lane_id ~ {_SLUG}),
      direction text not null
        constraint lane_direction_known check (direction in ('entry', 'exit', 'both')),
      name text not null constraint lane_name_length check (char_length(name) between 1 and 200),
      created_at timestamptz not null default now(),
      primary key (lot_id, lane_id)
    )""",
    f"""
    create table parking.device (
      lot_id text collate "C" not null references parking.lot,
      device_id text collate "C" not null
        constraint device_id_is_slug check (device_id ~ {_SLUG}),
      name text not null constraint device_name_length check (char_length(name) between 1 and 200),
      created_at timestamptz not null default now(),
      primary key (lot_id, device_id)
    )""",
    """
    create table parking.api_key (
      key_id uuid primary key,
      role text not null
        constraint api_key_role_known check (role in ('admin', 'operator', 'device')),
      operator_id text collate "C" references parking.operator,
      lot_id text collate "C",
      device_id text collate "C",
      key_sha256 bytea not null
        constraint api_key_sha256_length check (octet_length(key_sha256) = 32),
      created_at timestamptz not null default now(),
      revoked_at timestamptz,
      constraint api_key_device foreign key (lot_id, device_id) references parking.device,
      constraint api_key_bound_as_its_role check (
        case role
          when 'admin' then operator_id is null and lot_id is null and device_id is null
          when 'operator' then operator_id is not null and lot_id is null and device_id is null
          else operator_id is null and lot_id is not null and device_id is not null
        end)
    )""",
    "create unique index api_key_sha256 on parking.api_key (key_sha256)",
)

# The references of the two hot tables are checked once a statement (see _REFERENCES below).
_FACTS = (
    """
    create table parking.lane_event (
      event_id uuid not null primary key,
      type text collate "C" not null constraint lane_event_type_known check (type in
        ('vehicle_entered', 'vehicle_exited', 'plate_corrected', 'event_withdrawn')),
      lot_id text collate "C" not null,
      lane_id text collate "C",
      device_id text collate "C",
      occurred_at timestamptz not null,
      recorded_at timestamptz not null,
      plate text collate "C"
        constraint lane_event_plate_length check (char_length(plate) between 2 and 16),
      colour text collate "C" constraint lane_event_colour_known check
        (colour in ('blue', 'yellow', 'green', 'white', 'black', 'unknown')),
      confidence double precision
        constraint lane_event_confidence_range check (confidence between 0 and 1),
      candidates jsonb,
      amends uuid,
      said_by text collate "C",
      reason text,
      trace_id text collate "C" not null
        constraint lane_event_trace_id_length check (char_length(trace_id) = 32),
      content_hash bytea not null
        constraint lane_event_content_hash_length check (octet_length(content_hash) = 16),
      constraint lane_event_shape check (
        case type
          when 'plate_corrected' then amends is not null and said_by is not null
            and plate is not null and colour is not null and lane_id is null
          when 'event_withdrawn' then amends is not null and said_by is not null
            and plate is null and lane_id is null
          else amends is null and said_by is null and lane_id is not null
            and device_id is not null and colour is not null and confidence is not null
        end)
    ) partition by range (event_id)""",
    "create table parking.lane_event_default partition of parking.lane_event default",
    "create index lane_event_of_plate on parking.lane_event (lot_id, plate)",
    "create index lane_event_recorded on parking.lane_event using brin (recorded_at)",
    """
    create table parking.amendment (
      event_id uuid primary key references parking.lane_event,
      amends uuid not null,
      lot_id text collate "C" not null references parking.lot,
      plate text collate "C"
        constraint amendment_plate_length check (char_length(plate) between 2 and 16)
    )""",
    "create index amendment_of_event on parking.amendment (amends)",
    "create index amendment_to_plate on parking.amendment (lot_id, plate)",
)

_STAYS = (
    """
    create table parking.stay (
      stay_id uuid primary key,
      lot_id text collate "C" not null,
      plate text collate "C" not null
        constraint stay_plate_length check (char_length(plate) between 2 and 16),
      colour text collate "C" not null constraint stay_colour_known check
        (colour in ('blue', 'yellow', 'green', 'white', 'black', 'unknown')),
      state text collate "C" not null constraint stay_state_known check
        (state in ('open', 'closed', 'missed_exit', 'missed_entry')),
      dissolved boolean not null default false,
      entered_at timestamptz,
      left_at timestamptz,
      entry_event_id uuid,
      exit_event_id uuid,
      entry_lane_id text collate "C",
      exit_lane_id text collate "C",
      trace_id text collate "C" not null,
      last_seen_at timestamptz not null,
      tariff_id text collate "C" not null,
      tariff_version integer,
      fee json,
      fee_minor bigint constraint stay_fee_not_negative check (fee_minor >= 0),
      currency char(3) constraint stay_currency_code check (currency ~ '^[A-Z]{3}$'),
      business_date date,
      chargeable_from timestamptz,
      revision integer not null default 0
        constraint stay_revision_not_negative check (revision >= 0),
      updated_at timestamptz not null,
      constraint stay_shape check (
        case state
          when 'open' then entered_at is not null and left_at is null
          when 'closed' then entered_at <= left_at
          when 'missed_exit' then entered_at is not null and left_at is null
          else entered_at is null and left_at is not null
        end),
      constraint stay_priced_when_closed check (
        (state = 'closed' and not dissolved) = (fee_minor is not null)
        and (fee_minor is null) = (fee is null)
        and (fee_minor is null) = (currency is null)
        and (fee_minor is null) = (tariff_version is null)
        and (fee_minor is null) = (business_date is null)
        and (fee_minor is null) = (chargeable_from is null))
    )""",
    """
    create unique index stay_open_once on parking.stay (lot_id, plate)
      where state = 'open' and not dissolved""",
    "create index stay_of_plate on parking.stay (lot_id, plate, last_seen_at)",
    """
    create table parking.review (
      review_id uuid primary key,
      kind text collate "C" not null constraint review_kind_known check
        (kind in ('near_miss', 'missed_entry', 'no_plate')),
      state text collate "C" not null constraint review_state_known check
        (state in ('pending', 'confirmed', 'rejected', 'superseded')),
      lot_id text collate "C" not null references parking.lot,
      plate text collate "C",
      entry_event_id uuid references parking.lane_event,
      exit_event_id uuid references parking.lane_event,
      created_at timestamptz not null,
      hold_until timestamptz,
      decided_at timestamptz,
      decided_by text collate "C",
      decision_event_id uuid references parking.lane_event,
      constraint review_shape check (
        case kind
          when 'near_miss' then entry_event_id is not null and exit_event_id is not null
            and hold_until is not null
          when 'missed_entry' then entry_event_id is null and exit_event_id is not null
          else (entry_event_id is null) <> (exit_event_id is null)
        end),
      constraint review_decided check (
        (state in ('pending', 'superseded')) = (decided_by is null)
        and (state = 'pending') = (decided_at is null))
    )""",
    """
    create unique index review_entry_claimed_once on parking.review (entry_event_id)
      where state = 'pending' and kind = 'near_miss'""",
    """
    create unique index review_exit_pending_once on parking.review (exit_event_id)
      where state = 'pending'""",
    "create index review_of_entry on parking.review (entry_event_id)",
    "create index review_pending on parking.review (lot_id, created_at) where state = 'pending'",
    """
    create table parking.outbox (
      sequence bigint generated always as identity primary key,
      message_id uuid not null,
      created_at timestamptz not null default now(),
      payload json not null
        constraint outbox_payload_is_object check (json_typeof(payload) = 'object')
    )""",
)

_APPEND_ONLY = ("tariff_version", "lane_event", "amendment")

# PostgreSQL checks a foreign key row by row: five checks for a car, half of what its events cost
# the server (docs/performance.md). These triggers check the same once a statement. What they refer
# to is never deleted and never renamed, so that no check on that side is needed; the triggers
# `refuse_removal` and `refuse_renaming` see to it.
_REFERENCES = (
    """
    create function parking.require_places() returns trigger language plpgsql as $$
    begin
      if exists (
        select from (select distinct lot_id, lane_id from fresh where lane_id is not null) as f
        where not exists (select from parking.lane l
                          where l.lot_id = f.lot_id and l.lane_id = f.lane_id)) then
        raise exception 'lane_event names a lane that is not there'
          using errcode = 'foreign_key_violation';
      end if;
      if exists (
        select from (select distinct lot_id, device_id from fresh where device_id is not null) as f
        where not exists (select from parking.device d
                          where d.lot_id = f.lot_id and d.device_id = f.device_id)) then
        raise exception 'lane_event names a device that is not there'
          using errcode = 'foreign_key_violation';
      end if;
      return null;
    end $$""",
    """
    create function parking.require_lot_and_tariff() returns trigger language plpgsql as $$
    begin
      if exists (
        select from (select distinct lot_id, tariff_id from fresh) as f
        where not exists (select from parking.lot l where l.lot_id = f.lot_id)
           or not exists (select from parking.tariff t where t.tariff_id = f.tariff_id)) then
        raise exception 'stay names a lot or a tariff that is not there'
          using errcode = 'foreign_key_violation';
      end if;
      if exists (
        select from (select distinct tariff_id, tariff_version from fresh
                     where tariff_version is not null) as f
        where not exists (select from parking.tariff_version v
                          where v.tariff_id = f.tariff_id and v.version = f.tariff_version)) then
        raise exception 'stay names a tariff version that is not there'
          using errcode = 'foreign_key_violation';
      end if;
      return null;
    end $$""",
    """
    create trigger require_lot_and_tariff_of_new after insert on parking.stay
      referencing new table as fresh
      for each statement execute function parking.require_lot_and_tariff()""",
    """
    create trigger require_lot_and_tariff_of_changed after update on parking.stay
      referencing new table as fresh
      for each statement execute function parking.require_lot_and_tariff()""",
)
_REQUIRE_PLACES = """
create trigger require_places after insert on parking.{}
  referencing new table as fresh
  for each statement execute function parking.require_places()
"""
_KEYS = {
    "lot": "lot_id",
    "lane": "lot_id, lane_id",
    "device": "lot_id, device_id",
    "tariff": "tariff_id",
}

# A UUIDv7 begins with its Unix time in milliseconds (48 bits), so a month is a range of ids.
# TRUNCATE triggers are not inherited by partitions, row triggers are: each partition gets its own.
# A month whose ids already lie in the default partition stays there: rows of facts never move.
_PARTITIONS = (
    """
    create function parking.uuid7_floor(at timestamptz) returns uuid
    language sql immutable strict parallel safe as $$
      select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0')
              || '00000000000000000000')::uuid
    $$""",
    """
    create function parking.ensure_lane_event_partition(month timestamptz) returns text
    language plpgsql as $$
    declare
      starts timestamptz := date_trunc('month', month, 'UTC');
      ends timestamptz := date_trunc('month', starts + interval '40 days', 'UTC');
      name text := 'lane_event_' || to_char(starts at time zone 'UTC', 'YYYY_MM');
      low uuid := parking.uuid7_floor(starts);
      high uuid := parking.uuid7_floor(ends);
    begin
      if to_regclass('parking.' || name) is not null then
        return null;
      end if;
      perform pg_advisory_xact_lock(7201000002);
      if to_regclass('parking.' || name) is not null or exists (
          select from parking.lane_event_default where event_id >= low and event_id < high) then
        return null;
      end if;
      execute format('create table parking.%I (like parking.lane_event
                      including defaults including constraints)', name);
      execute format('create trigger refuse_truncate before truncate on parking.%I
                      for each statement execute function parking.refuse_change()', name);
      execute format('create trigger require_places after insert on parking.%I
                      referencing new table as fresh
                      for each statement execute function parking.require_places()', name);
      execute format('alter table parking.lane_event attach partition parking.%I
                      for values from (%L) to (%L)', name, low, high);
      return name;
    end $$""",
    """
    select parking.ensure_lane_event_partition(now() + make_interval(months => ahead))
    from generate_series(-2, 3) ahead""",
)


def upgrade() -> None:
    """Make the schema `parking`."""
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema parking")
    op.execute(_REFUSE_CHANGE)
    for statement in (*_PLACES, *_FACTS, *_STAYS):
        op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger refuse_change before update or delete on parking.{table} "
            "for each row execute function parking.refuse_change()"
        )
    for table in (*_APPEND_ONLY, "lane_event_default"):
        op.execute(
            f"create trigger refuse_truncate before truncate on parking.{table} "
            "for each statement execute function parking.refuse_change()"
        )
    for statement in _REFERENCES:
        op.execute(statement)
    for table in ("lane_event", "lane_event_default"):
        op.execute(_REQUIRE_PLACES.format(table))
    for table, keys in _KEYS.items():
        op.execute(
            f"create trigger refuse_removal before delete or truncate on parking.{table} "
            "for each statement execute function parking.refuse_change()"
        )
        same = " and ".join(f"old.{key} = new.{key}" for key in keys.split(", "))
        op.execute(
            f"create trigger refuse_renaming before update of {keys} on parking.{table} "
            f"for each row when (not ({same})) execute function parking.refuse_change()"
        )
    for statement in _PARTITIONS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the schema with everything in it."""
    op.execute("set local lock_timeout = '4s'")
    op.execute("drop schema parking cascade")
