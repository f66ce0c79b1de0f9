"""Fee facts in the database, and the closed stays beside which a stay is priced."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from parking.core.events import PlateColour
from parking.core.fee_facts import FeeFact, FeeFactId
from parking.core.ids import LotId, StayId
from parking.core.plate import Plate
from parking.core.stay_fee import KnownStay
from parking.db.lane_events import LotPlate
from parking.db.pool import Connection

_INSERT = """
insert into parking.fee_fact (fact_id, type, lot_id, plate, stay_id, recorded_at, document)
values ($1, $2, $3, $4, $5, $6, $7::jsonb) on conflict do nothing returning fact_id
"""
# What is said of a stay follows it to the plate that it has by now.
_ABOUT = """
select f.lot_id, f.document::text as document
from unnest($1::text[], $2::text[]) as asked (lot_id, plate)
join parking.fee_fact f on f.lot_id = asked.lot_id and f.plate = asked.plate
union
select f.lot_id, f.document::text
from unnest($1::text[], $2::text[], $4::timestamptz[]) as asked (lot_id, plate, since)
join parking.stay s on s.lot_id = asked.lot_id and s.plate = asked.plate
  and s.last_seen_at >= asked.since
join parking.fee_fact f on f.stay_id = s.stay_id
union
select f.lot_id, f.document::text from parking.fee_fact f where f.stay_id = any($3::uuid[])
"""
_CLOSED = """
select s.stay_id, s.lot_id, s.plate, s.colour, s.tariff_id, s.entered_at, s.left_at,
  s.drive_through
from unnest($1::text[], $2::text[], $3::timestamptz[]) as asked (lot_id, plate, since)
join parking.stay s on s.lot_id = asked.lot_id and s.plate = asked.plate
  and s.last_seen_at >= asked.since
where s.state = 'closed' and not s.dissolved
"""
_LIST = """
select document::text as document from parking.fee_fact
where lot_id = $1 and ($2::text is null or plate = $2) and ($3::uuid is null or stay_id = $3)
order by recorded_at desc, fact_id limit $4
"""
_ENCODE: Final = msgspec.json.Encoder().encode
_DECODER: Final = msgspec.json.Decoder(FeeFact)


async def insert(connection: Connection, fact: FeeFact) -> bool:
    """Record a fact; False when there is one of this id already."""
    stored = await connection.fetchval(
        _INSERT,
        fact.fact_id,
        fact.__struct_config__.tag,
        fact.lot_id,
        fact.plate,
        fact.stay_id,
        fact.recorded_at,
        _ENCODE(fact).decode(),
    )
    return stored is not None


async def get(connection: Connection, fact_id: FeeFactId) -> FeeFact | None:
    """One fact by its id."""
    document = await connection.fetchval(
        "select document::text from parking.fee_fact where fact_id = $1", fact_id
    )
    return None if document is None else _DECODER.decode(document)


async def of_lot(
    connection: Connection,
    lot_id: LotId,
    *,
    plate: Plate | None = None,
    stay_id: StayId | None = None,
    limit: int,
) -> list[FeeFact]:
    """The newest facts of a lot that fit, newest first."""
    rows = await connection.fetch(_LIST, lot_id, plate, stay_id, limit)
    return [_DECODER.decode(row["document"]) for row in rows]


async def about(
    connection: Connection,
    pairs: Sequence[LotPlate],
    since: Sequence[datetime],
    stay_ids: Collection[StayId],
) -> dict[LotId, list[FeeFact]]:
    """All facts about some plates, each with its stays since an instant, and about some stays."""
    lots, plates = [lot_id for lot_id, _ in pairs], [plate for _, plate in pairs]
    found: dict[LotId, list[FeeFact]] = {}
    for row in await connection.fetch(_ABOUT, lots, plates, list(stay_ids), list(since)):
        found.setdefault(row["lot_id"], []).append(_DECODER.decode(row["document"]))
    return found


async def closed_stays(
    connection: Connection, pairs: Sequence[LotPlate], since: Sequence[datetime]
) -> dict[LotPlate, list[KnownStay]]:
    """The closed stays of some plates that were seen since an instant, each plate its own."""
    lots, plates = [lot_id for lot_id, _ in pairs], [plate for _, plate in pairs]
    found: dict[LotPlate, list[KnownStay]] = {}
    for row in await connection.fetch(_CLOSED, lots, plates, list(since)):
        found.setdefault((row["lot_id"], row["plate"]), []).append(
            KnownStay(
                stay_id=row["stay_id"],
                plate=row["plate"],
                colour=PlateColour(row["colour"]),
                tariff_id=row["tariff_id"],
                entered_at=row["entered_at"],
                left_at=row["left_at"],
                drive_through=row["drive_through"],
            )
        )
    return found
