"""What billing can check by itself, against its own tables and a simulator's truth log.

Every check reads only and names each thing that is wrong. `portal/audit.py` puts these beside
parking's checks.
"""

from collections.abc import AsyncIterator

from billing.audit import books, collecting, disputes, drivers, operators
from billing.audit.reading import read_truth
from billing.audit.truth import Truth, against_truth
from billing.audit.violation import BillingViolation
from billing.db.connection import Connection

__all__ = ["BillingViolation", "Truth", "read_truth", "violations"]

_CHECKS = (*books.CHECKS, *operators.CHECKS, *drivers.CHECKS, *collecting.CHECKS, *disputes.CHECKS)


async def violations(
    db: Connection, *, truth: Truth | None = None
) -> AsyncIterator[BillingViolation]:
    """Check everything; with a truth log, also what the simulator really took and gave back."""
    for check in _CHECKS:
        for row in await db.fetch(check.sql):
            yield BillingViolation(
                invariant=check.invariant, subject=row["subject"], text=row["text"]
            )
    if truth is not None:
        async for violation in against_truth(db, truth):
            yield violation
