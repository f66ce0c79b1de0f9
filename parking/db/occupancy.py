"""Recounts, habits and the sums over stays that occupancy is worked out from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from parking.core.events import PlateColour
from parking.core.ids import LotId, OperatorId
from parking.core.occupancy import (
    COHORT,
    Habit,
    Recount,
    Traffic,
    class_of,
    cohorts_of,
)
from parking.core.place import Lot
from parking.core.plate import Plate
from parking.core.vehicle import VehicleKind
from parking.db.places import lot_of
from parking.db.pool import Connection

SAMPLE: Final = 1_000
"""How many of its latest closed stays a lot's habit is learned from."""

_LOTS: Final = """
select * from parking.lot
where lot_id > $1 and ($2::text is null or operator_id = $2)
  and ($3::text is null or lot_id = $3)
order by lot_id limit $4
"""
_RECOUNT_COLUMNS: Final = """
recount_id, lot_id, counted_at, recorded_at, cars, by_class::text as by_class, said_by, reason
"""
_NEWEST_RECOUNTS: Final = f"""
select newest.* from unnest($1::text[]) as asked (lot_id)
cross join lateral (
  select {_RECOUNT_COLUMNS} from parking.recount r
  where r.lot_id = asked.lot_id and r.counted_at <= $2
  order by r.counted_at desc, r.recount_id desc limit 1) newest
"""  # noqa: S608 - our own column list
_RECOUNTS: Final = f"""
select {_RECOUNT_COLUMNS} from parking.recount
where lot_id = $1 order by counted_at desc, recount_id desc limit $2
"""  # noqa: S608 - our own column list
_RECOUNT: Final = f"""
select {_RECOUNT_COLUMNS} from parking.recount where recount_id = $1
"""  # noqa: S608 - our own column list
_INSERT_RECOUNT: Final = """
insert into parking.recount
  (recount_id, lot_id, counted_at, recorded_at, cars, by_class, said_by, reason)
values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8) on conflict (recount_id) do nothing
returning true
"""
# Plates of one group are of one class: it holds all that `class_of` looks at.
_CLASS: Final = """
s.colour, char_length(s.plate), octet_length(left(s.plate, 1)),
case when right(s.plate, 1) in ('D', 'F', '学', '挂') then right(s.plate, 1) end
"""
# Summed up lot by lot, so that each lot costs its own open stays, whatever else there is.
_OPEN: Final = f"""
select c.lot_id, inside.* from unnest($1::text[], $2::timestamptz[]) as c (lot_id, counted_at)
cross join lateral (
  select s.colour, min(s.plate) as plate, count(*) as cars,
    coalesce(s.entered_at <= c.counted_at, false) as stood,
    date_bin($3::interval, s.entered_at, '2000-01-01T00:00:00Z') as since
  from parking.stay s
  where s.lot_id = c.lot_id and s.state = 'open' and not s.dissolved
  group by {_CLASS}, stood, since) inside
"""  # noqa: S608 - our own column list
_LEFT: Final = f"""
select c.lot_id, gone.* from unnest($1::text[], $2::timestamptz[]) as c (lot_id, counted_at)
cross join lateral (
  select s.colour, min(s.plate) as plate, count(*) as cars
  from parking.stay s
  where s.lot_id = c.lot_id and s.left_at > c.counted_at and not s.dissolved
    and s.left_at is not null and (s.entered_at is null or s.entered_at <= c.counted_at)
  group by {_CLASS}) gone
"""  # noqa: S608 - our own column list
_HABITS: Final = """
select lot_id, lasting_seconds, missed_share from parking.lot_habit where lot_id = any($1::text[])
"""
_LEAST_KNOWN: Final = """
select l.lot_id from parking.lot l left join parking.lot_habit h using (lot_id)
where h.learned_at is null or h.learned_at <= $1
order by h.learned_at nulls first, l.lot_id limit $2
"""
_SAMPLE: Final = """
select asked.lot_id, sample.lasting, sample.since, (
    select count(*) from parking.stay s
    where s.lot_id = asked.lot_id and s.state = 'missed_exit' and not s.dissolved
      and s.entered_at >= sample.since) as missed
from unnest($1::text[]) as asked (lot_id)
cross join lateral (
  select coalesce(array_agg(extract(epoch from left_at - entered_at)::bigint), '{}') as lasting,
    min(entered_at) as since
  from (select s.entered_at, s.left_at from parking.stay s
        where s.lot_id = asked.lot_id and s.left_at is not null and not s.dissolved
          and s.entered_at is not null
        order by s.left_at desc limit $2) latest) sample
"""
_PUT_HABIT: Final = """
insert into parking.lot_habit (lot_id, lasting_seconds, missed_share, stays, learned_at)
values ($1, $2, $3, $4, $5)
on conflict (lot_id) do update
set lasting_seconds = $2, missed_share = $3, stays = $4, learned_at = $5
"""
_BY_CLASS = msgspec.json.Decoder(dict[VehicleKind, int])


class HabitSample(msgspec.Struct, frozen=True, kw_only=True):
    """What a lot's habit is learned from."""

    lot_id: LotId
    lasting: tuple[timedelta, ...]
    """Of its latest closed stays."""
    missed: int
    """Exits missed in the same time."""


