"""The slow path: work the stays of some plates out again, from all their facts.

Taken for late, corrected and withdrawn events. What differs from before is written and told.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from parking.core.fee_facts import FeeFact
from parking.core.folding import fold
from parking.core.ids import LotId, StayId
from parking.core.plate import Plate
from parking.core.stay import StayState
from parking.core.stay_fee import KnownStay, PlateAccount, in_order
from parking.db import fee_facts, lane_events, stays
from parking.db.pool import Connection
from parking.metrics import REFOLDS
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.plate_accounts import EVER, known_stay, of_plate
from parking.services.price_stays import Change, dissolve_stay, price_stay


async def refold(
    connection: Connection,
    *,
    lot: LotEntry,
    plates: Iterable[Plate],
    book: PlaceBook,
    now: datetime,
) -> list[Change]:
    """Answer how the stays of these plates must change. The caller holds the locks and writes."""
    lot_id = lot.lot.lot_id
    asked = sorted(set(plates))
    REFOLDS.inc(len(asked))
    found = {}
    for plate in asked:
        facts = await lane_events.facts_of_plate(connection, lot_id, plate)
        for stay in fold(facts, plate=plate, rules=lot.lot.rules, now=now):
            found[stay.stay_id] = stay
    before = await stays.of_plates(connection, lot_id, asked)
    lot_tariff = lot.lot.tariff_id
    tariffs = {row.tariff_id for row in before.values()} | {lot_tariff}
    await book.read_tariffs(connection, tariffs)
    asks = book.any_asks(tariffs)
    said = await _facts_about(connection, lot_id, asked, list(found)) if asks else {}
    closed: dict[Plate, list[KnownStay]] = {}
    for stay in found.values():
        if asks and stay.state is StayState.CLOSED:
            row = before.get(stay.stay_id)
            known = known_stay(stay, lot_tariff if row is None else row.tariff_id)
            closed.setdefault(stay.plate, []).append(known)
    accounts = {
        plate: PlateAccount(facts=of_plate(said, lot_id, plate), stays=in_order(theirs))
        for plate, theirs in closed.items()
    }
    exits = [
        stay.exit_event_id
        for stay in found.values()
        if stay.state is StayState.CLOSED and stay.exit_event_id is not None
    ]
    held = await stays.decided_exits(connection, exits) if exits else {}
    changes = [
        price_stay(
            stay,
            before=before.get(stay_id),
            lot=lot,
            book=book,
            held_until=None if stay.exit_event_id is None else held.get(stay.exit_event_id),
            account=accounts.get(stay.plate),
        )
        for stay_id, stay in found.items()
    ]
    changes += [
        dissolve_stay(row, lot=lot) for stay_id, row in before.items() if stay_id not in found
    ]
    return [change for change in changes if change is not None]


async def _facts_about(
    connection: Connection, lot_id: LotId, plates: Sequence[Plate], stay_ids: Collection[StayId]
) -> dict[LotId, list[FeeFact]]:
    """What was said of these plates, of their stays, and of stays that may become theirs."""
    pairs = [(lot_id, plate) for plate in plates]
    return await fee_facts.about(connection, pairs, [EVER] * len(pairs), stay_ids)
