"""${message}.

Rules for every migration here (the old code is still running while it is applied):
- No statement may hold a strong lock for long: `lock_timeout` is 4 s and a statement that rewrites
  or scans a large table belongs into small batches of its own. Create indexes CONCURRENTLY once
  a table has rows in production; add constraints NOT VALID first and VALIDATE them afterwards.
- Code of the previous release must keep working on the new schema: add, backfill, switch, and
  drop only in a later release.
- Money and state rules go into the database too: CHECK, foreign key, unique index, trigger.
- `downgrade` undoes `upgrade` exactly; tests/migrations goes up, down and up again.
"""

from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Apply the change."""
    op.execute("set local lock_timeout = '4s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo the change."""
    op.execute("set local lock_timeout = '4s'")
    ${downgrades if downgrades else "pass"}
