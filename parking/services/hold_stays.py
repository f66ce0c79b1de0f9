"""What follows from a suspicion or a decision: stays are held, or let go, and billing hears it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from parking.core.cloning import StayHold, hold_of
from parking.core.ids import StayId
from parking.core.plate import Plate
from parking.db import clones, lane_events
from parking.db.pool import Connection
from parking.db.stays import StayRow
from parking.services.place_book import PlaceBook
from parking.services.price_stays import Change, hold_stay
from parking.services.write_changes import write_changes


async def lock_stays(connection: Connection, rows: Collection[StayRow]) -> None:
    """Keep other writers of these stays' plates out until the transaction ends."""
    pairs = [(row.stay.lot_id, Plate(row.stay.plate)) for row in rows]
    await lane_events.lock(
        connection, lots_shared={lot_id for lot_id, _ in pairs}, plates=set(pairs)
    )


async def settle_holds(
    connection: Connection, stay_ids: Sequence[StayId], *, book: PlaceBook, now: datetime
) -> dict[StayId, StayHold | None]:
    """Hold these stays, or let them go, as the suspicions about them stand; answer what changed.

    The caller holds the locks of their plates.
    """
    rows = await clones.by_ids(connection, stay_ids)
    about = await clones.about_stays(connection, stay_ids)
    holds: dict[StayId, StayHold | None] = {}
    changes: list[Change] = []
    for stay_id, row in rows.items():
        theirs = [each.decisions for each in about if stay_id in each.stay_ids]
        hold = hold_of(stay_id, theirs)
        if hold is row.hold or row.dissolved:
            continue
        holds[stay_id] = hold
        lot = await book.latest(row.stay.lot_id)
        change = hold_stay(row, hold=hold, lot=lot)
        if change is not None:
            changes.append(change)
    if holds:
        await clones.hold(connection, holds)
    if changes:
        await write_changes(connection, changes, now=now)
    return holds
