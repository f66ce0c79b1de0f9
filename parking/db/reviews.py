"""What waits for a person, in the database."""

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from uuid import UUID

import asyncpg
import msgspec

from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.db.pool import Connection

_COLUMNS = """
review_id, kind, state, lot_id, plate, entry_event_id, exit_event_id, created_at, hold_until,
decided_at, decided_by, decision_event_id
"""
_INSERT = """
insert into parking.review
  (review_id, kind, state, lot_id, plate, entry_event_id, exit_event_id, created_at, hold_until)
select id, kind, 'pending', lot_id, plate, entry_id, exit_id, created_at, hold_until
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::uuid[],
            $7::timestamptz[], $8::timestamptz[])
  as given (id, kind, lot_id, plate, entry_id, exit_id, created_at, hold_until)
on conflict do nothing
"""
_DECIDE = """
update parking.review set state = $2, decided_at = $3, decided_by = $4, decision_event_id = $5
where review_id = $1 and state = 'pending'
"""
_DUE = f"""
select {_COLUMNS} from parking.review
where state = 'pending' and kind = 'near_miss' and hold_until <= $1
order by hold_until limit $2
"""  # noqa: S608 - our own column list
_UNPAIRED = f"""
select {_COLUMNS} from parking.review
where state = 'pending' and kind = 'missed_entry' and created_at > $1
order by created_at limit $2
"""  # noqa: S608 - our own column list
_REJECTED = """
select exists (select from parking.review
  where entry_event_id = $1 and exit_event_id = $2 and state = 'rejected')
"""
_FIRST_ASKED = """
select min(r.created_at) from parking.review r
join parking.lane_event before on before.event_id = r.entry_event_id
join parking.lane_event present on present.event_id = $1
where r.exit_event_id = $2 and r.kind = 'near_miss' and before.plate = present.plate
"""
_ONE = f"select {_COLUMNS} from parking.review where review_id = $1"  # noqa: S608 - our columns


class ReviewKind(Enum):
    """Why a person is asked."""

    NEAR_MISS = "near_miss"
    """An entry and an exit one look-alike character apart: the same car?"""
    MISSED_ENTRY = "missed_entry"
    """A car left that was not seen to come."""
    NO_PLATE = "no_plate"
    """A vehicle without a readable plate."""


class ReviewState(Enum):
    """What became of it."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    """A person, or the hold passing without a "no", agreed with the machine."""
    REJECTED = "rejected"
    """A person said no."""
    SUPERSEDED = "superseded"
    """Later facts settled the matter."""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a person."""

    review_id: UUID
    kind: ReviewKind
    state: ReviewState = ReviewState.PENDING
    lot_id: LotId
    plate: Plate | None
    """As the later of its events was read."""
    entry_event_id: EventId | None
    exit_event_id: EventId | None
    created_at: datetime
    hold_until: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_event_id: EventId | None = None


async def insert(connection: Connection, reviews: Collection[Review]) -> None:
    """Ask; a question that is pending already is not asked twice."""
    await connection.execute(
        _INSERT,
        [review.review_id for review in reviews],
        [review.kind.value for review in reviews],
        [review.lot_id for review in reviews],
        [review.plate for review in reviews],
        [review.entry_event_id for review in reviews],
        [review.exit_event_id for review in reviews],
        [review.created_at for review in reviews],
        [review.hold_until for review in reviews],
    )


async def decide(
    connection: Connection,
    review_id: UUID,
    *,
    state: ReviewState,
    now: datetime,
    by: str | None,
    decision_event_id: EventId | None = None,
) -> None:
    """Note what was decided, by whom, and the fact that says so."""
    await connection.execute(_DECIDE, review_id, state.value, now, by, decision_event_id)


async def get(connection: Connection, review_id: UUID) -> Review | None:
    """One review."""
    row = await connection.fetchrow(_ONE, review_id)
    return None if row is None else review_of(row)


async def due(connection: Connection, now: datetime, *, limit: int) -> list[Review]:
    """Near misses whose hold has passed."""
    return [review_of(row) for row in await connection.fetch(_DUE, now, limit)]


async def unpaired(connection: Connection, since: datetime, *, limit: int) -> list[Review]:
    """Missed entries asked about since an instant."""
    return [review_of(row) for row in await connection.fetch(_UNPAIRED, since, limit)]


async def was_rejected(
    connection: Connection, *, entry_event_id: EventId | None, exit_event_id: EventId | None
) -> bool:
    """Say whether a person said no to this very pair."""
    return bool(await connection.fetchval(_REJECTED, entry_event_id, exit_event_id))


async def first_asked(
    connection: Connection, *, entry_event_id: EventId, exit_event_id: EventId
) -> datetime | None:
    """When an exit was first matched with an entry that was read as this one was."""
    asked: datetime | None = await connection.fetchval(_FIRST_ASKED, entry_event_id, exit_event_id)
    return asked


def review_of(row: asyncpg.Record) -> Review:
    """A review out of its row."""
    return msgspec.convert(dict(row), Review)
