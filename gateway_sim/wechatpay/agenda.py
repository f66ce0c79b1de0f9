"""What will happen by itself at a certain time: deductions, repayments, ends of refunds."""

import msgspec

from gateway_sim.wechatpay.store import Store
from gateway_sim.wire import JsonObject


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens once."""

    due_at: float
    what: str
    body: JsonObject


class Agenda:
    """Kept with the state: a restart goes on where it stopped."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    def add(self, what: str, *, at: float, body: JsonObject) -> None:
        """Have something happen."""
        self._database.execute(
            "INSERT INTO agenda (due_at, what, body) VALUES (?, ?, ?)",
            (at, what, msgspec.json.encode(body).decode()),
        )

    def next_due_at(self) -> float | None:
        """When the next thing happens; None when nothing will."""
        (due_at,) = self._database.execute("SELECT min(due_at) FROM agenda").fetchone()
        return None if due_at is None else float(due_at)

    def take(self, *, now: float) -> Appointment | None:
        """Remove and answer the earliest of what is due by now."""
        row = self._database.execute(
            "DELETE FROM agenda WHERE seq = (SELECT seq FROM agenda WHERE due_at <= ?"
            " ORDER BY due_at, seq LIMIT 1) RETURNING due_at, what, body",
            (now,),
        ).fetchone()
        if row is None:
            return None
        due_at, what, body = row
        return Appointment(
            due_at=due_at, what=what, body=msgspec.json.decode(body, type=JsonObject)
        )
