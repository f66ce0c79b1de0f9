"""A message that cannot be taken in is put off, so that those behind it go on.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_UP = (
    """
    ALTER TABLE parking.outbox
        ADD COLUMN tries integer NOT NULL DEFAULT 0,
        ADD COLUMN due_at timestamptz,
        ADD CONSTRAINT outbox_put_off_has_tries CHECK ((due_at IS NULL) = (tries = 0))
    """,
)

_DOWN = ("ALTER TABLE parking.outbox DROP COLUMN tries, DROP COLUMN due_at",)


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
