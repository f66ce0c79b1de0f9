"""What besides a stay bears on its fee, read for those plates whose tariffs ask for it.

Most lots' tariffs neither offer rights nor look at earlier stays; for them nothing is read.
"""

from collections.abc import Collection, Container, Iterable, Mapping
from datetime import datetime

import msgspec

from parking.core.fee_facts import FeeFact
from parking.core.ids import LotId, StayId, TariffId
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState
from parking.core.stay_fee import LOOK_BACK, KnownStay, PlateAccount, counted_since, in_order
from parking.db import fee_facts
from parking.db.lane_events import LotPlate
from parking.db.pool import Connection
from parking.db.stays import StayRow
from parking.services.place_book import LotEntry, PlaceBook


class Asked(msgspec.Struct, frozen=True):
    """A plate whose stays are to be priced: by which tariffs, and the first of them from when."""

    tariff_ids: Collection[TariffId]
    from_at: datetime


async def read_accounts(
    connection: Connection,
    asked: Mapping[LotPlate, Asked],
    *,
    book: PlaceBook,
    stay_ids: Collection[StayId] = (),
) -> dict[LotPlate, PlateAccount]:
    """Read the accounts of plates; those whose tariffs ask for nothing are left out.

    The tariffs must have been read into the book. `stay_ids` are stays about which facts count as
    well: they may be about to become a plate's.
    """
    pairs = [pair for pair, each in asked.items() if book.any_asks(each.tariff_ids)]
    if not pairs:
        return {}
    since = [asked[pair].from_at - LOOK_BACK for pair in pairs]
    facts = await fee_facts.about(connection, pairs, since, stay_ids)
    beginnings = [
        min(begins, counted_since(of_plate(facts, *pair), default=begins))
        for pair, begins in zip(pairs, since, strict=True)
    ]
    if beginnings != since:  # what was paid for earlier stays bears on the uses of a right
        facts = await fee_facts.about(connection, pairs, beginnings, stay_ids)
    stays = await fee_facts.closed_stays(connection, pairs, beginnings)
    return {
        (lot_id, plate): PlateAccount(
            facts=of_plate(facts, lot_id, plate), stays=in_order(stays.get((lot_id, plate), ()))
        )
        for lot_id, plate in pairs
    }


def of_plate(
    facts: Mapping[LotId, Iterable[FeeFact]], lot_id: LotId, plate: Plate
) -> tuple[FeeFact, ...]:
    """Of a lot's facts those about a plate, and those about single stays."""
    return tuple(fact for fact in facts.get(lot_id, ()) if fact.plate in {None, plate})


def known_stay(stay: Stay, tariff_id: TariffId, left_at: datetime | None = None) -> KnownStay:
    """A stay as pricing sees it, to its end or to `left_at`."""
    ends_at = left_at or stay.left_at or stay.last_seen_at
    return KnownStay(
        stay_id=stay.stay_id,
        plate=stay.plate,
        colour=stay.colour,
        tariff_id=tariff_id,
        entered_at=stay.entered_at or ends_at,
        left_at=ends_at,
        drive_through=stay.drive_through,
    )


def beside(
    account: PlateAccount, stays: Iterable[Stay], *, before: StayRow | None, lot: LotEntry
) -> PlateAccount:
    """An account with these stays in place of what it knew of them.

    `before` is the newest stay as it was: it stays with its tariff, others are of the lot's.
    """
    gone: set[StayId] = set()
    known: list[KnownStay] = []
    for stay in stays:
        gone.add(stay.stay_id)
        if stay.state is StayState.CLOSED:
            was = before is not None and before.stay.stay_id == stay.stay_id
            tariff_id = before.tariff_id if was and before is not None else lot.lot.tariff_id
            known.append(known_stay(stay, tariff_id))
    return replaced(account, gone=gone, known=known)


def replaced(
    account: PlateAccount, *, gone: Container[StayId], known: Iterable[KnownStay]
) -> PlateAccount:
    """An account with these known stays in place of what it knew of those gone."""
    kept = [each for each in account.stays if each.stay_id not in gone]
    return msgspec.structs.replace(account, stays=in_order([*kept, *known]))
