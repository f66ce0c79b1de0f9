"""What will happen by itself at a certain time: payouts that arrive, disputes that are decided."""

import msgspec

from gateway_sim.payments.store import Store
from gateway_sim.wire import JsonObject


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens once."""

    seq: int
    due_at: float
    what: str
    account: str
    """The connected account that it happens to; empty: the platform."""
    body: JsonObject


class Agenda:
    """Kept with the state: a restart goes on where it stopped."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, what: str, *, at: float, body: JsonObject) -> None:
        """Have something happen to the account that is being acted for."""
        self._store.database.execute(
            "INSERT INTO agenda (due_at, what, account, body) VALUES (?, ?, ?, ?)",
            (at, what, self._store.account, msgspec.json.encode(body).decode()),
        )

    def next_due_at(self) -> float | None:
        """When the next thing happens; None when nothing will."""
        (due_at,) = self._store.database.execute("SELECT min(due_at) FROM agenda").fetchone()
        return None if due_at is None else float(due_at)

    def take(self, *, now: float) -> Appointment | None:
        """Remove and answer the earliest of what is due by now."""
        row = self._store.database.execute(
            "DELETE FROM agenda WHERE seq = (SELECT seq FROM agenda WHERE due_at <= ?"
            " ORDER BY due_at, seq LIMIT 1) RETURNING seq, due_at, what, account, body",
            (now,),
        ).fetchone()
        if row is None:
            return None
        seq, due_at, what, account, body = row
        return Appointment(
            seq=seq,
            due_at=due_at,
            what=what,
            account=account,
            body=msgspec.json.decode(body, type=JsonObject),
        )
