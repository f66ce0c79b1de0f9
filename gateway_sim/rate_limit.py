"""How many requests a second are taken, as a bucket that fills up again."""

import time


class RateLimit:
    """Counts in real time, since it is real clients that it slows down."""

    def __init__(self, per_second: float | None) -> None:
        """Allow so many requests a second, and a burst of one second's worth; None: any number."""
        self._per_second = per_second
        self._left = per_second or 0.0
        self._filled_at = time.monotonic()

    def allows(self) -> bool:
        """Whether one more request may be executed; counts it if so."""
        if self._per_second is None:
            return True
        now = time.monotonic()
        filled = self._left + (now - self._filled_at) * self._per_second
        self._left, self._filled_at = min(filled, self._per_second), now
        if self._left < 1:
            return False
        self._left -= 1
        return True
