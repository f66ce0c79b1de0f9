"""The facts in the database: locks, what is known of them, inserts in one statement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID
from zlib import crc32

import msgspec

from parking.core.events import (
    Amendment,
    EventWithdrawn,
    Fact,
    LaneEvent,
    PlateCorrected,
    amended_by,
)
from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.core.triggers import REPEATS_WITHIN
from parking.db.binary_rows import table_of
from parking.db.fact_rows import COLUMNS, fact_row
from parking.db.joined_arrays import array_of, joined
from parking.db.partitions import common_partition
from parking.db.pool import Connection

LotPlate: TypeAlias = tuple[LotId, Plate]
WHOLE: Final = "lane_event"
"""The table with all its partitions."""

# One row comes back, not one for each lock; the locks are still taken one by one, in order.
_LOCK = """
select count(case when shared then pg_advisory_xact_lock_shared(key)::text
                  else pg_advisory_xact_lock(key)::text end)
from unnest($1::text::bigint[], $2::text::boolean[]) as wanted (key, shared)
"""
_LOT_LOCKS: Final = 1 << 40
_PLATE_LOCKS: Final = 1 << 41

# An id is looked up before it is inserted, under the locks of its plate and lot; two processes
# that record one id for different plates at once meet at the primary key, and one tries again.
# The texts are taken apart once, and not again for each partition (docs/performance.md).
_KNOWN = f"""
with asked as materialized (
  select {array_of(1, "uuid")} as event_ids, {array_of(2, "text")} as lots,
    {array_of(3, "text")} as plates)
select event_id, content_hash, null as lot_id, null as plate, null::timestamptz as occurred_at
from parking.lane_event where event_id = any((select event_ids from asked)::uuid[])
union all
select amends, null, null, null, null from parking.amendment
where amends = any((select event_ids from asked)::uuid[])
  and lot_id = any((select lots from asked)::text[])
union all
select event_id, null, lot_id, plate, occurred_at from parking.misread
where lot_id = any((select lots from asked)::text[])
  and plate = any((select plates from asked)::text[])
