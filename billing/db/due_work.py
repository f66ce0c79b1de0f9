"""What is due, in one question: so that a worker with nothing to do asks no stage of its own.

Each row is a stage of `billing.worker`, named as it names them. Nothing is locked: what is due here
may be another worker's by the time that the stage looks, and then it finds nothing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from billing.db.connection import Connection

_SHARED: Final = {
    "messages": (
        "(SELECT sequence FROM parking.outbox WHERE due_at IS NULL OR due_at <= $1"
        " ORDER BY sequence LIMIT 1) IS NOT NULL"
    ),
    "setups": "EXISTS (SELECT FROM billing.payment_method_setup WHERE due_at <= $1)",
    "accounts": "EXISTS (SELECT FROM billing.driver_account WHERE gather_at <= $1)",
    "claims": "EXISTS (SELECT FROM billing.plate_claim WHERE due_at <= $1)",
    "notifications": "EXISTS (SELECT FROM billing.notification WHERE due_at <= $1)",
    "detachments": "EXISTS (SELECT FROM billing.payment_method WHERE detach_at <= $1)",
    "payouts": "EXISTS (SELECT FROM billing.payout WHERE due_at <= $1)",
    "appeals": "EXISTS (SELECT FROM billing.appeal WHERE due_at <= $1)",
}
_TABLES_OF_PROVIDERS: Final = {
    "webhooks": "webhook_inbox",
    "payments": "payment",
    "registrations": "stay_registration",
    "advances": "provider_advance",
    "refunds": "refund",
    "disputes": "dispute",
}
_CURSORS: Final = {
    "report_lines": "g.name",
    "news of disputes": "g.name || ':disputes'",
    "discrepancies": "'reconciled ' || g.name",
}
"""What is read from time to time is due until its first reading has made it a cursor."""

_OF_PROVIDERS: Final = {
    **{
        kind: f"EXISTS (SELECT FROM billing.{table} WHERE due_at <= $1 AND gateway = g.name)"
        for kind, table in _TABLES_OF_PROVIDERS.items()
    },
    **{
        kind: "NOT EXISTS (SELECT FROM billing.gateway_cursor"
        f" WHERE gateway = {cursor} AND due_at > $1)"
        for kind, cursor in _CURSORS.items()
    },
}
TIMES: Final = {
    "driver_account": "gather_at",
    "payment_method": "detach_at",
    **dict.fromkeys(
        (
            *_TABLES_OF_PROVIDERS.values(),
            "payment_method_setup",
            "plate_claim",
            "notification",
            "appeal",
            "payout",
            "gateway_cursor",
        ),
        "due_at",
    ),
}
"""The column of each table that says when a row of it is due."""

_NEXT_AT: Final = ", ".join(
    f"(SELECT min({column}) FROM billing.{table} WHERE {column} > $1)"  # noqa: S608 - constants
    for table, column in TIMES.items()
)
_QUERY: Final = f"""
SELECT array(
    SELECT s.stage FROM (VALUES {", ".join(f"('{kind}', {due})" for kind, due in _SHARED.items())}
    ) AS s (stage, due) WHERE s.due
    UNION ALL
    SELECT s.stage || ' ' || g.name FROM unnest($2::text[]) AS g (name) CROSS JOIN LATERAL (VALUES
        {", ".join(f"('{kind}', {due})" for kind, due in _OF_PROVIDERS.items())}
    ) AS s (stage, due) WHERE s.due) AS stages, least({_NEXT_AT}) AS next_at
"""  # noqa: S608 - constants of this module


class DueWork(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to do now, and when there is more."""

    stages: frozenset[str]
    """Some also when nobody could do anything: held by another worker, or not ours to do."""
    next_at: datetime | None
    """When something will be due that is not; None: nothing is planned."""


def asked_for(gateway_names: Collection[str]) -> frozenset[str]:
    """The stages that `due_work` knows of: any other must look for itself."""
    of_providers = {f"{kind} {name}" for kind in _OF_PROVIDERS for name in gateway_names}
    return frozenset({*_SHARED, *of_providers})


async def due_work(db: Connection, *, gateway_names: Collection[str], now: datetime) -> DueWork:
    """Ask which stages have something to do."""
    row = await db.fetchrow(_QUERY, now, list(gateway_names))
    if row is None:
        raise LookupError
    return DueWork(stages=frozenset(row["stages"]), next_at=row["next_at"])
