"""A fee other than the agreed one is a discrepancy of its own kind.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_KIND = """
ALTER TABLE billing.discrepancy DROP CONSTRAINT discrepancy_kind_check,
    ADD CONSTRAINT discrepancy_kind_check CHECK (kind IN ({kinds}))
"""


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    op.execute(_KIND.format(kinds="'missing', 'surplus', 'differs', 'wrong_fee'"))


def downgrade() -> None:
    """Undo the change; refused while there is a discrepancy of the new kind."""
    op.execute("set local lock_timeout = '4s'")
    op.execute(_KIND.format(kinds="'missing', 'surplus', 'differs'"))
