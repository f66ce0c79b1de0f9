"""Failed payouts to operators' banks are found among the webhooks without reading them all.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        "CREATE INDEX webhook_inbox_payout_failed_idx ON billing.webhook_inbox "
        "(gateway, received_at) WHERE kind = 'payout.failed'"
    )


def downgrade() -> None:
    """Undo the change."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP INDEX billing.webhook_inbox_payout_failed_idx")
