"""A person's answer to a near miss, a missed entry or a vehicle without a plate.

The decision becomes a fact (a correction or a withdrawal of an event), and the stays follow from
the facts; the review only notes who decided.
"""

from datetime import datetime
from uuid import UUID

from parking.core.errors import DomainError
from parking.db import lane_events, plate_facts, reviews
from parking.db.pool import Connection, Pool, reading, transaction
from parking.db.reviews import Review, ReviewKind, ReviewState
from parking.services.check_lane_event import submission_of
from parking.services.clock import Clock, new_id
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.refold import refold
from parking.services.review_facts import Decision, Ruling, facts_of
from parking.services.write_changes import write_changes


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

    async def decide(self, review_id: UUID, ruling: Ruling, *, by: str) -> Review:
        """Record a decision with all that follows from it, in one transaction.

        `by` is `operator:<id>`, `admin:<key>` or `rule:<name>`. Raises UnknownReviewError,
        ReviewDecidedError, IncompleteMatchError, MatchRefusedError.
        """
        asked = await self.get(review_id)
        lot = await self._book.reread(asked.lot_id)
        now = self._clock()
        async with transaction(self._pool) as connection:
            await lane_events.lock(connection, lots_alone=[asked.lot_id])
            review = await reviews.get(connection, review_id)
            if review is None or review.state is not ReviewState.PENDING:
                raise ReviewDecidedError(review or asked)
            await self._apply(connection, review, ruling, lot=lot, by=by, now=now)
        return await self.get(review_id)

    async def _apply(
        self,
        connection: Connection,
        review: Review,
        ruling: Ruling,
        *,
        lot: LotEntry,
        by: str,
        now: datetime,
    ) -> None:
        facts = await facts_of(connection, review, ruling, lot=lot, by=by, now=now)
        fact_ids = [fact.event_id for fact in facts]
        if facts:
            hashes = {fact.event_id: submission_of(fact).content_hash for fact in facts}
            await lane_events.insert_facts(connection, facts, hashes)
        confirmed = ruling.decision is not Decision.REJECT
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
            plates = await plate_facts.plates_about(connection, review.lot_id, fact_ids)
            changes = await refold(connection, lot=lot, plates=plates, book=self._book, now=now)
            await write_changes(connection, changes, now=now)
        elif not confirmed:
            await reviews.insert(connection, [as_missed_entry(review, now)])


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
