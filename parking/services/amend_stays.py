"""What people say about vehicles and stays: a guard's sighting, a plate, an end, a taking back.

Each is checked, becomes a fact and goes the way of all facts, through the recorder; what it changes
about stays already charged reaches billing as a difference. Billing calls `correct_plate` for an
appeal that was granted.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from parking.core.errors import DomainError
from parking.core.events import (
    Amendment,
    Ending,
    EventWithdrawn,
    Fact,
    LaneEvent,
    PlateColour,
    PlateRead,
    StayEnded,
    VehicleEntered,
    VehicleExited,
    amended_by,
)
from parking.core.ids import EventId, LaneId, LotId, StayId
from parking.core.limits import IngestLimits
from parking.core.place import LaneDirection
from parking.core.plate import normalise_plate
from parking.core.stay import StayState
from parking.db import plate_facts, plate_reads, queries
from parking.db.pool import Pool, reading
from parking.db.queries import StayView
from parking.services.clock import Clock
from parking.services.outcomes import Outcome
from parking.services.place_book import PlaceBook
from parking.services.plate_tails import read_tail
from parking.services.quote_stay import UnknownStayError
from parking.services.record_lane_events import LaneEventRecorder
from parking.services.refusals import (
    EventFromTheFutureError,
    EventIdNotVersion7Error,
    EventTooOldError,
    LaneEventRefusedError,
    PlateMissingError,
    UnknownLaneError,
    WrongDirectionError,
)
from parking.services.sayings import Saying, record_said

_VERSION_7 = 7


class UnknownFactError(DomainError):
    """There is no such fact."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"no event or correction {event_id} is recorded")


class WithdrawalStandsError(LaneEventRefusedError):
    """A withdrawal cannot be withdrawn."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(
            f"{event_id} is a withdrawal and stands; record the vehicle anew, or correct its event"
        )


class StayAlreadyEndedError(DomainError):
    """The stay is not open any more: its end can be withdrawn, not ended again."""

    def __init__(self, stay: StayView) -> None:
        super().__init__(
            f"stay {stay.stay_id} is {stay.state.value.replace('_', ' ')} already;"
            f" withdraw what ended it ({stay.exit_event_id}) first"
        )


class EndRefusedError(LaneEventRefusedError):
    """The facts belie the instant at which the car is said to have left."""

    def __init__(self, left_at: datetime, reason: str) -> None:
        super().__init__(f"it cannot have left at {left_at.isoformat()}: {reason}")


class LeftAtMissingError(LaneEventRefusedError):
    """When the car left is told if, and only if, it is said to have left."""

    def __init__(self) -> None:
        super().__init__("left_at goes with `left` and with nothing else")


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What a person at a lane saw."""

    event_id: UUID
    """Made by who sends it, a UUIDv7: the same again is a repetition."""
    lot_id: LotId
    lane_id: LaneId
    entered: bool
    occurred_at: datetime
    plate: str
    colour: PlateColour = PlateColour.UNKNOWN
    reason: str = ""


