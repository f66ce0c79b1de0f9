"""Pairs an exit that found no stay with the one open stay that it almost names. Tentatively."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from parking.core.ids import EventId
from parking.core.lookalike import LOOKALIKES, near_miss
from parking.core.plate import Plate
from parking.core.stay import Stay
from parking.db import stays
from parking.db.pool import Connection
from parking.db.reviews import Review, ReviewKind
from parking.db.stays import LeftOver, StayRow
from parking.services.clock import new_id
from parking.services.place_book import LotEntry


def _confusable() -> Mapping[str, str]:
    others: dict[str, str] = {}
    for pair in LOOKALIKES:
        one, other = sorted(pair)
        others[one] = others.get(one, "") + other
        others[other] = others.get(other, "") + one
    return others


_CONFUSABLE: Final = _confusable()


def lookalikes_of(plate: Plate) -> list[Plate]:
    """Every plate that differs in one character, and that in a confusable pair."""
    return [
        Plate(plate[:place] + other + plate[place + 1 :])
        for place, character in enumerate(plate)
        for other in _CONFUSABLE.get(character, "")
    ]


async def candidate_for(
    connection: Connection,
    exit_stay: Stay,
    *,
    lot: LotEntry,
    taken: Collection[EventId] = (),
    claimed_by: EventId | None = None,
) -> StayRow | None:
    """The one open stay that an exit almost names, unless another exit has claimed it.

    `taken` are entries claimed in this transaction; `claimed_by` is an exit whose own claim does
    not count.
    """
    if exit_stay.left_at is None:
        return None
    found = await stays.open_among(
        connection, lot.lot.lot_id, lookalikes_of(exit_stay.plate), claimed_by=claimed_by
    )
    best = near_miss(
        plate=exit_stay.plate,
        colour=exit_stay.colour,
        left_at=exit_stay.left_at,
        open_stays=[row.stay for row, _ in found],
        rules=lot.lot.rules,
    )
    for row, claimed in found:
        if row.stay is best and not claimed and row.stay.entry_event_id not in taken:
            return row
    return None


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
    exit_stay: Stay, candidate: StayRow | None, *, lot: LotEntry, now: datetime
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
        hold_until=None if entry_event_id is None else now + hold,
    )
