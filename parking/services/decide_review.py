"""A person's answer to a near miss, a missed entry or a vehicle without a plate.

The decision becomes a fact (a correction or a withdrawal of an event), and the stays follow from
the facts; the review only notes who decided.
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from parking.core.corrections import effective_events
from parking.core.errors import DomainError
from parking.core.events import EventWithdrawn, Fact, PlateCorrected, VehicleEntered
from parking.core.ids import EventId, LotId
from parking.db import lane_events, reviews, stays
from parking.db.pool import Connection, Pool, reading, transaction
from parking.db.reviews import Review, ReviewKind, ReviewState
from parking.services.check_lane_event import submission_of
from parking.services.clock import Clock, new_id
from parking.services.lane_event_batch import write_changes
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.refold import refold


class Decision(Enum):
    """The two answers."""

    CONFIRM = "confirm"
    """Near miss: it is the same car. Otherwise: the vehicle was there, nothing can be charged."""
    REJECT = "reject"
    """Near miss: two different cars. Otherwise: there was no such vehicle."""


class UnknownReviewError(DomainError):
    """There is no such review."""

    def __init__(self, review_id: UUID) -> None:
        super().__init__(f"there is no review {review_id}")


class ReviewDecidedError(DomainError):
    """The review was decided, or settled by later events."""

    def __init__(self, review: Review) -> None:
        super().__init__(f"review {review.review_id} is {review.state.value} already")


class ReviewDecider:
    """Takes decisions in, from people and from the hold of a near miss passing."""

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock) -> None:
        """Write through `pool`."""
        self._pool = pool
        self._book = book
        self._clock = clock

    async def get(self, review_id: UUID) -> Review:
        """One review. Raises UnknownReviewError."""
        async with reading(self._pool) as connection:
            review = await reviews.get(connection, review_id)
        if review is None:
            raise UnknownReviewError(review_id)
        return review

    async def decide(self, review_id: UUID, decision: Decision, *, by: str) -> Review:
        """Record a decision with all that follows from it, in one transaction.

        `by` is `operator:<id>`, `admin:<key>` or `rule:<name>`. Raises UnknownReviewError,
        ReviewDecidedError.
        """
        asked = await self.get(review_id)
        lot = await self._book.reread(asked.lot_id)
        now = self._clock()
        async with transaction(self._pool) as connection:
            await lane_events.lock(connection, lots_alone=[asked.lot_id])
            review = await reviews.get(connection, review_id)
            if review is None or review.state is not ReviewState.PENDING:
                raise ReviewDecidedError(review or asked)
            await self._apply(connection, review, decision, lot=lot, by=by, now=now)
        return await self.get(review_id)

    async def _apply(
        self,
        connection: Connection,
        review: Review,
        decision: Decision,
        *,
        lot: LotEntry,
        by: str,
        now: datetime,
    ) -> None:
        facts = await _facts_of(connection, review, decision, lot=lot, by=by, now=now)
        fact_ids = [fact.event_id for fact in facts]
        if facts:
            hashes = {fact.event_id: submission_of(fact).content_hash for fact in facts}
            await lane_events.insert_facts(connection, facts, hashes)
        confirmed = decision is Decision.CONFIRM
        state = ReviewState.CONFIRMED if confirmed else ReviewState.REJECTED
        await reviews.decide(
            connection,
            review.review_id,
            state=state,
            now=now,
            by=by,
            decision_event_id=fact_ids[0] if fact_ids else None,
        )
        if fact_ids:
            plates = await lane_events.plates_about(connection, review.lot_id, fact_ids)
            changes = await refold(connection, lot=lot, plates=plates, book=self._book, now=now)
            await write_changes(connection, changes, now=now)
        elif not confirmed:
            await reviews.insert(connection, [as_missed_entry(review, now)])


async def _facts_of(
    connection: Connection,
    review: Review,
    decision: Decision,
    *,
    lot: LotEntry,
    by: str,
    now: datetime,
) -> list[Fact]:
    """What the decision says about the events; nothing where it changes nothing about them."""
    if review.kind is ReviewKind.NEAR_MISS:
        if decision is Decision.REJECT or review.plate is None or review.entry_event_id is None:
            return []
        return [
            PlateCorrected(
                event_id=EventId(new_id(now)),
                lot_id=LotId(review.lot_id),
                occurred_at=now,
                recorded_at=now,
                trace_id=event_id.hex,
                corrects=event_id,
                plate=review.plate,
                by=by,
                reason="near miss confirmed",
            )
            for event_id in await _triggers(connection, lot, review.entry_event_id)
        ]
    event_id = review.exit_event_id or review.entry_event_id
    if decision is Decision.CONFIRM or event_id is None:
        return []
    withdrawn = EventWithdrawn(
        event_id=EventId(new_id(now)),
        lot_id=LotId(review.lot_id),
        occurred_at=now,
        recorded_at=now,
        trace_id=event_id.hex,
        withdraws=event_id,
        by=by,
        reason=f"{review.kind.value} rejected",
    )
    return [withdrawn]


async def _triggers(connection: Connection, lot: LotEntry, entry_id: EventId) -> list[EventId]:
    """The entry, then the repeats of it while the car stood there: all were misread alike.

    Left as they were read, the repeats would open a stay of a car that never came.
    """
    lot_id, rules = lot.lot.lot_id, lot.lot.rules
    plates = await lane_events.plates_about(connection, lot_id, [entry_id])
    rows = await stays.of_plates(connection, lot_id, plates)
    for stay in (row.stay for row in rows.values() if not row.dissolved):
        if stay.entry_event_id != entry_id or stay.entered_at is None:
            continue
        facts = await lane_events.facts_of_plate(connection, lot_id, stay.plate)
        repeats = [
            event.event_id
            for event in effective_events(facts, rules=rules)
            if isinstance(event, VehicleEntered)
            and event.read.plate == stay.plate
            and stay.entered_at <= event.occurred_at <= stay.last_seen_at
        ]
        return [entry_id, *(event_id for event_id in repeats if event_id != entry_id)]
    return [entry_id]


def as_missed_entry(review: Review, now: datetime) -> Review:
    """What is left of a rejected near miss: an exit without an entry."""
    return Review(
        review_id=new_id(now),
        kind=ReviewKind.MISSED_ENTRY,
        lot_id=review.lot_id,
        plate=review.plate,
        entry_event_id=None,
        exit_event_id=review.exit_event_id,
        created_at=now,
    )
