"""The facts in the database: locks, inserts in one statement, and reads for a re-fold."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID
from zlib import crc32

import asyncpg
import msgspec

from parking.core.events import (
    Candidate,
    EventWithdrawn,
    Fact,
    PlateColour,
    PlateCorrected,
    PlateRead,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.db.pool import Connection

LotPlate: TypeAlias = tuple[LotId, Plate]

_LOCK = """
select case when shared then pg_advisory_xact_lock_shared(key)::text
            else pg_advisory_xact_lock(key)::text end
from unnest($1::bigint[], $2::boolean[]) as wanted (key, shared)
"""
_LOT_LOCKS: Final = 1 << 40
_PLATE_LOCKS: Final = 1 << 41

# An id is looked up before it is inserted, under the locks of its plate and lot; two processes
# that record one id for different plates at once meet at the primary key, and one tries again.
_KNOWN = """
select event_id, content_hash from parking.lane_event where event_id = any($1::uuid[])
union all
select amends, null from parking.amendment
where amends = any($1::uuid[]) and lot_id = any($2::text[])
"""
_COLUMNS: Final = (
    "event_id",
    "type",
    "lot_id",
    "lane_id",
    "device_id",
    "occurred_at",
    "recorded_at",
    "plate",
    "colour",
    "confidence",
    "candidates",
    "amends",
    "said_by",
    "reason",
    "trace_id",
    "content_hash",
)
_INSERT_AMENDMENTS = """
insert into parking.amendment (event_id, amends, lot_id, plate)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
"""
_FACT_COLUMNS = """
event_id, type, lot_id, lane_id, device_id, occurred_at, recorded_at, plate, colour, confidence,
candidates, amends, said_by, reason, trace_id
"""
_ABOUT = """
  said as (select event_id from parking.amendment
           where lot_id = $1 and amends in (select event_id from seen)),
  unsaid as (select event_id from parking.amendment
             where lot_id = $1 and amends in (select event_id from said)),
  wanted as (select event_id from seen union select event_id from said
             union select event_id from unsaid)
"""
_OF_PLATE = f"""
with seen as (
    select event_id from parking.lane_event
    where lot_id = $1 and plate = $2 and type in ('vehicle_entered', 'vehicle_exited')
    union select amends from parking.amendment where lot_id = $1 and plate = $2),
{_ABOUT}
select {_FACT_COLUMNS} from parking.lane_event
where lot_id = $1 and event_id in (select event_id from wanted)
"""  # noqa: S608 - put together from the constants above
# A fact may name an event, or a correction of that event: both lead to the event's plates.
_PLATES_ABOUT = f"""
with named as (
    select event_id from unnest($2::uuid[]) as given (event_id)
    union select amends from parking.amendment where lot_id = $1 and event_id = any($2::uuid[])),
  seen as (select event_id from named
           union select amends from parking.amendment
           where lot_id = $1 and event_id in (select event_id from named)),
{_ABOUT}
select distinct plate from parking.lane_event
where lot_id = $1 and event_id in (select event_id from wanted) and plate is not null
"""  # noqa: S608 - put together from the constants above
_ENCODE_CANDIDATES = msgspec.json.Encoder().encode
_CANDIDATES = msgspec.json.Decoder(tuple[Candidate, ...])


def lock_key(space: int, name: str) -> int:
    """An advisory lock's key. Two names with one key only wait for each other now and then."""
    return space | crc32(name.encode())


async def lock(
    connection: Connection,
    *,
    lots_shared: Iterable[LotId] = (),
    lots_alone: Iterable[LotId] = (),
    plates: Iterable[LotPlate] = (),
) -> None:
    """Keep other writers of these plates out until the transaction ends.

    Whoever records plain events shares the lot and locks its plates; whoever amends events takes
    the lot alone, since an amendment may concern any plate. The order is the same for all, lots
    before plates and each by key, so that no two ever wait for each other.
    """
    wanted = {lock_key(_LOT_LOCKS, lot_id): True for lot_id in lots_shared}
    wanted |= {lock_key(_LOT_LOCKS, lot_id): False for lot_id in lots_alone}
    wanted |= {lock_key(_PLATE_LOCKS, f"{lot_id} {plate}"): False for lot_id, plate in plates}
    keys = sorted(wanted)
    await connection.fetch(_LOCK, keys, [wanted[key] for key in keys])


class Known(msgspec.Struct, frozen=True):
    """What is recorded about some events, before they are inserted."""

    hashes: Mapping[EventId, bytes]
    """Fingerprints of those that are there already."""
    amended: Collection[EventId]
    """Those that an earlier fact names."""


