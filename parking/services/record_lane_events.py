"""Group commit: while one transaction is in flight events pile up, and the next takes them all.

No timer: a lone event is committed at once, a thousand at a time share a few commits. What is
answered as accepted or duplicate is on disk; when the database cannot take a batch, everyone who
waits for it gets DatabaseUnavailableError and may send the same again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextvars import Context
from datetime import datetime
from enum import Enum
from itertools import islice

import asyncpg
import msgspec
import structlog

from parking.core.errors import DomainError
from parking.core.events import Fact, VehicleEntered, VehicleExited
from parking.core.ids import EventId, LotId, StayId
from parking.core.limits import IngestLimits
from parking.core.plate import Plate
from parking.core.standing import Standing, StandingSource
from parking.core.stay import StayState
from parking.db.pool import DatabaseUnavailableError, Pool, transaction
from parking.db.stays import StayRow
from parking.metrics import BATCH_EVENTS, COMMIT_SECONDS, EVENTS, UNAVAILABLE
from parking.services.check_lane_event import Submission
from parking.services.clock import Clock
from parking.services.gate_prices import PricePreview
from parking.services.lane_event_batch import (
    BatchResult,
    LaneEventBatch,
    LotNeededAloneError,
    Tentative,
)
from parking.services.place_book import PlaceBook
from parking.services.refusals import ConflictingEventError, UnstorableEventError

_STANDINGS_TIMEOUT_S = 0.5
_RACES_MAX = 5
_BAD_DATA = (
    asyncpg.DataError,
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.NotNullViolationError,
    ValueError,
)
"""What is wrong with the event itself. Anything else is our fault, and the event may come again."""
_LOG = structlog.get_logger("parking.ingest")


class Status(Enum):
    """What became of an event."""

    ACCEPTED = "accepted"
    """Durable, folded, priced and handed to billing."""
    DUPLICATE = "duplicate"
    """It was recorded before; all is well."""
    CONFLICT = "conflict"
    """Another content is recorded under this id and stands."""
    REFUSED = "refused"
    """Not recorded; the error says why."""


class Display(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the gate may show the driver."""

    stay_id: StayId
    state: StayState
    entered_at: datetime | None
    left_at: datetime | None
    fee_minor: int | None
    """None while the stay is open or cannot be priced."""
    currency: str | None
    bound: bool | None
    """Whether a driver bound this plate and a way to pay; None when billing did not answer."""
    arrears_minor: int | None
    tentative: bool
    """Paired by a near miss: a person may still say no."""
    price: PricePreview | None = None
    """Of an open stay, where its event came alone: a gate that waits for the answer."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to one event."""

    status: Status
    display: Display | None = None
    error: DomainError | None = None


class RecorderClosedError(DatabaseUnavailableError):
    """The server is shutting down; another will take the event."""

    def __init__(self) -> None:
        super().__init__("this server is shutting down")


class TooManyWaitingError(DatabaseUnavailableError):
    """More events wait than can be committed soon."""

    def __init__(self) -> None:
        super().__init__("too many events are waiting")


class _Waiting(msgspec.Struct, frozen=True):
    submission: Submission
    answer: "asyncio.Future[Outcome]"


