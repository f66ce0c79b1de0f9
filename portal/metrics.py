"""Prometheus metrics: what the server's processes counted, and what stands in the database.

`parking serve --workers N` gives its processes a folder (PROMETHEUS_MULTIPROC_DIR) in which each
keeps its counts, so that whichever of them is asked answers for all.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from parking.db.pool import Pool

COUNTS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client learns where processes keep their counts together."""

REQUESTS: Final = Counter(
    "leavefirst_http_requests_total", "HTTP requests answered.", ["method", "route", "status"]
)
REQUEST_SECONDS: Final = Histogram(
    "leavefirst_http_request_seconds",
    "Time to answer an HTTP request, in seconds.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_COUNTS: Final = {
    "leavefirst_outbox_messages": "Messages that wait for the billing worker.",
    "leavefirst_outbox_put_off": "Messages of these that could not be taken in and wait longer.",
    "leavefirst_open_stays": "Cars inside, all lots.",
    "leavefirst_pending_reviews": "Reviews that wait for a person.",
    "leavefirst_pending_clone_suspicions": ("Plates that seem to be on two cars, not yet decided."),
    "leavefirst_webhooks_waiting": "Webhooks stored and not yet worked on.",
}
_COUNTS_SQL: Final = """
SELECT (SELECT count(*) FROM parking.outbox) AS leavefirst_outbox_messages,
       (SELECT count(*) FROM parking.outbox WHERE due_at IS NOT NULL) AS leavefirst_outbox_put_off,
       (SELECT count(*) FROM parking.stay WHERE state = 'open' AND NOT dissolved)
           AS leavefirst_open_stays,
       (SELECT count(*) FROM parking.review WHERE state = 'pending') AS leavefirst_pending_reviews,
       (SELECT count(*) FROM parking.clone_suspicion AS suspected WHERE NOT EXISTS (
            SELECT FROM parking.clone_decision AS decided
            WHERE decided.suspicion_id = suspected.suspicion_id))
           AS leavefirst_pending_clone_suspicions,
       (SELECT count(*) FROM billing.webhook_inbox WHERE handled_at IS NULL)
           AS leavefirst_webhooks_waiting
"""
_BY_LABEL: Final = (
    (
        "leavefirst_payments",
        "Payments that have not come to their end, by state.",
        "state",
        """
SELECT state, count(*) FROM billing.payment
WHERE due_at IS NOT NULL
   OR (method = 'card' AND state NOT IN ('succeeded', 'abandoned'))
   OR (method = 'deduction' AND state NOT IN ('succeeded', 'abandoned'))
GROUP BY state
""",
    ),
    (
        "leavefirst_disputes",
        "Banks' disputes that are not decided, by state.",
        "state",
        "SELECT state, count(*) FROM billing.dispute WHERE closed_at IS NULL GROUP BY state",
    ),
    (
        "leavefirst_days_since_settlement",
        "Days since an operator's last cut-off that was settled, or since its first entry.",
        "operator",
        """
SELECT account.operator_id, coalesce(current_date - coalesce(
    (SELECT max(cut_off_date) FROM billing.settlement AS s
     WHERE s.operator_id = account.operator_id),
    (SELECT min(booked_on) FROM billing.posting AS p WHERE p.account = account.account)), 0)
FROM billing.ledger_account AS account WHERE account.account LIKE 'operator_payable:%'
""",
    ),
)
"""Name, what it says, its label, and the SQL that answers label and number: by partial indexes,
so that a scrape costs what is going on, not what ever was."""


class _Standing(Collector):
    """What was read from the database a moment ago."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


async def render(pool: Pool) -> bytes:
    """The exposition text: the server's counters and the database's present counts."""
    async with pool.acquire() as connection:
        counts: Mapping[str, int] = dict(await connection.fetchrow(_COUNTS_SQL) or {})
        standing = [GaugeMetricFamily(name, _COUNTS[name], n) for name, n in counts.items()]
        for name, says, label, sql in _BY_LABEL:
            family = GaugeMetricFamily(name, says, labels=[label])
            for labelled, number in await connection.fetch(sql):
                family.add_metric([labelled], number)
            standing.append(family)
    asked = CollectorRegistry()
    asked.register(_Standing(standing))
    return generate_latest(_counters()) + generate_latest(asked)


def _counters() -> CollectorRegistry:
    """The counts of all processes that keep theirs in one folder, or of this one alone."""
    if COUNTS_FOLDER not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call] # as the library has it
    return together