async def known(connection: Connection, facts: Sequence[Fact]) -> Known:
    """Look up which of these facts are recorded, and which were amended before they came."""
    rows = await connection.fetch(
        _KNOWN, [fact.event_id for fact in facts], list({fact.lot_id for fact in facts})
    )
    return Known(
        {row[0]: row[1] for row in rows if row[1] is not None},
        {row[0] for row in rows if row[1] is None},
    )


async def insert_facts(
    connection: Connection, facts: Sequence[Fact], hashes: Mapping[EventId, bytes]
) -> None:
    """Insert new facts, by COPY: half the cost of arrays at both ends (docs/performance.md).

    Raises asyncpg.UniqueViolationError when another process has recorded one of them since.
    """
    await connection.copy_records_to_table(
        "lane_event",
        schema_name="parking",
        columns=_COLUMNS,
        records=[_row(fact, hashes[fact.event_id]) for fact in sorted(facts, key=_event_id)],
    )
    amending = [fact for fact in facts if isinstance(fact, PlateCorrected | EventWithdrawn)]
    if amending:
        await connection.execute(
            _INSERT_AMENDMENTS,
            [fact.event_id for fact in amending],
            [amended_by(fact) for fact in amending],
            [fact.lot_id for fact in amending],
            [fact.plate if isinstance(fact, PlateCorrected) else None for fact in amending],
        )


def amended_by(fact: PlateCorrected | EventWithdrawn) -> EventId:
    """Which event a fact is about."""
    return fact.corrects if isinstance(fact, PlateCorrected) else fact.withdraws


async def facts_of_plate(connection: Connection, lot_id: LotId, plate: Plate) -> list[Fact]:
    """What `parking.core.folding.fold` asks for: all that may concern one plate in one lot."""
    return [_fact(row) for row in await connection.fetch(_OF_PLATE, lot_id, plate)]


async def plates_about(
    connection: Connection, lot_id: LotId, event_ids: Collection[EventId]
) -> frozenset[Plate]:
    """Every plate that the events, or what these amend, ever had. Their stays may change."""
    rows = await connection.fetch(_PLATES_ABOUT, lot_id, list(event_ids))
    return frozenset(row["plate"] for row in rows)


def _event_id(fact: Fact) -> UUID:
    return fact.event_id


def _row(fact: Fact, content_hash: bytes) -> tuple[object, ...]:
    if isinstance(fact, VehicleEntered | VehicleExited):
        read = fact.read
        entered = isinstance(fact, VehicleEntered)
        candidates = _ENCODE_CANDIDATES(read.candidates).decode() if read.candidates else None
        return (
            fact.event_id,
            "vehicle_entered" if entered else "vehicle_exited",
            fact.lot_id,
            fact.lane_id,
            fact.device_id,
            fact.occurred_at,
            fact.recorded_at,
            read.plate,
            read.colour.value,
            read.confidence,
            candidates,
            None,
            None,
            None,
            fact.trace_id,
            content_hash,
        )
    corrected = isinstance(fact, PlateCorrected)
    return (
        fact.event_id,
        "plate_corrected" if corrected else "event_withdrawn",
        fact.lot_id,
        None,
        None,
        fact.occurred_at,
        fact.recorded_at,
        fact.plate if isinstance(fact, PlateCorrected) else None,
        fact.colour.value if isinstance(fact, PlateCorrected) else None,
        None,
        None,
        amended_by(fact),
        fact.by,
        fact.reason,
        fact.trace_id,
        content_hash,
    )


def _fact(row: asyncpg.Record) -> Fact:
    common = {
        name: row[name] for name in ("event_id", "lot_id", "occurred_at", "recorded_at", "trace_id")
    }
    kind = row["type"]
    if kind == "event_withdrawn":
        return EventWithdrawn(
            **common, withdraws=row["amends"], by=row["said_by"], reason=row["reason"]
        )
    colour = PlateColour(row["colour"])
    if kind == "plate_corrected":
        return PlateCorrected(
            **common,
            corrects=row["amends"],
            plate=row["plate"],
            colour=colour,
            by=row["said_by"],
            reason=row["reason"],
        )
    read = PlateRead(
        plate=row["plate"],
        colour=colour,
        confidence=row["confidence"],
        candidates=_CANDIDATES.decode(row["candidates"]) if row["candidates"] else (),
    )
    seen = VehicleEntered if kind == "vehicle_entered" else VehicleExited
    return seen(**common, lane_id=row["lane_id"], device_id=row["device_id"], read=read)
