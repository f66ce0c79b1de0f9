"""An invariant that does not hold, and a check that names each such thing by one query."""

import msgspec


class BillingViolation(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One invariant that does not hold, for one thing."""

    invariant: str
    subject: str
    text: str


class Check(msgspec.Struct, frozen=True):
    """An invariant as a query for what breaks it."""

    invariant: str
    sql: str
    """Answers `subject` and `text` for each thing that is wrong."""
