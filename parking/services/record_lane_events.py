"""Group commit: while one transaction is in flight events pile up, and the next takes them all.

A lone event is committed at once, a thousand at a time share a few commits: where many came at once
a moment ago, a transaction waits some milliseconds for them to come again. What is answered as
accepted or duplicate is on disk; when the database cannot take a batch, everyone who waits for it
gets DatabaseUnavailableError and may send the same again.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from contextvars import Context
from itertools import chain, islice
from typing import cast

import asyncpg
import msgspec
import structlog

from parking.core.errors import DomainError
from parking.core.ids import EventId, LotId
from parking.core.limits import IngestLimits
from parking.core.plate import Plate
from parking.core.standing import Standing, StandingSource
from parking.db.pool import DatabaseUnavailableError, Pool, transaction_begun_with
from parking.metrics import BATCH_EVENTS, COMMIT_SECONDS, EVENTS, UNAVAILABLE
from parking.services.check_lane_event import Submission
from parking.services.clock import Clock
from parking.services.lane_event_batch import BatchResult, LaneEventBatch, LotNeededAloneError
from parking.services.outcomes import Outcome, outcome_of, plate_of
from parking.services.place_book import PlaceBook
from parking.services.refusals import UnstorableEventError

_STANDINGS_TIMEOUT_S = 0.5
_RACES_MAX = 5
_FLUSHERS_MAX = 2
"""Transactions at once, each with half of what comes: PostgreSQL works for one while Python works
for the other. The locks of their plates keep them apart."""
_QUIET_S = 0.004
"""For how long nothing new must come before a transaction begins with less than it could have."""
_GATHERING_MAX_S = 0.02
_FORGOTTEN_SHARE = 8
"""Of the most events that were under way at once an eighth is forgotten with each transaction."""
_BAD_DATA = (
    asyncpg.DataError,
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.NotNullViolationError,
    ValueError,
)
"""What is wrong with the event itself. Anything else is our fault, and the event may come again."""
_LOG = structlog.get_logger("parking.ingest")


class RecorderClosedError(DatabaseUnavailableError):
    """The server is shutting down; another will take the event."""

    def __init__(self) -> None:
        super().__init__("this server is shutting down")


class TooManyWaitingError(DatabaseUnavailableError):
    """More events wait than can be committed soon."""

    def __init__(self) -> None:
        super().__init__("too many events are waiting")


class _Request:
    """What one call of `record` waits for: answered as a whole, however it was committed."""

    def __init__(
        self, submissions: Sequence[Submission], answer: "asyncio.Future[list[Outcome]]"
    ) -> None:
        self.submissions = submissions
        self.answer = answer
        self.taken = 0
        self._done: dict[int, list[Outcome]] = {}
        self._missing = len(submissions)

    def note(self, start: int, outcomes: list[Outcome]) -> None:
        """Keep what became of a part; answer when it was the last one."""
        self._done[start] = outcomes
        self._missing -= len(outcomes)
        if not self._missing and not self.answer.done():
            in_order = [self._done[start] for start in sorted(self._done)]
            self.answer.set_result(list(chain.from_iterable(in_order)))

    def fail(self, error: DatabaseUnavailableError) -> None:
        """Answer that not everything could be recorded."""
        if not self.answer.done():
            self.answer.set_exception(error)


class _Part(msgspec.Struct, frozen=True):
    """What one transaction takes of a request."""

    request: _Request
    start: int
    submissions: Sequence[Submission]


class LaneEventRecorder:
    """Records lane events of this process, a few transactions at a time."""

    def __init__(
        self,
        pool: Pool,
        *,
        standings: StandingSource,
        book: PlaceBook,
        clock: Clock,
        limits: IngestLimits,
    ) -> None:
        """Nothing is read or written before the first event."""
        self._pool = pool
        self._standings = standings
        self._book = book
        self._clock = clock
        self._limits = limits
        self._waiting: deque[_Request] = deque()
        self._waiting_events = 0
        self._under_way = 0
        self._lately_under_way = 0
        self._flushers: set[asyncio.Task[None]] = set()
        self._closed = False

    async def record(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Record events; answer each in order once it is on disk.

        Raises DatabaseUnavailableError when any of them may not be: send all of them again.
        """
        if self._closed:
            raise RecorderClosedError
        if self._waiting_events + len(submissions) > self._limits.waiting_events_max:
            raise TooManyWaitingError
        if not submissions:
            return []
        loop = asyncio.get_running_loop()
        request = _Request(submissions, loop.create_future())
        self._waiting.append(request)
        self._waiting_events += len(submissions)
        self._under_way += len(submissions)
        self._lately_under_way = max(self._lately_under_way, self._under_way)
        if not self._flushers or self._second_is_worth_it():
            # In a context of its own: it serves all requests, and must not log as the first one.
            self._flushers.add(loop.create_task(self._flush(), context=Context()))
        try:
            return await request.answer
        finally:
            self._under_way -= len(submissions)

    def _second_is_worth_it(self) -> bool:
        return len(self._flushers) < _FLUSHERS_MAX and self._waiting_events >= self._enough()

    def _enough(self) -> int:
        """How many events make a transaction worth its round trips: half of what comes at once."""
        return min(self._limits.commit_events_max, -(-self._lately_under_way // _FLUSHERS_MAX))

    async def close(self) -> None:
        """Answer what waits, take nothing more."""
        self._closed = True
        while self._flushers:
            await asyncio.wait(self._flushers)

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                if parts := self._take():  # none, where another took all while this one waited
                    await self._answer(parts)
        finally:
            # Here and not in a callback: who comes next must know that nobody is left to serve it.
            self._flushers.remove(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _gather(self) -> None:
        """Let those who were answered a moment ago send what they have next.

        A round trip costs the same for one event and for hundreds. Nobody waits where no more than
        two events came at once lately, nor longer than it is quiet for a moment.
        """
        until_s = time.monotonic() + _GATHERING_MAX_S
        while self._waiting_events < self._enough() and time.monotonic() < until_s:
            waiting = self._waiting_events
            await asyncio.sleep(_QUIET_S)
            if self._waiting_events == waiting:
                break
        forgotten = self._lately_under_way // _FORGOTTEN_SHARE
        self._lately_under_way = max(self._under_way, self._lately_under_way - forgotten)

    def _take(self) -> list[_Part]:
        """The next transaction's events: of several requests, or a part of a long one."""
        room = self._limits.commit_events_max
        parts: list[_Part] = []
        while self._waiting and room:
            request = self._waiting[0]
            start = request.taken
            taken = request.submissions[start : start + room]
            request.taken += len(taken)
            self._waiting_events -= len(taken)
            if request.taken == len(request.submissions):
                self._waiting.popleft()
            if not request.answer.done():
                parts.append(_Part(request, start, taken))
                room -= len(taken)
        return parts

    async def _answer(self, parts: Sequence[_Part]) -> None:
        batch = [submission for part in parts for submission in part.submissions]
        try:
            outcomes = iter(await self._commit(batch))
        except DatabaseUnavailableError as error:
            UNAVAILABLE.inc()
            _LOG.warning("database unavailable", events=len(batch), reason=str(error))
            _fail(parts, error)
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered, whatever it is
            UNAVAILABLE.inc()
            _LOG.error("batch failed", events=len(batch), exc_info=error)
            _fail(parts, DatabaseUnavailableError(type(error).__name__))
        else:
            for part in parts:
                part.request.note(part.start, list(islice(outcomes, len(part.submissions))))

    async def _commit(self, batch: Sequence[Submission]) -> list[Outcome]:
        """Record a batch in which events may repeat."""
        distinct: dict[EventId, Submission] = {}
        for submission in batch:
            distinct.setdefault(submission.fact.event_id, submission)
        plates = {plate for each in batch if (plate := plate_of(each.fact)) is not None}
        asking = asyncio.create_task(self._ask_standings(plates))
        started = time.perf_counter()
        try:
            results = await self._record_or_split(distinct)
        finally:
            COMMIT_SECONDS.observe(time.perf_counter() - started)
            BATCH_EVENTS.observe(len(distinct))
            standings = await asking
        answered: set[EventId] = set()
        outcomes = []
        for submission in batch:
            event_id = submission.fact.event_id
            outcome = outcome_of(
                submission,
                results[event_id],
                recorded=distinct[event_id],
                repeated=event_id in answered,
                standings=standings,
            )
            outcomes.append(outcome)
            answered.add(event_id)
        _count(outcomes)
        return outcomes

    async def _record_or_split(
        self, batch: Mapping[EventId, Submission]
    ) -> dict[EventId, BatchResult | DomainError]:
        """Record all in one transaction; if one of them cannot be stored, find it by halving."""
        try:
            return dict.fromkeys(batch, await self._transaction(batch))
        except DatabaseUnavailableError:
            raise
        except Exception as error:
            if len(batch) == 1:
                if not isinstance(error, _BAD_DATA):
                    raise
                _LOG.error("event cannot be stored", event_id=str(*batch), exc_info=error)
                return dict.fromkeys(batch, UnstorableEventError(type(error).__name__))
        each = list(batch.items())
        half = len(each) // 2
        return await self._record_or_split(dict(each[:half])) | await self._record_or_split(
            dict(each[half:])
        )

    async def _transaction(self, batch: Mapping[EventId, Submission]) -> BatchResult:
        lots = {
            lot_id: await self._book.latest(lot_id)
            for lot_id in {each.fact.lot_id for each in batch.values()}
        }
        alone: frozenset[LotId] = frozenset()
        races = 0
        while True:
            try:
                work = LaneEventBatch(
                    batch, lots=lots, book=self._book, now=self._clock(), alone=alone
                )
                async with transaction_begun_with(self._pool, work.beginning()) as connection:
                    return await work.record(connection)
            except LotNeededAloneError as error:
                alone |= error.lots
            except asyncpg.UniqueViolationError:
                # Another process was faster with the same event; next time it is a known one.
                races += 1
                if races > _RACES_MAX:
                    raise

    async def _ask_standings(self, plates: Collection[Plate]) -> Mapping[Plate, Standing] | None:
        """What billing says about the plates; None when it does not answer in time."""
        try:
            async with asyncio.timeout(_STANDINGS_TIMEOUT_S):
                return await self._standings.standings(plates)
        except Exception as error:  # noqa: BLE001 - a display line is not worth an event
            _LOG.warning("standings unknown", reason=type(error).__name__)
            return None


def _fail(parts: Sequence[_Part], error: DatabaseUnavailableError) -> None:
    for part in parts:
        part.request.fail(error)


def _count(outcomes: Sequence[Outcome]) -> None:
    for status, count in Counter([outcome.status for outcome in outcomes]).items():
        EVENTS.labels(status.value).inc(count)