class LaneEventRecorder:
    """Records lane events of this process, one transaction at a time."""

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
        self._waiting: deque[_Waiting] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self._closed = False

    async def record(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Record events; answer each in order once it is on disk.

        Raises DatabaseUnavailableError when any of them may not be: send all of them again.
        """
        if self._closed:
            raise RecorderClosedError
        if len(self._waiting) + len(submissions) > self._limits.waiting_events_max:
            raise TooManyWaitingError
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in submissions]
        self._waiting.extend(map(_Waiting, submissions, answers))
        if self._flusher is None:
            # In a context of its own: it serves all requests, and must not log as the first one.
            self._flusher = loop.create_task(self._flush(), context=Context())
        if len(answers) == 1:
            return [await answers[0]]
        return list(await asyncio.gather(*answers))

    async def close(self) -> None:
        """Answer what waits, take nothing more."""
        self._closed = True
        if self._flusher is not None:
            await self._flusher

    async def _flush(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), self._limits.commit_events_max)
                batch = list(islice(iter(self._waiting.popleft, None), size))
                await self._answer(batch)
        finally:
            self._flusher = None

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._commit([waiting.submission for waiting in batch])
        except DatabaseUnavailableError as error:
            UNAVAILABLE.inc()
            _LOG.warning("database unavailable", events=len(batch), reason=str(error))
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered, whatever it is
            UNAVAILABLE.inc()
            _LOG.error("batch failed", events=len(batch), exc_info=error)
            _fail(batch, DatabaseUnavailableError(type(error).__name__))
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)

    async def _commit(self, batch: Sequence[Submission]) -> list[Outcome]:
        """Record a batch in which events may repeat."""
        distinct: dict[EventId, Submission] = {}
        for submission in batch:
            distinct.setdefault(submission.fact.event_id, submission)
        plates = {plate for each in distinct.values() if (plate := _plate(each.fact)) is not None}
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
            result = results[event_id]
            outcomes.append(
                _outcome(submission, distinct[event_id], result, event_id in answered, standings)
            )
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
                async with transaction(self._pool) as connection:
                    work = LaneEventBatch(
                        connection, batch, lots=lots, book=self._book, now=self._clock()
                    )
                    return await work.record(alone=alone)
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


def _fail(batch: Sequence[_Waiting], error: DatabaseUnavailableError) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _outcome(
    submission: Submission,
    recorded: Submission,
    result: BatchResult | DomainError,
    repeated: bool,  # noqa: FBT001 - private, and named where it is passed
    standings: Mapping[Plate, Standing] | None,
) -> Outcome:
    event_id = submission.fact.event_id
    if isinstance(result, DomainError):
        return Outcome(Status.REFUSED, error=result)
    first = event_id in result.new
    stands = recorded.content_hash if first else result.stored.get(event_id)
    if submission.content_hash != stands:
        return Outcome(Status.CONFLICT, error=ConflictingEventError(event_id))
    status = Status.ACCEPTED if first and not repeated else Status.DUPLICATE
    return Outcome(status, display=_display(submission.fact, result, standings))


def _display(
    fact: Fact, result: BatchResult, standings: Mapping[Plate, Standing] | None
) -> Display | None:
    plate = _plate(fact)
    if plate is None:
        return None
    tentative = result.tentative.get(fact.event_id)
    if tentative is not None:
        return _tentative_display(tentative, plate, standings)
    row = result.newest.get((fact.lot_id, plate))
    if row is None:
        return None
    standing = None if standings is None else standings.get(plate, Standing())
    return _shown(row, standing)


def _shown(row: StayRow, standing: Standing | None) -> Display:
    stay = row.stay
    return Display(
        stay_id=stay.stay_id,
        state=stay.state,
        entered_at=stay.entered_at,
        left_at=stay.left_at,
        fee_minor=row.fee_minor,
        currency=row.currency,
        bound=None if standing is None else standing.bound,
        arrears_minor=None if standing is None else standing.arrears_minor,
        tentative=False,
    )


def _tentative_display(
    tentative: Tentative, plate: Plate, standings: Mapping[Plate, Standing] | None
) -> Display:
    standing = None if standings is None else standings.get(plate, Standing())
    return msgspec.structs.replace(
        _shown(tentative.row, standing),
        state=StayState.CLOSED,
        left_at=tentative.left_at,
        fee_minor=tentative.fee.total.amount_minor,
        currency=tentative.fee.total.currency,
        tentative=True,
    )


def _plate(fact: Fact) -> Plate | None:
    return fact.read.plate if isinstance(fact, VehicleEntered | VehicleExited) else None


def _count(outcomes: Sequence[Outcome]) -> None:
    for status in Status:
        count = sum(outcome.status is status for outcome in outcomes)
        if count:
            EVENTS.labels(status.value).inc(count)
