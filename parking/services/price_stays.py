"""What a stay costs and what billing must hear about it. No I/O: tariffs are at hand."""

from datetime import datetime
from typing import Final

import msgspec

from parking.core.cloning import StayHold
from parking.core.fee import Fee
from parking.core.ids import TariffId
from parking.core.money import zero
from parking.core.pricing import assess
from parking.core.stay import Stay, StayState
from parking.core.stay_fee import NOTHING_KNOWN, PlateAccount, stay_fee
from parking.db.stays import StayRow, fee_document
from parking.messages import Message, StayEntered, StayPriced
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.plate_accounts import known_stay

_CLOSED: Final = StayState.CLOSED


class Change(msgspec.Struct, frozen=True, gc=False):
    """A stay as it is to be written, with the message that it causes."""

    row: StayRow
    before: StayRow | None
    message: Message | None


def price_stay(
    stay: Stay,
    *,
    before: StayRow | None,
    lot: LotEntry,
    book: PlaceBook,
    held_until: datetime | None = None,
    account: PlateAccount | None = None,
) -> Change | None:
    """Work out a stay's row and message; None where nothing differs from before.

    `held_until`: when a tentative match was confirmed; nothing may be charged before. `account`:
    what besides the stay bears on its fee, where its tariff asks for it.
    """
    tariff_id = lot.lot.tariff_id if before is None else before.tariff_id
    revision = 0 if before is None else before.revision
    hold = None if before is None else before.hold
    if stay.state is not _CLOSED:
        row = StayRow(stay=stay, tariff_id=tariff_id, revision=revision, hold=hold)
        return _withdrawn(row, before, lot)
    left_at = _left_at(stay)
    chargeable_from = left_at if held_until is None else max(left_at, held_until)
    if account is None and before is not None and _stands(before, stay, chargeable_from):
        return None
    fee = fee_of(stay, tariff_id=tariff_id, book=book, account=account)
    row = StayRow(
        stay=stay,
        tariff_id=tariff_id,
        tariff_version=fee.tariff_version,
        fee_document=fee_document(fee),
        fee_minor=fee.total.amount_minor,
        currency=fee.total.currency,
        business_date=left_at.astimezone(lot.zone).date(),
        chargeable_from=chargeable_from,
        revision=revision + 1,
        hold=hold,
    )
    if before is not None and before.revision and _same_to_billing(before, row, fee):
        unchanged = msgspec.structs.replace(row, revision=revision)
        return None if before.stay == stay else Change(unchanged, before, None)
    return Change(row, before, _message(row, fee, lot))


def dissolve_stay(before: StayRow, *, lot: LotEntry) -> Change | None:
    """Take back a stay that the facts no longer show."""
    if before.dissolved:
        return None
    row = StayRow(
        stay=before.stay, tariff_id=before.tariff_id, dissolved=True, revision=before.revision
    )
    return _withdrawn(row, before, lot)


def hold_stay(before: StayRow, *, hold: StayHold | None, lot: LotEntry) -> Change | None:
    """Tell billing to hold a stay, or to let it go; None while it has heard of no fee."""
    fee = before.fee
    if fee is None or not before.revision:
        return None
    row = msgspec.structs.replace(before, hold=hold, revision=before.revision + 1)
    return Change(row, before, _message(row, fee, lot))


def fee_of(
    stay: Stay,
    *,
    tariff_id: TariffId,
    book: PlaceBook,
    left_at: datetime | None = None,
    account: PlateAccount | None = None,
) -> Fee:
    """Price a stay by the version in force when it began, to its end or to `left_at`."""
    entered_at = _left_at(stay) if stay.entered_at is None else stay.entered_at
    ends_at = _left_at(stay) if left_at is None else left_at
    tariff = book.tariff_at(tariff_id, entered_at)
    plain = not (tariff.splits or tariff.asks_facts or tariff.remembers)
    if account is None and plain and not stay.drive_through:
        return assess(entered_at=entered_at, left_at=ends_at, tariff=tariff, colour=stay.colour)
    known = known_stay(stay, tariff_id, ends_at)
    return stay_fee(known, versions_of=book.versions, account=account or NOTHING_KNOWN)


def _withdrawn(row: StayRow, before: StayRow | None, lot: LotEntry) -> Change | None:
    """A row that is not billable; if billing had heard of a fee, it hears that it is gone."""
    if before is None or before.fee is None:
        same = before is not None and before.stay == row.stay and before.dissolved == row.dissolved
        return None if same else Change(row, before, _entered(row, before, lot))
    row = msgspec.structs.replace(row, revision=before.revision + 1)
    fee = before.fee
    nothing = Fee(
        total=zero(fee.total.currency),
        lines=(),
        tariff_id=fee.tariff_id,
        tariff_version=fee.tariff_version,
    )
    gone = msgspec.structs.replace(before, revision=row.revision)
    return Change(row, before, _message(gone, nothing, lot, dissolved=True))


def _stands(before: StayRow, stay: Stay, chargeable_from: datetime) -> bool:
    """Say whether a stay is as it was: its sealed tariff can only say the same fee again."""
    return (
        before.stay == stay
        and not before.dissolved
        and before.revision > 0
        and before.fee_document is not None
        and before.chargeable_from == chargeable_from
    )


def _same_to_billing(before: StayRow, row: StayRow, fee: Fee) -> bool:
    old, new = before.stay, row.stay
    return (
        not before.dissolved
        and (old.plate, old.colour, old.entered_at, old.left_at)
        == (new.plate, new.colour, new.entered_at, new.left_at)
        and before.chargeable_from == row.chargeable_from
        and before.fee == fee
    )


def _entered(row: StayRow, before: StayRow | None, lot: LotEntry) -> StayEntered | None:
    """What billing hears of a car that drove in, where the lot tells of its entries."""
    stay = row.stay
    opened = before is None and stay.state is StayState.OPEN
    if not (opened and lot.lot.rules.tell_entries) or stay.entered_at is None:
        return None
    return StayEntered(
        stay_id=stay.stay_id,
        lot_id=stay.lot_id,
        lot_name=lot.lot.name_zh,
        plate=stay.plate,
        colour=stay.colour,
        entered_at=stay.entered_at,
        trace_id=stay.trace_id,
    )


def _message(row: StayRow, fee: Fee, lot: LotEntry, *, dissolved: bool = False) -> StayPriced:
    stay = row.stay
    left_at = _left_at(stay)
    return StayPriced(
        stay_id=stay.stay_id,
        revision=row.revision,
        lot_id=stay.lot_id,
        operator_id=lot.lot.operator_id,
        plate=stay.plate,
        colour=stay.colour,
        entered_at=left_at if stay.entered_at is None else stay.entered_at,
        left_at=left_at,
        business_date=row.business_date or left_at.astimezone(lot.zone).date(),
        fee=fee,
        chargeable_from=row.chargeable_from or left_at,
        dissolved=dissolved,
        hold=row.hold,
        trace_id=stay.trace_id,
    )


def _left_at(stay: Stay) -> datetime:
    return stay.last_seen_at if stay.left_at is None else stay.left_at
