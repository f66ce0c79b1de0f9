"""The queue of notifications, kept with the state: a restart goes on where it stopped."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from gateway_sim.wechatpay.sealing import SignedWith
from gateway_sim.wechatpay.store import Store
from gateway_sim.wire import JsonObject

_MINUTE = 60
_HOUR = 60 * _MINUTE
PAUSES_S = (
    *(15, 15, 30),
    *(3 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE),
    *(60 * _MINUTE, 3 * _HOUR, 3 * _HOUR, 3 * _HOUR, 6 * _HOUR, 6 * _HOUR),
)
"""Before each further attempt, as WeChat Pay documents it: 24 hours and 4 minutes in all."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant is told."""

    id: str
    event_type: str
    url: str
    created_at: float
    summary: str
    original_type: str
    signed_with: SignedWith
    resource: JsonObject


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """A notification on its way."""

    seq: int
    attempts: int
    flaw: str
    """How it is false, if it is (a mishap's name)."""
    news: News


class NotificationQueue:
    """What is to be sent, when, and what became of it."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self.woken = asyncio.Event()
        """Set when there may be something new to send."""

    def wake(self) -> None:
        """Have the messenger look again: something was queued, or the clock was moved."""
        self.woken.set()

    def add(self, news: News, *, delays: Iterable[float]) -> None:
        """Queue it for each delay, in seconds; none at all: it goes missing."""
        due = [("pending", news.created_at + delay) for delay in delays]
        for state, due_at in due or [("missing", news.created_at)]:
            self._insert(news, state=state, due_at=due_at, flaw="")

    def add_false(self, news: News, *, flaw: str) -> None:
        """Queue one that must not be believed; it is sent once."""
        self._insert(news, state="pending", due_at=news.created_at, flaw=flaw)

    def _insert(self, news: News, *, state: str, due_at: float, flaw: str) -> None:
        self._database.execute(
            "INSERT INTO notification (id, event_type, url, created_at, summary, original_type,"
            " signed_with, resource, due_at, flaw, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(news.id, news.event_type, news.url, news.created_at, news.summary),
                *(news.original_type, news.signed_with),
                msgspec.json.encode(news.resource).decode(),
                *(due_at, flaw, state),
            ),
        )

    def due(self, *, now: float, limit: int) -> Sequence[Errand]:
        """What should be sent by now, the longest waiting first."""
        rows = self._database.execute(
            "SELECT seq, attempts, flaw, id, event_type, url, created_at, summary, original_type,"
            " signed_with, resource FROM notification WHERE state = 'pending' AND due_at <= ?"
            " ORDER BY due_at, seq LIMIT ?",
            (now, limit),
        )
        return [_errand(row) for row in rows]

    def next_due_at(self) -> float | None:
        """When the next is due; None when the queue is empty."""
        (due_at,) = self._database.execute(
            "SELECT min(due_at) FROM notification WHERE state = 'pending'"
        ).fetchone()
        return None if due_at is None else float(due_at)

    def counts(self) -> dict[str, int]:
        """How many are in each state."""
        rows = self._database.execute("SELECT state, count(*) FROM notification GROUP BY state")
        return {str(state): int(count) for state, count in rows}

    def listed(self) -> list[JsonObject]:
        """Every notification so far, with what became of it."""
        names = ("id", "event_type", "url", "flaw", "state", "attempts", "answer")
        rows = self._database.execute(
            "SELECT id, event_type, url, flaw, state, attempts, last_answer"
            " FROM notification ORDER BY seq"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def answered(self, errand: Errand, answer: str, *, taken: bool, now: float) -> None:
        """The receiver took it, or did not: try again by the schedule, or give up."""
        if errand.flaw:
            self._close(errand, "swallowed" if taken else "refused", answer)
        elif taken:
            self._close(errand, "delivered", answer)
        elif errand.attempts >= len(PAUSES_S):
            self._close(errand, "given_up", answer)
        else:
            self._database.execute(
                "UPDATE notification SET attempts = attempts + 1, due_at = ?, last_answer = ?"
                " WHERE seq = ?",
                (now + PAUSES_S[errand.attempts], answer, errand.seq),
            )

    def _close(self, errand: Errand, state: str, answer: str) -> None:
        self._database.execute(
            "UPDATE notification SET attempts = attempts + 1, state = ?, last_answer = ?"
            " WHERE seq = ?",
            (state, answer, errand.seq),
        )


def _errand(row: Sequence[object]) -> Errand:
    seq, attempts, flaw, *told, resource = row
    names = ("id", "event_type", "url", "created_at", "summary", "original_type", "signed_with")
    news = dict(zip(names, told, strict=True))
    news["resource"] = msgspec.json.decode(str(resource), type=JsonObject)
    return msgspec.convert(
        {"seq": seq, "attempts": attempts, "flaw": flaw, "news": news}, type=Errand
    )
