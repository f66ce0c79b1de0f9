"""Fee facts: rights, stated vehicles and payments before leaving, appended like lane events.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UP = (
    """
    create table parking.fee_fact (
      fact_id uuid primary key,
      type text collate "C" not null constraint fee_fact_type_known check (type in
        ('right_granted', 'right_revoked', 'vehicle_stated', 'paid_before_leaving')),
      lot_id text collate "C" not null references parking.lot,
      plate text collate "C"
        constraint fee_fact_plate_length check (char_length(plate) between 2 and 16),
      stay_id uuid references parking.stay,
      recorded_at timestamptz not null,
      document jsonb not null
        constraint fee_fact_document_is_object check (jsonb_typeof(document) = 'object'),
      constraint fee_fact_about_plate_or_stay check ((plate is null) <> (stay_id is null))
    )""",
    "create index fee_fact_of_plate on parking.fee_fact (lot_id, plate) where plate is not null",
    "create index fee_fact_of_stay on parking.fee_fact (stay_id) where stay_id is not null",
    """
    create trigger refuse_change before update or delete on parking.fee_fact
      for each row execute function parking.refuse_change()""",
    """
    create trigger refuse_truncate before truncate on parking.fee_fact
      for each statement execute function parking.refuse_change()""",
)


def upgrade() -> None:
    """Make room for fee facts."""
    op.execute("set local lock_timeout = '4s'")
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Forget them."""
    op.execute("set local lock_timeout = '4s'")
    op.execute("drop table parking.fee_fact")
