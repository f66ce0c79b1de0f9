"""Prometheus metrics of this process, and of the database when they are asked for."""

from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

from parking.db.pool import Pool

REQUESTS: Final = Counter(
    "leavefirst_http_requests_total", "HTTP requests answered.", ["method", "route", "status"]
)
REQUEST_SECONDS: Final = Histogram(
    "leavefirst_http_request_seconds",
    "Time to answer an HTTP request, in seconds.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_OUTBOX: Final = Gauge("leavefirst_outbox_messages", "Messages that wait for the billing worker.")
_STAYS: Final = Gauge("leavefirst_open_stays", "Cars inside, all lots.")
_REVIEWS: Final = Gauge("leavefirst_pending_reviews", "Reviews that wait for a person.")
_CLONES: Final = Gauge(
    "leavefirst_pending_clone_suspicions", "Plates that seem to be on two cars, not yet decided."
)
_WEBHOOKS: Final = Gauge("leavefirst_webhooks_waiting", "Webhooks stored and not yet worked on.")
_PAYMENTS: Final = Gauge("leavefirst_payments", "Payments by state.", ["state"])

_SETTLED: Final = Gauge(
    "leavefirst_days_since_settlement",
    "Days since an operator's last cut-off that was settled, or since its first entry.",
    ["operator"],
)
_DISPUTES: Final = Gauge(
    "leavefirst_disputes", "Banks' disputes that are not decided, by state.", ["state"]
)

_COUNTS_SQL: Final = """
SELECT (SELECT count(*) FROM parking.outbox) AS outbox,
       (SELECT count(*) FROM parking.stay WHERE state = 'open') AS stays,
       (SELECT count(*) FROM parking.review WHERE state = 'pending') AS reviews,
       (SELECT count(*) FROM parking.clone_suspicion AS suspected WHERE NOT EXISTS (
            SELECT FROM parking.clone_decision AS decided
            WHERE decided.suspicion_id = suspected.suspicion_id)) AS clones,
       (SELECT count(*) FROM billing.webhook_inbox WHERE handled_at IS NULL) AS webhooks
"""
_DISPUTES_SQL: Final = (
    "SELECT state, count(*) AS disputes FROM billing.dispute WHERE closed_at IS NULL GROUP BY state"
)
_SETTLED_SQL: Final = """
SELECT account.operator_id, current_date - coalesce(
    (SELECT max(cut_off_date) FROM billing.settlement AS s
     WHERE s.operator_id = account.operator_id),
    (SELECT min(booked_on) FROM billing.posting AS p WHERE p.account = account.account)) AS days
FROM billing.ledger_account AS account WHERE account.account LIKE 'operator_payable:%'
"""
_PAYMENTS_SQL: Final = "SELECT state, count(*) AS payments FROM billing.payment GROUP BY state"


async def render(pool: Pool) -> bytes:
    """The exposition text: this process's counters and the database's present counts."""
    async with pool.acquire() as connection:
        counts = await connection.fetchrow(_COUNTS_SQL)
        payments = await connection.fetch(_PAYMENTS_SQL)
        disputes = await connection.fetch(_DISPUTES_SQL)
        settled = await connection.fetch(_SETTLED_SQL)
    if counts is not None:
        _OUTBOX.set(counts["outbox"])
        _STAYS.set(counts["stays"])
        _REVIEWS.set(counts["reviews"])
        _CLONES.set(counts["clones"])
        _WEBHOOKS.set(counts["webhooks"])
    _PAYMENTS.clear()
    for row in payments:
        _PAYMENTS.labels(row["state"]).set(row["payments"])
    _DISPUTES.clear()
    for row in disputes:
        _DISPUTES.labels(row["state"]).set(row["disputes"])
    _SETTLED.clear()
    for row in settled:
        _SETTLED.labels(row["operator_id"]).set(row["days"] or 0)
    return generate_latest(REGISTRY)