async def lots_after(
    connection: Connection,
    after: str,
    *,
    limit: int,
    operator_id: OperatorId | None = None,
    lot_id: LotId | None = None,
) -> list[Lot]:
    """The next lots in the order of their ids: all, an operator's, or one."""
    return [lot_of(row) for row in await connection.fetch(_LOTS, after, operator_id, lot_id, limit)]


async def insert_recount(connection: Connection, recount: Recount) -> bool:
    """Append a recount; False when there is one of this id already."""
    by_class = recount.by_class
    inserted = await connection.fetchval(
        _INSERT_RECOUNT,
        recount.recount_id,
        recount.lot_id,
        recount.counted_at,
        recount.recorded_at,
        recount.cars,
        None if by_class is None else msgspec.json.encode(by_class).decode(),
        recount.by,
        recount.reason,
    )
    return bool(inserted)


async def recount(connection: Connection, recount_id: UUID) -> Recount | None:
    """One recount."""
    row = await connection.fetchrow(_RECOUNT, recount_id)
    return None if row is None else _recount_of(row)


async def recounts(connection: Connection, lot_id: LotId, *, limit: int) -> list[Recount]:
    """A lot's recounts, the newest first."""
    return [_recount_of(row) for row in await connection.fetch(_RECOUNTS, lot_id, limit)]


async def newest_recounts(
    connection: Connection, lot_ids: Sequence[LotId], *, now: datetime
) -> dict[LotId, Recount]:
    """The recount of each lot that counts by now, where there is one."""
    rows = await connection.fetch(_NEWEST_RECOUNTS, lot_ids, now)
    return {row["lot_id"]: _recount_of(row) for row in rows}


async def habits(connection: Connection, lot_ids: Sequence[LotId]) -> dict[LotId, Habit]:
    """What was learned of these lots."""
    return {
        row["lot_id"]: Habit(
            lasting_seconds=tuple(row["lasting_seconds"]), missed_share=row["missed_share"]
        )
        for row in await connection.fetch(_HABITS, lot_ids)
    }


async def traffic(
    connection: Connection, lot_ids: Sequence[LotId], recounted: Mapping[LotId, Recount]
) -> dict[LotId, Traffic]:
    """What `traffic_of` answers of all stays of each lot, summed up by the database.

    Reads the open stays, and of the others those that ended since the recount: not the history.
    """
    since = [each.counted_at if (each := recounted.get(lot)) else None for lot in lot_ids]
    came: dict[LotId, Counter[tuple[VehicleKind, datetime]]] = {each: Counter() for each in lot_ids}
    stood: dict[LotId, Counter[VehicleKind]] = {lot_id: Counter() for lot_id in lot_ids}
    left: dict[LotId, Counter[VehicleKind]] = {lot_id: Counter() for lot_id in lot_ids}
    for row in await connection.fetch(_OPEN, lot_ids, since, COHORT):
        if row["stood"]:
            stood[row["lot_id"]][_kind(row)] += row["cars"]
        else:
            came[row["lot_id"]][_kind(row), row["since"]] += row["cars"]
    if recounted:
        for row in await connection.fetch(_LEFT, lot_ids, since):
            left[row["lot_id"]][_kind(row)] += row["cars"]
    return {
        lot_id: Traffic(came=cohorts_of(came[lot_id]), stood=stood[lot_id], left=left[lot_id])
        for lot_id in lot_ids
    }


async def least_known(connection: Connection, *, learned_by: datetime, limit: int) -> list[LotId]:
    """Lots whose habit was never learned, or not since `learned_by`; the oldest first."""
    return [row["lot_id"] for row in await connection.fetch(_LEAST_KNOWN, learned_by, limit)]


async def samples(connection: Connection, lot_ids: Sequence[LotId]) -> list[HabitSample]:
    """The latest closed stays of each lot, and how many exits were missed beside them."""
    return [
        HabitSample(
            lot_id=row["lot_id"],
            lasting=tuple(timedelta(seconds=each) for each in row["lasting"]),
            missed=row["missed"],
        )
        for row in await connection.fetch(_SAMPLE, lot_ids, SAMPLE)
    ]


async def put_habits(
    connection: Connection, learned: Sequence[tuple[HabitSample, Habit]], *, now: datetime
) -> None:
    """Store what was learned."""
    await connection.executemany(
        _PUT_HABIT,
        [
            (
                sample.lot_id,
                list(habit.lasting_seconds),
                habit.missed_share,
                len(sample.lasting),
                now,
            )
            for sample, habit in learned
        ],
    )


def _kind(row: asyncpg.Record) -> VehicleKind:
    return class_of(Plate(row["plate"]), PlateColour(row["colour"]))


def _recount_of(row: asyncpg.Record) -> Recount:
    return Recount(
        recount_id=row["recount_id"],
        lot_id=row["lot_id"],
        counted_at=row["counted_at"],
        recorded_at=row["recorded_at"],
        cars=row["cars"],
        by_class=None if row["by_class"] is None else _BY_CLASS.decode(row["by_class"]),
        by=row["said_by"],
        reason=row["reason"],
    )
