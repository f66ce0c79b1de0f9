"""All that a person needs to decide a review: what was seen, and which stays could be meant."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from parking.core.corrections import effective_events
from parking.core.events import (
    Candidate,
    LaneEvent,
    PlateColour,
    PlateRead,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import EventId, LaneId, StayId
from parking.core.matching import ranked
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Stay
from parking.core.ticket import is_ticket
from parking.db import open_stays, plate_reads
from parking.db.pool import Connection, Pool, reading
from parking.db.reviews import Review
from parking.services.decide_review import ReviewDecider
from parking.services.place_book import PlaceBook

_STAYS_MAX: Final = 10


class SeenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A lane event as its camera, or a person, told it, and the plate that it counts for."""

    event_id: EventId
    entered: bool
    lane_id: LaneId
    occurred_at: datetime
    recorded_at: datetime
    plate_read: Plate | None
    colour: PlateColour
    confidence: float
    candidates: tuple[Candidate, ...]
    plate: Plate | None
    """By what was said about it since."""
    by: str
    """Who saw it, where no camera did."""
    trace_id: str


class PossibleStay(msgspec.Struct, frozen=True, kw_only=True):
    """An open stay that could be meant."""

    stay_id: StayId
    plate: Plate
    colour: PlateColour
    entered_at: datetime | None
    entry_lane_id: LaneId | None
    score: float
    """0.0 to 1.0: what speaks for it. 0.0 for the ticket of a car that nobody read."""
    lasted_seconds: int
    """From its entry to the exit in question."""


class ReviewDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A review with what there is to decide it by."""

    review: Review
    events: list[SeenEvent]
    """The events in question, entry first."""
    stays: list[PossibleStay]
    """Open stays that the exit could end, the likeliest first."""


class ReviewDesk:
    """Shows reviews to people."""

    def __init__(self, pool: Pool, *, decider: ReviewDecider, book: PlaceBook) -> None:
        """Read through `pool`."""
        self._pool = pool
        self._decider = decider
        self._book = book

    async def show(self, review_id: UUID) -> ReviewDetails:
        """One review with its events and the stays that could be meant.

        Raises UnknownReviewError.
        """
        review = await self._decider.get(review_id)
        rules = (await self._book.lot(review.lot_id)).lot.rules
        named = [each for each in (review.entry_event_id, review.exit_event_id) if each is not None]
        async with reading(self._pool) as connection:
            raw = await plate_reads.lane_events_of(connection, named)
            history = await plate_reads.history_of(connection, named)
            counting = {event.event_id: event for event in effective_events(history, rules=rules)}
            exit_ = counting.get(review.exit_event_id) if review.exit_event_id else None
            possible: list[PossibleStay] = []
            if isinstance(exit_, VehicleExited):
                possible = await _possible(connection, exit_, rules)
        events = [_seen(raw[each], counting.get(each)) for each in named if each in raw]
        return ReviewDetails(review=review, events=events, stays=possible)


async def _possible(
    connection: Connection, exit_: VehicleExited, rules: StayRules
) -> list[PossibleStay]:
    """The likeliest stays; for an exit without a plate the tickets inside, newest first."""
    since = exit_.occurred_at - timedelta(hours=rules.maximum_stay_hours)
    inside = await open_stays.between(
        connection, exit_.lot_id, since=since, until=exit_.occurred_at
    )
    if exit_.read.plate is None:
        tickets = [stay for stay in inside if is_ticket(stay.plate)]
        tickets.sort(key=_entered_at, reverse=True)
        return [_possible_stay(stay, 0.0, exit_) for stay in tickets[:_STAYS_MAX]]
    reads = await _reads(connection, inside, exit_.read)
    best = ranked(
        read=exit_.read,
        left_at=exit_.occurred_at,
        open_stays=inside,
        entry_reads=reads,
        rules=rules,
    )
    return [_possible_stay(each.stay, each.score, exit_) for each in best[:_STAYS_MAX]]


async def _reads(
    connection: Connection, inside: Sequence[Stay], read: PlateRead
) -> dict[object, PlateRead]:
    """What the entries' cameras thought of, where it is the exit's plate."""
    if read.plate is None:
        return {}
    entries = [stay.entry_event_id for stay in inside if stay.entry_event_id is not None]
    return await plate_reads.reads_of(connection, entries)


def _possible_stay(stay: Stay, score: float, exit_: VehicleExited) -> PossibleStay:
    lasted = exit_.occurred_at - _entered_at(stay)
    return PossibleStay(
        stay_id=stay.stay_id,
        plate=stay.plate,
        colour=stay.colour,
        entered_at=stay.entered_at,
        entry_lane_id=stay.entry_lane_id,
        score=round(score, 3),
        lasted_seconds=int(lasted.total_seconds()),
    )


def _entered_at(stay: Stay) -> datetime:
    return stay.last_seen_at if stay.entered_at is None else stay.entered_at


def _seen(event: LaneEvent, counting: LaneEvent | None) -> SeenEvent:
    return SeenEvent(
        event_id=event.event_id,
        entered=isinstance(event, VehicleEntered),
        lane_id=event.lane_id,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        plate_read=event.read.plate,
        colour=event.read.colour,
        confidence=event.read.confidence,
        candidates=event.read.candidates,
        plate=None if counting is None else counting.read.plate,
        by=event.by,
        trace_id=event.trace_id,
    )
