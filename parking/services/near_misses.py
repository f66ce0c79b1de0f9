"""Pairs an exit that found no stay with the one open stay that it clearly means. Tentatively."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from parking.core.events import PlateRead
from parking.core.ids import EventId
from parking.core.lookalike import lookalikes_of
from parking.core.matching import candidate_plates, clear_winner, ranked
from parking.core.plate import Plate
from parking.core.stay import Stay
from parking.db import plate_reads, reviews, stays
from parking.db.pool import Connection
from parking.db.reviews import Review, ReviewKind
from parking.db.stay_writing import LeftOver
from parking.db.stays import StayRow
from parking.services.clock import new_id
from parking.services.place_book import LotEntry


async def candidate_for(
    connection: Connection,
    exit_stay: Stay,
    *,
    lot: LotEntry,
    taken: Collection[EventId] = (),
    claimed_by: EventId | None = None,
) -> StayRow | None:
    """The one open stay that an exit clearly means, unless another exit has claimed it.

    `taken` are entries claimed in this transaction; `claimed_by` is an exit whose own claim does
    not count.
    """
    if exit_stay.left_at is None:
        return None
    read = await read_of_exit(connection, exit_stay)
    wanted = [*map(Plate, lookalikes_of(exit_stay.plate)), *candidate_plates(read)]
    found = await stays.open_among(connection, lot.lot.lot_id, wanted, claimed_by=claimed_by)
    if not found:
        return None
    candidates = ranked(
        read=read,
        left_at=exit_stay.left_at,
        open_stays=[row.stay for row, _ in found],
        entry_reads=await _entry_reads(connection, [row for row, _ in found]),
        rules=lot.lot.rules,
    )
    best = clear_winner(candidates, rules=lot.lot.rules)
    for row, claimed in found:
        if row.stay is best and not claimed and row.stay.entry_event_id not in taken:
            return row
    return None


async def read_of_exit(connection: Connection, exit_stay: Stay) -> PlateRead:
    """What the exit's camera read, with the plate and colour that count by now."""
    event_id = exit_stay.exit_event_id
    reads = {} if event_id is None else await plate_reads.reads_of(connection, [event_id])
    read = reads.get(event_id, PlateRead(plate=None))
    return replace(read, plate=exit_stay.plate, colour=exit_stay.colour)


async def _entry_reads(connection: Connection, rows: Sequence[StayRow]) -> dict[object, PlateRead]:
    entries = [row.stay.entry_event_id for row in rows]
    return await plate_reads.reads_of(connection, [each for each in entries if each is not None])


async def hold_since(
    connection: Connection, exit_stay: Stay, candidate: StayRow | None, *, now: datetime
) -> datetime:
    """From when a tentative match waits for a "no".

    The hold is for the driver and the operator to see which plates were matched. Who had the time
    to say no to this very pair of plates need not have it again when the entry turns out to have
    been an earlier trigger of the same car.
    """
    entry = None if candidate is None else candidate.stay.entry_event_id
    exit_ = exit_stay.exit_event_id
    if entry is None or exit_ is None:
        return now
    asked = await reviews.first_asked(connection, entry_event_id=entry, exit_event_id=exit_)
    return now if asked is None else asked


def missed_entry(left_over: LeftOver, *, now: datetime) -> Review:
    """What is left of a near miss that lost its entry: an exit without one."""
    return Review(
        review_id=new_id(now),
        kind=ReviewKind.MISSED_ENTRY,
        lot_id=left_over.lot_id,
        plate=left_over.plate,
        entry_event_id=None,
        exit_event_id=left_over.exit_event_id,
        created_at=now,
    )


def review_of_exit(
    exit_stay: Stay,
    candidate: StayRow | None,
    *,
    lot: LotEntry,
    now: datetime,
    held_since: datetime,
) -> Review:
    """The question to ask about an exit without a stay."""
    entry_event_id = None if candidate is None else candidate.stay.entry_event_id
    hold = timedelta(seconds=lot.lot.rules.near_miss_hold_seconds)
    return Review(
        review_id=new_id(now),
        kind=ReviewKind.MISSED_ENTRY if entry_event_id is None else ReviewKind.NEAR_MISS,
        lot_id=exit_stay.lot_id,
        plate=exit_stay.plate,
        entry_event_id=entry_event_id,
        exit_event_id=exit_stay.exit_event_id,
        created_at=now,
        hold_until=None if entry_event_id is None else held_since + hold,
    )
