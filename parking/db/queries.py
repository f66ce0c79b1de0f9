"""Reads for the API and for pages: lots with occupancy, stays, reviews."""

from datetime import date, datetime
from typing import Final

import asyncpg
import msgspec

from parking.core.cloning import StayHold
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.ids import EventId, LaneId, LotId, OperatorId, StayId, TariffId
from parking.core.place import Lot
from parking.core.plate import Plate
from parking.core.stay import StayState
from parking.db.places import lot_of
from parking.db.pool import Connection
from parking.db.reviews import Review, ReviewKind, ReviewState, review_of

LIMIT_MAX: Final = 500

_LOTS = """
select l.*, (select count(*) from parking.stay s
             where s.lot_id = l.lot_id and s.state = 'open' and not s.dissolved) as occupied
from parking.lot l
where ($1::text is null or l.lot_id = $1) and ($2::text is null or l.operator_id = $2)
order by l.lot_id
"""
_STAYS = """
select s.*, s.fee::text as fee_text, l.operator_id, exists (
    select from parking.review r where r.state = 'pending' and r.kind = 'near_miss'
      and (r.entry_event_id = s.entry_event_id or r.exit_event_id = s.exit_event_id)) as tentative
from parking.stay s join parking.lot l using (lot_id)
"""
_ONE_STAY = f"{_STAYS} where s.stay_id = $1"
# Stay ids are UUIDv7: newest first is the primary key backwards.
_LATEST_STAYS = f"""
{_STAYS}
where not s.dissolved and ($1::text is null or s.lot_id = $1)
  and ($2::text is null or s.plate = $2) and ($3::text is null or s.state = $3)
  and ($4::text is null or l.operator_id = $4)
order by s.stay_id desc limit $5
"""
_REVIEWS = """
select r.* from parking.review r join parking.lot l using (lot_id)
where ($1::text is null or r.state = $1) and ($2::text is null or l.operator_id = $2)
  and ($3::text is null or r.lot_id = $3) and ($4::text is null or r.kind = $4)
order by r.created_at desc, r.review_id limit $5
"""
_FEE: Final = msgspec.json.Decoder(Fee)


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """A lot and how full it is."""

    lot: Lot
    occupied: int
    """Cars inside."""


class StayView(msgspec.Struct, frozen=True, kw_only=True):
    """A stay as people see it."""

    stay_id: StayId
    lot_id: LotId
    operator_id: OperatorId
    plate: Plate
    colour: PlateColour
    state: StayState
    tentative: bool
    """One end of a near miss that no one has decided yet."""
    entered_at: datetime | None
    left_at: datetime | None
    entry_event_id: EventId | None
    exit_event_id: EventId | None
    entry_lane_id: LaneId | None
    exit_lane_id: LaneId | None
    """None for a closed stay: a person told when it left."""
    reentry_of: StayId | None
    """The stay that the same car had left shortly before."""
    drive_through: bool
    tariff_id: TariffId
    fee: Fee | None
    business_date: date | None
    chargeable_from: datetime | None
    dissolved: bool
    hold: StayHold | None
    """Why nobody is charged for it, if so."""
    revision: int
    trace_id: str
    updated_at: datetime


async def lots(
    connection: Connection, *, lot_id: LotId | None = None, operator_id: OperatorId | None = None
) -> list[LotView]:
    """Lots with their occupancy, all or of one operator, in order of their ids."""
    rows = await connection.fetch(_LOTS, lot_id, operator_id)
    return [LotView(lot=lot_of(row), occupied=row["occupied"]) for row in rows]


async def stay(connection: Connection, stay_id: StayId) -> StayView | None:
    """One stay, dissolved or not."""
    row = await connection.fetchrow(_ONE_STAY, stay_id)
    return None if row is None else _view(row)


async def latest_stays(
    connection: Connection,
    *,
    lot_id: LotId | None = None,
    plate: Plate | None = None,
    state: StayState | None = None,
    operator_id: OperatorId | None = None,
    limit: int = 50,
) -> list[StayView]:
    """The newest stays that fit, newest first."""
    rows = await connection.fetch(
        _LATEST_STAYS,
        lot_id,
        plate,
        None if state is None else state.value,
        operator_id,
        min(limit, LIMIT_MAX),
    )
    return [_view(row) for row in rows]


async def list_reviews(
    connection: Connection,
    *,
    state: ReviewState | None = None,
    kind: ReviewKind | None = None,
    lot_id: LotId | None = None,
    operator_id: OperatorId | None = None,
    limit: int = 100,
) -> list[Review]:
    """Reviews that fit, newest first."""
    rows = await connection.fetch(
        _REVIEWS,
        None if state is None else state.value,
        operator_id,
        lot_id,
        None if kind is None else kind.value,
        min(limit, LIMIT_MAX),
    )
    return [review_of(row) for row in rows]


def _view(row: asyncpg.Record) -> StayView:
    values = {name: row[name] for name in StayView.__struct_fields__ if name != "fee"}
    values["state"] = StayState(values["state"])
    values["colour"] = PlateColour(values["colour"])
    values["hold"] = None if values["hold"] is None else StayHold(values["hold"])
    fee = row["fee_text"]
    return StayView(**values, fee=None if fee is None else _FEE.decode(fee))
