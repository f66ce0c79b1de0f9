"""Stays in the database: the newest of a plate, all of a plate, those that may be a near miss."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final

import asyncpg
import msgspec

from parking.core.cloning import StayHold
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.ids import EventId, LotId, StayId, TariffId
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState
from parking.db.joined_arrays import array_of, joined
from parking.db.lane_events import LotPlate
from parking.db.pool import Connection

COLUMNS: Final = """
stay_id, lot_id, plate, colour, state, dissolved, entered_at, left_at, entry_event_id,
exit_event_id, entry_lane_id, exit_lane_id, trace_id, last_seen_at, tariff_id, tariff_version,
fee::text as fee, fee_minor, currency, business_date, chargeable_from, revision, reentry_of,
drive_through, hold
"""
# With ties and without a second key, the index by plate gives the order and nothing is sorted.
_TAILS = f"""
select newest.* from unnest({array_of(1, "text")}, {array_of(2, "text")}) as asked (lot_id, plate)
cross join lateral (
  select {COLUMNS} from parking.stay s
  where s.lot_id = asked.lot_id and s.plate = asked.plate and not s.dissolved
  order by s.last_seen_at desc fetch first 1 row with ties) newest
"""  # noqa: S608 - our own column list
_OF_PLATES = f"""
select {COLUMNS} from parking.stay where lot_id = $1 and plate = any($2::text[])
"""  # noqa: S608 - our own column list
# By the same index, from the newest one down.
_NEWEST_BEFORE = f"""
select {COLUMNS} from parking.stay
where lot_id = $1 and plate = $2 and last_seen_at < $3 and not dissolved
order by last_seen_at desc limit $4
"""  # noqa: S608 - our own column list
_SEEN_AFTER = f"""
select s.* from unnest($2::text[], $3::timestamptz[]) as asked (plate, instant)
cross join lateral (
  select {COLUMNS} from parking.stay s
  where s.lot_id = $1 and s.plate = asked.plate and s.last_seen_at > asked.instant) s
"""  # noqa: S608 - our own column list
_OPEN_AMONG = f"""
select {COLUMNS}, exists (
  select from parking.review r where r.entry_event_id = s.entry_event_id
    and r.kind = 'near_miss' and r.state = 'pending'
    and r.exit_event_id is distinct from $3) as claimed
from parking.stay s
where lot_id = $1 and plate = any($2::text[]) and state = 'open' and not dissolved
"""  # noqa: S608 - our own column list
_OF_EXIT = f"""
select {COLUMNS} from parking.stay
where stay_id = $1 and state = 'missed_entry' and not dissolved
"""  # noqa: S608 - our own column list
_CLOSED_BY_DECISION = """
select exit_event_id, decided_at from parking.review
where exit_event_id = any($1::uuid[]) and kind = 'near_miss' and state = 'confirmed'
"""
_ENCODE = msgspec.json.Encoder().encode
_COLOURS: Final = {each.value: each for each in PlateColour}
_STATES: Final = {each.value: each for each in StayState}
_FEE = msgspec.json.Decoder(Fee)


class StayRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stay as it lies in the database, with what it costs and what billing was told."""

    stay: Stay
    tariff_id: TariffId
    """Of its lot when it began; it stays with this tariff."""
    dissolved: bool = False
    """A re-fold found that there was no such stay."""
    tariff_version: int | None = None
    fee_document: str | None = None
    """The fee as JSON; only a closed stay has one."""
    fee_minor: int | None = None
    currency: str | None = None
    business_date: date | None = None
    chargeable_from: datetime | None = None
    revision: int = 0
    """Of the last message to billing about it; 0 when there was none."""
    hold: StayHold | None = None
    """Why nobody is charged for it, if so. Written by itself: see parking/db/clones.py."""

    @property
    def fee(self) -> Fee | None:
        """The fee with its lines."""
        return None if self.fee_document is None else _FEE.decode(self.fee_document)


def fee_document(fee: Fee) -> str:
    """A fee as it is stored."""
    return _ENCODE(fee).decode()


