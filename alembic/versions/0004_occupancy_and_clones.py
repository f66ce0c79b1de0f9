"""Occupancy: recounts, habits, spaces by class. Cloned plates: positions, suspicions, holds.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = (
    """
    alter table parking.lot
      add column class_spaces jsonb not null default '{}'
        constraint lot_class_spaces_is_object check (jsonb_typeof(class_spaces) = 'object'),
      add column latitude double precision
        constraint lot_latitude_range check (latitude between -90 and 90),
      add column longitude double precision
        constraint lot_longitude_range check (longitude between -180 and 180),
      add constraint lot_position_whole check ((latitude is null) = (longitude is null))""",
    """
    create table parking.recount (
      recount_id uuid primary key,
      lot_id text collate "C" not null references parking.lot,
      counted_at timestamptz not null,
      recorded_at timestamptz not null,
      cars integer not null constraint recount_cars_not_negative check (cars >= 0),
      by_class jsonb
        constraint recount_by_class_is_object check (jsonb_typeof(by_class) = 'object'),
      said_by text collate "C" not null,
      reason text not null default ''
    )""",
    "create index recount_of_lot on parking.recount (lot_id, counted_at, recount_id)",
    """
    create table parking.lot_habit (
      lot_id text collate "C" primary key references parking.lot,
      lasting_seconds integer[] not null
        constraint lot_habit_has_quantiles check (cardinality(lasting_seconds) > 0),
      missed_share double precision not null
        constraint lot_habit_missed_share_range check (missed_share > 0 and missed_share < 1),
      stays integer not null constraint lot_habit_stays_not_negative check (stays >= 0),
      learned_at timestamptz not null
    )""",
    'alter table parking.stay add column hold text collate "C"',
    """
    alter table parking.stay add constraint stay_hold_known
      check (hold in ('cloned_plate', 'other_car')) not valid""",
    "alter table parking.stay validate constraint stay_hold_known",
    # By plate first: serves the newest stay of a plate in a lot just as well, and finds the
    # stays of a plate in all other lots. The hot path keeps as many indexes as it had but one.
    "drop index parking.stay_of_plate",
    "create index stay_of_plate on parking.stay (plate, lot_id, last_seen_at)",
    """
    create index stay_left on parking.stay (lot_id, left_at)
      where left_at is not null and not dissolved""",
    """
    create index stay_exit_missed on parking.stay (lot_id, entered_at)
      where state = 'missed_exit' and not dissolved""",
    """
    create table parking.clone_suspicion (
      suspicion_id uuid primary key,
      plate text collate "C" not null
        constraint clone_suspicion_plate_length check (char_length(plate) between 2 and 16),
      kind text collate "C" not null
        constraint clone_suspicion_kind_known check (kind in ('inside_elsewhere', 'too_fast')),
      first_stay_id uuid not null references parking.stay,
      second_stay_id uuid not null references parking.stay,
      evidence json not null
        constraint clone_suspicion_evidence_is_object check (json_typeof(evidence) = 'object'),
      raised_at timestamptz not null,
      constraint clone_suspicion_of_two check (first_stay_id <> second_stay_id)
    )""",
    "create index clone_suspicion_of_first on parking.clone_suspicion (first_stay_id)",
    "create index clone_suspicion_of_second on parking.clone_suspicion (second_stay_id)",
    "create index clone_suspicion_of_plate on parking.clone_suspicion (plate, raised_at)",
    """
    create table parking.clone_decision (
      decision_id uuid primary key,
      suspicion_id uuid not null references parking.clone_suspicion,
      verdict text collate "C" not null
        constraint clone_decision_verdict_known check (verdict in ('decided', 'lifted')),
      own_stay_ids uuid[] not null,
      decided_by text collate "C" not null,
      reason text not null default '',
      decided_at timestamptz not null
    )""",
    """
    create index clone_decision_of_suspicion
      on parking.clone_decision (suspicion_id, decided_at, decision_id)""",
    """
    create table parking.watch (
      name text collate "C" primary key,
      position timestamptz not null
    )""",
    'alter table billing.obligation add column hold text collate "C"',
    """
    alter table billing.obligation add constraint obligation_hold_check
      check (hold in ('cloned_plate', 'other_car')) not valid""",
    "alter table billing.obligation validate constraint obligation_hold_check",
)

_APPEND_ONLY = ("recount", "clone_suspicion", "clone_decision")

_DOWN = (
    "alter table billing.obligation drop column hold",
    "drop table parking.watch, parking.clone_decision, parking.clone_suspicion",
    "drop index parking.stay_exit_missed, parking.stay_left, parking.stay_of_plate",
    "create index stay_of_plate on parking.stay (lot_id, plate, last_seen_at)",
    "alter table parking.stay drop column hold",
    "drop table parking.lot_habit, parking.recount",
    """
    alter table parking.lot drop constraint lot_position_whole,
      drop column class_spaces, drop column latitude, drop column longitude""",
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
