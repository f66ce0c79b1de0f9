"""What an account owes is found without reading what it has paid.

The gate asks for the standing of each plate that comes in; its answer must not get slower with
every stay that an account has paid for. By plate there is such an index already.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    op.execute(
        "create index obligation_account_owed_idx on billing.obligation (account_id) "
        "where state in ('due', 'collecting', 'written_off')"
    )


def downgrade() -> None:
    """Undo the change."""
    op.execute("set local lock_timeout = '4s'")
    op.execute("drop index billing.obligation_account_owed_idx")
