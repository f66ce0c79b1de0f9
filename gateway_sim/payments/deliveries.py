"""The queue of webhook deliveries, kept with the state: a restart goes on where it stopped."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from gateway_sim.payments.store import Store

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 3600.0
GIVE_UP_AFTER_S = 3 * 24 * 3600.0
"""Stripe tries for three days."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    seq: int
    event: str
    endpoint: str
    first_at: float
    attempts: int
    flaw: str
    """How it is false, if it is (a webhook mishap's name)."""


class DeliveryQueue:
    """What is to be delivered, when, and what became of it."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self.woken = asyncio.Event()
        """Set when there may be something new to deliver."""

    def wake(self) -> None:
        """Have the courier look again: something was queued, or the clock was moved."""
        self.woken.set()

    def add(self, event: str, endpoint: str, *, now: float, delays: Iterable[float]) -> None:
        """Queue a delivery for each delay, in seconds; none at all: it goes missing."""
        due = [("pending", now + delay) for delay in delays] or [("missing", now)]
        self._database.executemany(
            "INSERT INTO delivery (event, endpoint, first_at, due_at, state)"
            " VALUES (?, ?, ?, ?, ?)",
            [(event, endpoint, now, due_at, state) for state, due_at in due],
        )

    def add_false(self, event: str, endpoint: str, *, now: float, flaw: str) -> None:
        """Queue a delivery that must not be believed; it is made once."""
        self._database.execute(
            "INSERT INTO delivery (event, endpoint, first_at, due_at, flaw) VALUES (?, ?, ?, ?, ?)",
            (event, endpoint, now, now, flaw),
        )

    def due(self, *, now: float, limit: int) -> Sequence[Delivery]:
        """What should be delivered by now, the longest waiting first."""
        rows = self._database.execute(
            "SELECT seq, event, endpoint, first_at, attempts, flaw FROM delivery"
            " WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, seq LIMIT ?",
            (now, limit),
        )
        names = ("seq", "event", "endpoint", "first_at", "attempts", "flaw")
        return [Delivery(**dict(zip(names, row, strict=True))) for row in rows]

    def next_due_at(self) -> float | None:
        """When the next delivery is due; None when the queue is empty."""
        (due_at,) = self._database.execute(
            "SELECT min(due_at) FROM delivery WHERE state = 'pending'"
        ).fetchone()
        return None if due_at is None else float(due_at)

    def pending_of(self, event: str) -> int:
        """How many deliveries of an event are still to be made."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM delivery WHERE event = ? AND state = 'pending' AND flaw = ''",
            (event,),
        ).fetchone()
        return int(count)

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        rows = self._database.execute("SELECT state, count(*) FROM delivery GROUP BY state")
        return {str(state): int(count) for state, count in rows}

    def false_ones(self) -> list[dict[str, str]]:
        """What became of the deliveries that must not be believed."""
        rows = self._database.execute(
            "SELECT flaw, event, state, last_answer FROM delivery WHERE flaw <> '' ORDER BY seq"
        )
        return [dict(zip(("flaw", "event", "state", "answer"), row, strict=True)) for row in rows]

    def answered(self, delivery: Delivery, answer: str, *, taken: bool) -> None:
        """The endpoint refused a false delivery, as it should, or swallowed it."""
        self._close(delivery, "swallowed" if taken else "refused", answer)

    def delivered(self, delivery: Delivery, answer: str) -> None:
        """The endpoint took it."""
        self._close(delivery, "delivered", answer)

    def lost(self, delivery: Delivery, reason: str) -> None:
        """There is nobody to take it any more."""
        self._close(delivery, "missing", reason)

    def failed(self, delivery: Delivery, answer: str, *, now: float) -> None:
        """The endpoint did not take it: try again later, longer each time, or give up."""
        backoff = min(BACKOFF_FIRST_S * 2**delivery.attempts, BACKOFF_MAX_S)
        if now + backoff > delivery.first_at + GIVE_UP_AFTER_S:
            self._close(delivery, "given_up", answer)
            return
        self._database.execute(
            "UPDATE delivery SET attempts = attempts + 1, due_at = ?, last_answer = ?"
            " WHERE seq = ?",
            (now + backoff, answer, delivery.seq),
        )

    def _close(self, delivery: Delivery, state: str, answer: str) -> None:
        self._database.execute(
            "UPDATE delivery SET attempts = attempts + 1, state = ?, last_answer = ? WHERE seq = ?",
            (state, answer, delivery.seq),
        )
