"""What bears on a plate is found by plate and time: a re-fold reads what happened since a change.

The index of lane events by plate gets their time. `corrected` holds the lane events that were ever
corrected to a plate, as `misread` holds what they were read as: a correction may be recorded before
the event that it names, so that `amendment` cannot know when that was.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_UP = (
    "drop index parking.lane_event_of_plate",
    "create index lane_event_of_plate on parking.lane_event (lot_id, plate, occurred_at)",
    """
    create table parking.corrected (
      event_id uuid not null references parking.lane_event,
      plate text collate "C" not null
        constraint corrected_plate_length check (char_length(plate) between 2 and 16),
      lot_id text collate "C" not null references parking.lot,
      occurred_at timestamptz not null,
      primary key (event_id, plate)
    )""",
    """
    insert into parking.corrected (event_id, plate, lot_id, occurred_at)
    select e.event_id, a.plate, e.lot_id, e.occurred_at
    from parking.amendment a join parking.lane_event e
      on e.event_id = a.amends and e.lot_id = a.lot_id
    where a.plate is not null and e.type in ('vehicle_entered', 'vehicle_exited')
    on conflict do nothing""",
    "create index corrected_to_plate on parking.corrected (lot_id, plate, occurred_at)",
    "drop index parking.amendment_to_plate",
    """
    create trigger refuse_change before update or delete on parking.corrected
      for each row execute function parking.refuse_change()""",
    """
    create trigger refuse_truncate before truncate on parking.corrected
      for each statement execute function parking.refuse_change()""",
)
_DOWN = (
    "create index amendment_to_plate on parking.amendment (lot_id, plate)",
    "drop table parking.corrected",
    "drop index parking.lane_event_of_plate",
    "create index lane_event_of_plate on parking.lane_event (lot_id, plate)",
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
