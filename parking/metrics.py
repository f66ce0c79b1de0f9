"""What the ingest path counts for Prometheus."""

from typing import Final

from prometheus_client import Counter, Histogram

EVENTS: Final = Counter(
    "leavefirst_lane_events_total", "Lane events answered, by what became of them.", ["status"]
)
BATCH_EVENTS: Final = Histogram(
    "leavefirst_commit_events",
    "Lane events in one transaction.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
)
COMMIT_SECONDS: Final = Histogram(
    "leavefirst_commit_seconds",
    "Time of one lane-event transaction, from its begin to its commit, in seconds.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REFOLDS: Final = Counter(
    "leavefirst_refolds_total", "Plates whose stays were worked out anew from all their facts."
)
UNAVAILABLE: Final = Counter(
    "leavefirst_commit_failures_total", "Transactions that the database could not take."
)
