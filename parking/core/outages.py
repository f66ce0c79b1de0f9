"""Which of a database's errors pass by themselves: it is away, full or busy, and nothing is wrong.

Told by SQLSTATE (PostgreSQL's appendix A), so that this needs no driver and both rooms agree.
"""

from typing import Final

_CLASSES: Final = frozenset({"08", "40", "53", "57", "58"})
"""Connection, rollback by conflict, resources, the operator's hand, the system beneath."""
_STATES: Final = frozenset({"25006", "55P03"})
"""A standby that only reads, while a new primary is made; a lock that was not to be had."""


def passes_by_itself(sqlstate: str | None) -> bool:
    """Whether the same statement may succeed later, unchanged. XX000 is a defect and does not."""
    return sqlstate is not None and (sqlstate[:2] in _CLASSES or sqlstate in _STATES)
