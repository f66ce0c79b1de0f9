"""The near misses' own clock: match late ones, and confirm those that no one said no to.

An exit may come in before the entry that it almost names (a gate without a network). So missed
entries are looked at again for a while, and what the order of arrival hid is found here.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from parking.db import lane_events, reviews, stays
from parking.db.pool import Connection, Pool, reading, transaction
from parking.db.reviews import Review, ReviewState
from parking.db.stays import StayRow
from parking.services.decide_review import (
    ReviewDecidedError,
    ReviewDecider,
    as_missed_entry,
)
from parking.services.near_misses import candidate_for, hold_since, review_of_exit
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.review_facts import Decision, Ruling

BY_HOLD: Final = "rule:near-miss"
_LOOK_BACK: Final = timedelta(days=2)
_AT_ONCE: Final = 200
_LOG = structlog.get_logger("parking.near_misses")


class NearMissClock:
    """What the worker calls every few seconds."""

    def __init__(self, pool: Pool, *, book: PlaceBook) -> None:
        """Work through `pool`."""
        self._pool = pool
        self._book = book

    async def confirm_near_misses(self, now: datetime) -> int:
        """Match late ones, settle due ones; answer how many of both. Safe to run in parallel."""
        return await self._match_late(now) + await self._settle_due(now)

    async def _settle_due(self, now: datetime) -> int:
        async with reading(self._pool) as connection:
            due = await reviews.due(connection, now, limit=_AT_ONCE)
        decider = ReviewDecider(self._pool, book=self._book, clock=lambda: now)
        for review in due:
            lot = await self._book.lot(review.lot_id)
            async with reading(self._pool) as connection:
                sure = await _still_the_one(connection, review, lot)
            try:
                if sure:
                    ruling = Ruling(decision=Decision.CONFIRM)
                    await decider.decide(review.review_id, ruling, by=BY_HOLD)
                else:
                    await self._demote(review, now)
            except ReviewDecidedError:
                _LOG.info("near miss settled meanwhile", review_id=str(review.review_id))
        return len(due)

    async def _demote(self, review: Review, now: datetime) -> None:
        """The stay is gone, or there is a second candidate by now: let a person look."""
        async with transaction(self._pool) as connection:
            await lane_events.lock(connection, lots_alone=[review.lot_id])
            present = await reviews.get(connection, review.review_id)
            if present is None or present.state is not ReviewState.PENDING:
                raise ReviewDecidedError(review)
            await reviews.decide(
                connection, review.review_id, state=ReviewState.SUPERSEDED, now=now, by=None
            )
            await reviews.insert(connection, [as_missed_entry(review, now)])

    async def _match_late(self, now: datetime) -> int:
        async with reading(self._pool) as connection:
            unpaired = await reviews.unpaired(connection, now - _LOOK_BACK, limit=_AT_ONCE)
        matched = 0
        for review in unpaired:
            lot = await self._book.lot(review.lot_id)
            # Looked up without a lock first: most of them match nothing.
            async with reading(self._pool) as connection:
                if await _match(connection, review, lot) is None:
                    continue
            matched += await self._pair(review, lot, now)
        return matched

    async def _pair(self, review: Review, lot: LotEntry, now: datetime) -> int:
        async with transaction(self._pool) as connection:
            await lane_events.lock(connection, lots_alone=[review.lot_id])
            present = await reviews.get(connection, review.review_id)
            found = await _match(connection, review, lot)
            if found is None or present is None or present.state is not ReviewState.PENDING:
                return 0
            exit_row, entry_row = found
            await reviews.decide(
                connection, review.review_id, state=ReviewState.SUPERSEDED, now=now, by=None
            )
            held_since = await hold_since(connection, exit_row.stay, entry_row, now=now)
            asked = review_of_exit(
                exit_row.stay, entry_row, lot=lot, now=now, held_since=held_since
            )
            await reviews.insert(connection, [asked])
            return 1


async def _match(
    connection: Connection, review: Review, lot: LotEntry
) -> tuple[StayRow, StayRow] | None:
    """The exit's stay and the open stay that it almost names, unless a person said no to them."""
    if review.exit_event_id is None:
        return None
    exit_row = await stays.unpaired_exit(connection, review.exit_event_id)
    if exit_row is None:
        return None
    entry_row = await candidate_for(connection, exit_row.stay, lot=lot)
    if entry_row is None or await reviews.was_rejected(
        connection,
        entry_event_id=entry_row.stay.entry_event_id,
        exit_event_id=review.exit_event_id,
    ):
        return None
    return exit_row, entry_row


async def _still_the_one(connection: Connection, review: Review, lot: LotEntry) -> bool:
    if review.exit_event_id is None:
        return False
    exit_row = await stays.unpaired_exit(connection, review.exit_event_id)
    if exit_row is None:
        return False
    row = await candidate_for(connection, exit_row.stay, lot=lot, claimed_by=review.exit_event_id)
    return row is not None and row.stay.entry_event_id == review.entry_event_id
