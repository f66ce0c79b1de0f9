"""The slow path: work the stays of some plates out again, since something about them changed.

Taken for late, corrected and withdrawn events. What differs from before is written and told.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from parking.core.ids import EventId, StayId, TariffId
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState
from parking.core.stay_fee import PlateAccount
from parking.db import clones, stays
from parking.db.pool import Connection
from parking.db.stays import StayRow
from parking.metrics import REFOLDS
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.plate_accounts import Asked, known_stay, read_accounts, replaced
from parking.services.plate_tails import read_tail
from parking.services.price_stays import Change, dissolve_stay, price_stay


async def refold(
    connection: Connection,
    *,
    lot: LotEntry,
    plates: Mapping[Plate, datetime | None],
    book: PlaceBook,
    now: datetime,
) -> list[Change]:
    """Answer how the stays of these plates must change. The caller holds the locks and writes.

    `plates` says of each plate since when something about it changed; None: since ever. What
    happened before costs nothing (parking/core/settling.py).
    """
    lot_id, rules = lot.lot.lot_id, lot.lot.rules
    REFOLDS.inc(len(plates))
    found: dict[StayId, Stay] = {}
    reaches: dict[Plate, datetime] = {}
    for plate in sorted(plates):
        tail = await read_tail(connection, lot_id, plate, since=plates[plate], rules=rules)
        found |= {stay.stay_id: stay for stay in tail.fold(rules=rules, now=now)}
        reaches[plate] = tail.begins_after
    before = await _before(connection, lot, reaches, found)
    await book.read_tariffs(connection, _tariffs(before, lot))
    accounts = await _accounts(connection, lot, book, before=before, found=found)
    held = await stays.decided_exits(connection, _exits(found)) if found else {}
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


async def _before(
    connection: Connection,
    lot: LotEntry,
    reaches: Mapping[Plate, datetime],
    found: Collection[StayId],
) -> dict[StayId, StayRow]:
    """The stays as they are stored: those within reach, and what the found ones once were.

    A stay may have been another plate's once, and have been dissolved as that.
    """
    before = await stays.seen_after(connection, lot.lot.lot_id, reaches)
    elsewhere = [stay_id for stay_id in found if stay_id not in before]
    return before | await clones.by_ids(connection, elsewhere) if elsewhere else before


def _tariffs(before: Mapping[StayId, StayRow], lot: LotEntry) -> set[TariffId]:
    return {row.tariff_id for row in before.values()} | {lot.lot.tariff_id}


def _exits(found: Mapping[StayId, Stay]) -> list[EventId]:
    return [
        stay.exit_event_id
        for stay in found.values()
        if stay.state is StayState.CLOSED and stay.exit_event_id is not None
    ]


def _tariff_of(before: StayRow | None, lot: LotEntry) -> TariffId:
    return lot.lot.tariff_id if before is None else before.tariff_id


def _began(stay: Stay) -> datetime:
    return stay.last_seen_at if stay.entered_at is None else stay.entered_at


async def _accounts(
    connection: Connection,
    lot: LotEntry,
    book: PlaceBook,
    *,
    before: Mapping[StayId, StayRow],
    found: Mapping[StayId, Stay],
) -> dict[Plate, PlateAccount]:
    """What besides a stay bears on its fee; nothing is read unless a tariff asks.

    The closed stays before those found count as they are stored, these as they are found.
    """
    lot_id, tariffs = lot.lot.lot_id, _tariffs(before, lot)
    closed: dict[Plate, list[Stay]] = {}
    for stay in found.values():
        if stay.state is StayState.CLOSED:
            closed.setdefault(stay.plate, []).append(stay)
    asked = {
        (lot_id, plate): Asked(tariffs, min(_began(stay) for stay in theirs))
        for plate, theirs in closed.items()
    }
    accounts = await read_accounts(connection, asked, book=book, stay_ids=found)
    return {
        plate: replaced(
            account,
            gone=before,
            known=[
                known_stay(stay, _tariff_of(before.get(stay.stay_id), lot))
                for stay in closed[plate]
            ],
        )
        for (_, plate), account in accounts.items()
    }