union all
select null, null, null, $4, null where to_regclass('parking.' || $4::text) is not null
"""  # noqa: S608 - put together from our own constants
_INSERT_AMENDMENTS = """
insert into parking.amendment (event_id, amends, lot_id, plate)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
"""
_NOTE_AMENDED = """
with amended as materialized (
  select event_id, lot_id, plate, occurred_at from parking.lane_event
  where event_id = any($1::uuid[]) and type in ('vehicle_entered', 'vehicle_exited')
), noted as (
  insert into parking.misread (event_id, lot_id, plate, occurred_at)
  select event_id, lot_id, plate, occurred_at from amended where plate is not null
  on conflict do nothing
)
insert into parking.corrected (event_id, plate, lot_id, occurred_at)
select e.event_id, a.plate, e.lot_id, e.occurred_at
from amended e join parking.amendment a on a.amends = e.event_id and a.lot_id = e.lot_id
where a.plate is not null
on conflict do nothing
"""


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
    keys, shared = _locks(lots_shared, lots_alone, plates)
    await connection.fetchval(_LOCK, keys, shared)


def locking(
    *,
    lots_shared: Iterable[LotId] = (),
    lots_alone: Iterable[LotId] = (),
    plates: Iterable[LotPlate] = (),
) -> str:
    """What `lock` does as one statement without parameters, to begin a transaction with."""
    keys, shared = _locks(lots_shared, lots_alone, plates)
    return _LOCK.replace("$1", f"'{keys}'").replace("$2", f"'{shared}'")


def _locks(
    lots_shared: Iterable[LotId], lots_alone: Iterable[LotId], plates: Iterable[LotPlate]
) -> tuple[str, str]:
    """The keys to lock, in order, and which of them are shared: digits and letters of ours."""
    wanted = {lock_key(_LOT_LOCKS, lot_id): True for lot_id in lots_shared}
    wanted |= {lock_key(_LOT_LOCKS, lot_id): False for lot_id in lots_alone}
    wanted |= {lock_key(_PLATE_LOCKS, f"{lot_id} {plate}"): False for lot_id, plate in plates}
    keys = sorted(wanted)
    shared = ["t" if wanted[key] else "f" for key in keys]
    return f"{{{','.join(map(str, keys))}}}", f"{{{','.join(shared)}}}"


class Misread(msgspec.Struct, frozen=True):
    """A lane event about which something was said that holds for its repeated triggers."""

    event_id: EventId
    occurred_at: datetime


class Known(msgspec.Struct, frozen=True):
    """What is recorded about some events, before they are inserted."""

    hashes: Mapping[EventId, bytes]
    """Fingerprints of those that are there already."""
    amended: Collection[EventId]
    """Those that an earlier fact names."""
    misread: Mapping[LotPlate, Sequence[Misread]]
    """Of the plates that they were read as: rare, and mostly of another day."""
    table: str
    """Where all of them belong: the partition of their month, or the whole."""

    def repeated_by(self, event: LaneEvent) -> list[EventId]:
        """Those misread events whose repeated trigger a new event may be."""
        if not self.misread or event.read.plate is None:
            return []
        return [
            each.event_id
            for each in self.misread.get((event.lot_id, event.read.plate), ())
            if abs(each.occurred_at - event.occurred_at) <= REPEATS_WITHIN
        ]


async def known(
    connection: Connection,
    event_ids: Collection[EventId],
    *,
    lots: Iterable[LotId],
    plates: Iterable[LotPlate],
) -> Known:
    """Look up which of these facts are recorded, and which were spoken of before they came.

    `lots` and `plates` are all that the facts are of, and were read as.
    """
    rows = await connection.fetch(
        _KNOWN,
        joined(event_ids),
        joined(lots),
        joined({plate for _, plate in plates}),
        common_partition(min(event_ids), max(event_ids)),
    )
    table = WHOLE
    hashes: dict[EventId, bytes] = {}
    amended: set[EventId] = set()
    misread: dict[LotPlate, list[Misread]] = {}
    for event_id, content_hash, lot_id, plate, occurred_at in rows:
        if content_hash is not None:
            hashes[event_id] = content_hash
        elif event_id is None:
            table = plate
        elif plate is None:
            amended.add(event_id)
        else:
            misread.setdefault((lot_id, plate), []).append(Misread(event_id, occurred_at))
    return Known(hashes, amended, misread, table)


async def insert_facts(
    connection: Connection,
    facts: Sequence[Fact],
    hashes: Mapping[EventId, bytes],
    *,
    table: str = WHOLE,
) -> None:
    """Insert new facts, by COPY: half the cost of arrays at both ends (docs/performance.md).

    `table` is where all of them belong, as `known` says.

    Raises asyncpg.UniqueViolationError when another process has recorded one of them since.
    """
    rows = [fact_row(fact, hashes[fact.event_id]) for fact in sorted(facts, key=_event_id)]
    await connection.copy_to_table(
        table,
        schema_name="parking",
        columns=COLUMNS,
        source=table_of(rows, len(COLUMNS)),
        format="binary",
    )
    amending = [fact for fact in facts if isinstance(fact, Amendment)]
    if amending:
        await connection.execute(
            _INSERT_AMENDMENTS,
            [fact.event_id for fact in amending],
            [amended_by(fact) for fact in amending],
            [fact.lot_id for fact in amending],
            [fact.plate if isinstance(fact, PlateCorrected) else None for fact in amending],
        )
        await note_amended(
            connection,
            [amended_by(fact) for fact in amending if not isinstance(fact, EventWithdrawn)],
        )


async def note_amended(connection: Connection, event_ids: Collection[EventId]) -> None:
    """Remember lane events about which something was said, where they are known already.

    What they were read as, for their repeated triggers' sake, and what they were corrected to.
    """
    await connection.execute(_NOTE_AMENDED, list(event_ids))


def _event_id(fact: Fact) -> UUID:
    return fact.event_id