async def tails(connection: Connection, pairs: Collection[LotPlate]) -> dict[LotPlate, StayRow]:
    """The newest stay of each plate in its lot, where there is one."""
    lots, plates = zip(*pairs, strict=True)
    rows = await connection.fetch(_TAILS, joined(lots), joined(plates))
    found: dict[LotPlate, StayRow] = {}
    for row in rows:
        pair = row["lot_id"], row["plate"]
        rival = found.get(pair)
        if rival is None or rival.stay.stay_id < row["stay_id"]:
            found[pair] = stay_row(row)
    return found


async def of_plates(
    connection: Connection, lot_id: LotId, plates: Collection[Plate]
) -> dict[StayId, StayRow]:
    """All stays of some plates in a lot, dissolved ones too."""
    rows = await connection.fetch(_OF_PLATES, lot_id, list(plates))
    return {row["stay_id"]: stay_row(row) for row in rows}


async def newest_before(
    connection: Connection, lot_id: LotId, plate: Plate, instant: datetime, *, limit: int
) -> list[Stay]:
    """The newest stays of a plate in a lot that were last seen before an instant, newest first."""
    rows = await connection.fetch(_NEWEST_BEFORE, lot_id, plate, instant, limit)
    return [stay_row(row).stay for row in rows]


async def seen_after(
    connection: Connection, lot_id: LotId, plates: Mapping[Plate, datetime]
) -> dict[StayId, StayRow]:
    """The stays of each plate that were seen after an instant of its own, dissolved ones too."""
    rows = await connection.fetch(_SEEN_AFTER, lot_id, list(plates), list(plates.values()))
    return {row["stay_id"]: stay_row(row) for row in rows}


async def open_among(
    connection: Connection,
    lot_id: LotId,
    plates: Collection[Plate],
    *,
    claimed_by: EventId | None,
) -> list[tuple[StayRow, bool]]:
    """Open stays with one of these plates; True where a pending near miss claims it already.

    The claim of the exit `claimed_by` does not count.
    """
    rows = await connection.fetch(_OPEN_AMONG, lot_id, list(plates), claimed_by)
    return [(stay_row(row), row["claimed"]) for row in rows]


async def unpaired_exit(connection: Connection, exit_event_id: EventId) -> StayRow | None:
    """The stay that only an exit is known of; its id is that exit's."""
    row = await connection.fetchrow(_OF_EXIT, exit_event_id)
    return None if row is None else stay_row(row)


async def decided_exits(
    connection: Connection, exit_event_ids: Collection[EventId]
) -> dict[EventId, datetime]:
    """Exits that a confirmed near miss paired, and when it was confirmed."""
    rows = await connection.fetch(_CLOSED_BY_DECISION, list(exit_event_ids))
    return {row["exit_event_id"]: row["decided_at"] for row in rows}


def stay_row(row: asyncpg.Record) -> StayRow:
    """A stay out of a row with `COLUMNS`."""
    (
        stay_id,
        lot_id,
        plate,
        colour,
        state,
        dissolved,
        entered_at,
        left_at,
        entry_event_id,
        exit_event_id,
        entry_lane_id,
        exit_lane_id,
        trace_id,
        last_seen_at,
        tariff_id,
        tariff_version,
        fee,
        fee_minor,
        currency,
        business_date,
        chargeable_from,
        revision,
        reentry_of,
        drive_through,
        hold,
        *_,
    ) = row
    stay = Stay(
        stay_id=stay_id,
        lot_id=lot_id,
        plate=plate,
        colour=_COLOURS[colour],
        state=_STATES[state],
        last_seen_at=last_seen_at,
        entered_at=entered_at,
        left_at=left_at,
        entry_event_id=entry_event_id,
        exit_event_id=exit_event_id,
        entry_lane_id=entry_lane_id,
        exit_lane_id=exit_lane_id,
        trace_id=trace_id,
        reentry_of=reentry_of,
        drive_through=drive_through,
    )
    return StayRow(
        stay=stay,
        tariff_id=tariff_id,
        dissolved=dissolved,
        tariff_version=tariff_version,
        fee_document=fee,
        fee_minor=fee_minor,
        currency=currency,
        business_date=business_date,
        chargeable_from=chargeable_from,
        revision=revision,
        hold=None if hold is None else StayHold(hold),
    )
