"""What people say: stays ended by hand, guards' sightings, tickets; repeats of misread plates.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TYPES_BEFORE = "'vehicle_entered', 'vehicle_exited', 'plate_corrected', 'event_withdrawn'"
_SHAPE_BEFORE = """
case type
  when 'plate_corrected' then amends is not null and said_by is not null
    and plate is not null and colour is not null and lane_id is null
  when 'event_withdrawn' then amends is not null and said_by is not null
    and plate is null and lane_id is null
  else amends is null and said_by is null and lane_id is not null
    and device_id is not null and colour is not null and confidence is not null
end
"""
_SHAPE = """
case type
  when 'plate_corrected' then amends is not null and said_by is not null
    and plate is not null and colour is not null and lane_id is null and how is null
  when 'event_withdrawn' then amends is not null and said_by is not null
    and plate is null and lane_id is null and how is null
  when 'stay_ended' then amends is not null and said_by is not null
    and plate is null and lane_id is null and how is not null
  else amends is null and (said_by is null) = (device_id is not null) and lane_id is not null
    and colour is not null and confidence is not null and how is null
end
"""
# A partition has checks of its own, which outlive their parent's.
_FREE_PARTITIONS = """
do $$
declare part regclass;
begin
  for part in select inhrelid::regclass from pg_inherits
              where inhparent = 'parking.lane_event'::regclass loop
    execute format('alter table %s drop constraint if exists lane_event_type_known,
                    drop constraint if exists lane_event_shape,
                    drop constraint if exists lane_event_how_known', part);
  end loop;
end $$
"""
_UP = (
    """
    alter table parking.lane_event
      drop constraint lane_event_type_known, drop constraint lane_event_shape""",
    _FREE_PARTITIONS,
    'alter table parking.lane_event add column how text collate "C"',
    f"""
    alter table parking.lane_event
      add constraint lane_event_type_known
        check (type in ({_TYPES_BEFORE}, 'stay_ended')) not valid,
      add constraint lane_event_how_known
        check (how in ('left', 'gone', 'never_was')) not valid,
      add constraint lane_event_shape check ({_SHAPE}) not valid""",
    "alter table parking.lane_event validate constraint lane_event_type_known",
    "alter table parking.lane_event validate constraint lane_event_how_known",
    "alter table parking.lane_event validate constraint lane_event_shape",
    """
    alter table parking.stay
      add column reentry_of uuid,
      add column drive_through boolean not null default false""",
    """
    create table parking.misread (
      event_id uuid primary key references parking.lane_event,
      lot_id text collate "C" not null references parking.lot,
      plate text collate "C" not null
        constraint misread_plate_length check (char_length(plate) between 2 and 16),
      occurred_at timestamptz not null
    )""",
    "create index misread_of_plate on parking.misread (lot_id, plate, occurred_at)",
    """
    create table parking.ticket (
      ticket text collate "C" primary key
        constraint ticket_length check (char_length(ticket) = 16),
      lot_id text collate "C" not null references parking.lot,
      entry_event_id uuid not null references parking.lane_event,
      issued_at timestamptz not null,
      issued_by text collate "C" not null
    )""",
    "create unique index ticket_of_entry on parking.ticket (entry_event_id)",
)
_APPEND_ONLY = ("misread", "ticket")
_DOWN = (
    "drop table parking.ticket, parking.misread",
    "alter table parking.stay drop column reentry_of, drop column drive_through",
    """
    alter table parking.lane_event drop constraint lane_event_type_known,
      drop constraint lane_event_shape, drop constraint lane_event_how_known""",
    _FREE_PARTITIONS,
    "alter table parking.lane_event drop column how",
    f"""
    alter table parking.lane_event
      add constraint lane_event_type_known check (type in ({_TYPES_BEFORE})),
      add constraint lane_event_shape check ({_SHAPE_BEFORE})""",
)


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _UP:
        op.execute(statement)
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger refuse_change before update or delete on parking.{table} "
            "for each row execute function parking.refuse_change()"
        )
        op.execute(
            f"create trigger refuse_truncate before truncate on parking.{table} "
            "for each statement execute function parking.refuse_change()"
        )


def downgrade() -> None:
    """Undo the change."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _DOWN:
        op.execute(statement)