class StayAmender:
    """Takes in what people say."""

    def __init__(
        self,
        pool: Pool,
        *,
        recorder: LaneEventRecorder,
        book: PlaceBook,
        clock: Clock,
        limits: IngestLimits,
    ) -> None:
        """Read through `pool`, write through `recorder`."""
        self._pool = pool
        self._recorder = recorder
        self._book = book
        self._clock = clock
        self._limits = limits

    async def record_sighting(self, sighting: Sighting, *, by: str) -> Outcome:
        """Record an entry or exit that a person saw; it counts as a camera's does.

        Raises a LaneEventRefusedError subclass, InvalidPlateError, ConflictingEventError.
        """
        now = self._clock()
        await self._check_lane(sighting)
        self._check_instant(sighting.occurred_at, now)
        if sighting.event_id.version != _VERSION_7:
            raise EventIdNotVersion7Error(sighting.event_id)
        plate = normalise_plate(sighting.plate)
        if plate is None:
            raise PlateMissingError
        seen: type[LaneEvent] = VehicleEntered if sighting.entered else VehicleExited
        fact = seen(
            event_id=EventId(sighting.event_id),
            lot_id=sighting.lot_id,
            occurred_at=sighting.occurred_at.astimezone(UTC),
            recorded_at=now,
            trace_id=sighting.event_id.hex,
            lane_id=sighting.lane_id,
            device_id=None,
            read=PlateRead(plate=plate, colour=sighting.colour, confidence=1.0),
            by=by,
            reason=sighting.reason,
        )
        (outcome,) = await record_said(self._recorder, [fact])
        return outcome

    async def correct_plate(
        self,
        *,
        stay_id: StayId,
        plate: str,
        colour: PlateColour = PlateColour.UNKNOWN,
        by: str,
        reason: str,
    ) -> None:
        """Say whose stay it really was: both its ends, with their repeated triggers, move.

        `plate` may be a ticket. Raises UnknownStayError, InvalidPlateError, PlateMissingError.
        """
        stay, now = await self._stay(stay_id), self._clock()
        true_plate = normalise_plate(plate)
        if true_plate is None:
            raise PlateMissingError
        said = _saying(stay, by=by, reason=reason, now=now)
        facts = [said.corrected(each, true_plate, colour=colour) for each in _ends_seen(stay)]
        await record_said(self._recorder, facts)

    async def end_stay(
        self,
        *,
        stay_id: StayId,
        how: Ending,
        left_at: datetime | None = None,
        by: str,
        reason: str,
    ) -> None:
        """End a stay by hand. One that never was takes all that was seen of it back.

        Raises UnknownStayError, StayAlreadyEndedError, EndRefusedError, LeftAtMissingError,
        EventFromTheFutureError.
        """
        if (left_at is not None) is not (how is Ending.LEFT):
            raise LeftAtMissingError
        stay, now = await self._stay(stay_id), self._clock()
        named = _ends_seen(stay) if how is Ending.NEVER_WAS else _ends_seen(stay)[:1]
        said = _saying(stay, by=by, reason=reason, now=now)
        words = [said.ended(each, how, left_at=left_at) for each in named]
        if how is not Ending.NEVER_WAS:
            await self._check_end(stay, words[0], now)
        await record_said(self._recorder, words)

    async def correct_exit(
        self, *, stay_id: StayId, left_at: datetime, by: str, reason: str
    ) -> None:
        """Say when the car really left: what ended the stay so far is taken back with it.

        Both are recorded together, or neither is. Raises UnknownStayError, EndRefusedError,
        EventFromTheFutureError.
        """
        stay, now = await self._stay(stay_id), self._clock()
        if stay.entry_event_id is None:
            raise EndRefusedError(left_at, "nobody saw it come in")
        said = _saying(stay, by=by, reason=reason, now=now)
        word = said.ended(stay.entry_event_id, Ending.LEFT, left_at=left_at)
        facts: list[Amendment] = [word]
        if stay.exit_event_id is not None:
            facts.append(said.withdrawn(stay.exit_event_id))
        await self._check_left(stay, facts, word, now)
        await record_said(self._recorder, facts)

    async def withdraw(self, event_id: EventId, *, by: str, reason: str) -> None:
        """Take back an event, a correction or an end by hand.

        Raises UnknownFactError, WithdrawalStandsError.
        """
        now = self._clock()
        async with reading(self._pool) as connection:
            history = await plate_reads.history_of(connection, [event_id])
        fact = next((each for each in history if each.event_id == event_id), None)
        if fact is None:
            raise UnknownFactError(event_id)
        if isinstance(fact, EventWithdrawn):
            raise WithdrawalStandsError(event_id)
        said = _saying(fact, by=by, reason=reason, now=now)
        await record_said(self._recorder, [said.withdrawn(event_id)])

    async def _stay(self, stay_id: StayId) -> StayView:
        async with reading(self._pool) as connection:
            stay = await queries.stay(connection, stay_id)
        if stay is None or stay.dissolved:
            raise UnknownStayError(stay_id)
        return stay

    async def _check_end(self, stay: StayView, word: StayEnded, now: datetime) -> None:
        """Fold it in beforehand: a word that changes nothing is told so, and not recorded."""
        if stay.state not in {StayState.OPEN, StayState.MISSED_EXIT}:
            raise StayAlreadyEndedError(stay)
        if word.how is Ending.GONE:
            if stay.state is StayState.MISSED_EXIT:
                raise StayAlreadyEndedError(stay)
            return
        await self._check_left(stay, [word], word, now)

    async def _check_left(
        self, stay: StayView, more: Sequence[Amendment], word: StayEnded, now: datetime
    ) -> None:
        """See that with `more` facts, `word` among them, the stay ends as the word says."""
        left_at = word.occurred_at
        self._check_future(left_at, now)
        if stay.entered_at is not None and left_at < stay.entered_at:
            raise EndRefusedError(left_at, f"it came in at {stay.entered_at.isoformat()}")
        rules = (await self._book.reread(stay.lot_id)).lot.rules
        async with reading(self._pool) as connection:
            since = await plate_facts.plates_about(
                connection, stay.lot_id, [amended_by(each) for each in more]
            )
            tail = await read_tail(
                connection, stay.lot_id, stay.plate, since=since.get(stay.plate), rules=rules
            )
        folded = tail.fold(more, rules=rules)
        if all(each.exit_event_id != word.event_id for each in folded):
            reason = (
                f"it was seen again before that, or that is later than the lot's maximum stay of"
                f" {rules.maximum_stay_hours} h"
            )
            raise EndRefusedError(left_at, reason)

    async def _check_lane(self, sighting: Sighting) -> None:
        lot = await self._book.reread(sighting.lot_id)
        direction = lot.lanes.get(sighting.lane_id)
        if direction is None:
            raise UnknownLaneError(lot_id=sighting.lot_id, lane_id=sighting.lane_id)
        forbidden = LaneDirection.EXIT if sighting.entered else LaneDirection.ENTRY
        if direction is forbidden:
            event = "an entry" if sighting.entered else "an exit"
            raise WrongDirectionError(lane_id=sighting.lane_id, direction=direction, event=event)

    def _check_instant(self, occurred_at: datetime, now: datetime) -> None:
        self._check_future(occurred_at, now)
        if now - occurred_at > timedelta(days=self._limits.past_tolerance_days):
            raise EventTooOldError(
                occurred_at=occurred_at, days_max=self._limits.past_tolerance_days
            )

    def _check_future(self, occurred_at: datetime, now: datetime) -> None:
        if occurred_at - now > timedelta(seconds=self._limits.future_tolerance_seconds):
            raise EventFromTheFutureError(occurred_at=occurred_at, now=now)


def _saying(about: StayView | Fact, *, by: str, reason: str, now: datetime) -> Saying:
    return Saying(lot_id=about.lot_id, by=by, reason=reason, now=now, trace_id=about.trace_id)


def _ends_seen(stay: StayView) -> list[EventId]:
    """The lane events at the ends of a stay: entry and exit, as far as they were seen."""
    exit_ = stay.exit_event_id if stay.exit_lane_id is not None else None
    return [event_id for event_id in (stay.entry_event_id, exit_) if event_id is not None]
