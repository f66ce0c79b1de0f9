"""How many events a device may send: a token bucket for each key, in this process's memory."""

import math
from uuid import UUID

from parking.core.errors import DomainError
from parking.core.limits import IngestLimits


class TooManyEventsPerSecondError(DomainError):
    """The device sends faster than it may; what it has keeps, and may be sent a little later."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"too many events from this device; go on in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class DeviceRates:
    """Buckets by key. Time is the caller's monotonic clock, in seconds."""

    def __init__(self, limits: IngestLimits) -> None:
        """Every key begins with a full bucket."""
        self._per_second = float(limits.device_events_per_second)
        self._burst = float(limits.device_events_burst)
        self._buckets: dict[UUID, tuple[float, float]] = {}

    def take(self, key_id: UUID, events: int, *, now_s: float) -> None:
        """Take tokens for some events, or raise TooManyEventsPerSecondError and take none.

        A request larger than the burst passes when the bucket is full, and is paid off later.
        """
        tokens, at_s = self._buckets.get(key_id, (self._burst, now_s))
        tokens = min(self._burst, tokens + (now_s - at_s) * self._per_second)
        missing = min(float(events), self._burst) - tokens
        if missing > 0:
            raise TooManyEventsPerSecondError(max(1, math.ceil(missing / self._per_second)))
        self._buckets[key_id] = (tokens - events, now_s)
