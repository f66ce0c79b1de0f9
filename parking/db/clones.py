"""Suspected clones in the database: what was newly read, the stays of a plate everywhere, verdicts.

`clone_suspicion` and `clone_decision` are appended to, never changed: what holds now follows from
the last decision on each suspicion.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from parking.core.cloning import (
    CloneDecision,
    Conflict,
    ConflictKind,
    StayHold,
    Verdict,
    latest_decision,
)
from parking.core.ids import EventId, LotId, OperatorId, StayId
from parking.core.place import Lot
from parking.core.plate import Plate
from parking.db.places import lot_of
from parking.db.pool import Connection
from parking.db.stays import COLUMNS, StayRow, stay_row

_POSITION: Final = "select position from parking.watch where name = 'clones'"
_MOVE: Final = """
insert into parking.watch (name, position) values ('clones', $1)
on conflict (name) do update set position = greatest(parking.watch.position, $1)
"""
# Facts are appended in the order of `recorded_at`, so its BRIN leads to the newest blocks alone.
_NEWS: Final = """
select e.event_id, e.lot_id, e.recorded_at, e.plate, e.occurred_at, named.plate as plate_before
from parking.lane_event e left join parking.lane_event named on named.event_id = e.amends
where e.recorded_at between $1 and $3 and (e.recorded_at, e.event_id) > ($1, $2)
  and (e.plate is not null or e.amends is not null)
order by e.recorded_at, e.event_id limit $4
"""
# Each stay that was written since, beside the stays of its plate elsewhere whose reads are near
# enough in time to contradict it. The index on (plate, lot_id, last_seen_at) serves both ways.
_NEAR: Final = """
select distinct least(c.stay_id, o.stay_id) as one, greatest(c.stay_id, o.stay_id) as other
from (select distinct lot_id, plate from unnest($1::text[], $2::text[]) as g (lot_id, plate)) given
join parking.stay c on c.plate = given.plate and c.lot_id = given.lot_id
  and c.last_seen_at >= $3 and c.updated_at >= $4 and not c.dissolved
join parking.stay o on o.plate = c.plate and o.lot_id <> c.lot_id and not o.dissolved
  and o.last_seen_at >= coalesce(c.entered_at, c.left_at) - $5::interval
  and coalesce(o.entered_at, o.left_at) <= c.last_seen_at + $5::interval
"""
_SPREAD: Final = """
select max(latitude) - min(latitude) + max(longitude) - min(longitude) as degrees from parking.lot
"""
_BY_IDS: Final = f"select {COLUMNS} from parking.stay where stay_id = any($1::uuid[])"  # noqa: S608
_CONFIDENCES: Final = """
select event_id, confidence from parking.lane_event
where event_id = any($1::uuid[]) and confidence is not null
"""
_LOTS: Final = "select * from parking.lot where lot_id = any($1::text[])"
_INSERT: Final = """
insert into parking.clone_suspicion
  (suspicion_id, plate, kind, first_stay_id, second_stay_id, evidence, raised_at)
values ($1, $2, $3, $4, $5, $6::text::json, $7)
"""
_DECIDE: Final = """
insert into parking.clone_decision
  (decision_id, suspicion_id, verdict, own_stay_ids, decided_by, reason, decided_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_SUSPICIONS: Final = """
select s.suspicion_id, s.plate, s.kind, s.first_stay_id, s.second_stay_id,
  s.evidence::text as evidence, s.raised_at,
  coalesce((select json_agg(json_build_object(
      'decision_id', d.decision_id, 'suspicion_id', d.suspicion_id, 'verdict', d.verdict,
      'own_stay_ids', d.own_stay_ids, 'by', d.decided_by, 'reason', d.reason,
      'decided_at', d.decided_at) order by d.decided_at, d.decision_id)
    from parking.clone_decision d where d.suspicion_id = s.suspicion_id), '[]')::text as decisions
from parking.clone_suspicion s
"""
_ONE: Final = f"{_SUSPICIONS} where s.suspicion_id = $1"
_ABOUT_PLATES: Final = f"{_SUSPICIONS} where s.plate = any($1::text[])"
_ABOUT_STAYS: Final = f"""
{_SUSPICIONS} where s.first_stay_id = any($1::uuid[])
union all
{_SUSPICIONS} where s.second_stay_id = any($1::uuid[]) and s.first_stay_id <> all($1::uuid[])
"""
_LATEST: Final = f"""
{_SUSPICIONS}
join parking.stay one on one.stay_id = s.first_stay_id
join parking.stay other on other.stay_id = s.second_stay_id
where ($1::text is null or exists (
    select from parking.lot l
    where l.lot_id in (one.lot_id, other.lot_id) and l.operator_id = $1))
  and ($2::boolean is null or $2 = not exists (
    select from parking.clone_decision d where d.suspicion_id = s.suspicion_id))
  and ($3::text[] is null or s.plate = any($3))
  and ($4::uuid is null or s.suspicion_id < $4)
order by s.suspicion_id desc limit $5
"""  # noqa: S608 - put together from the constants above
_OPERATORS: Final = """
select distinct l.operator_id from parking.stay s join parking.lot l using (lot_id)
where s.stay_id = any($1::uuid[])
"""
_HOLD: Final = """
update parking.stay s set hold = n.hold
from unnest($1::uuid[], $2::text[]) as n (stay_id, hold) where s.stay_id = n.stay_id
"""
_DECISIONS = msgspec.json.Decoder(tuple[CloneDecision, ...])
_EVIDENCE = msgspec.json.Decoder(Conflict)


class News(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that was recorded since, and whom it may concern."""

    event_id: EventId
    lot_id: LotId
    recorded_at: datetime
    occurred_at: datetime
    plates: tuple[Plate, ...]


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """Two stays of one plate that cannot be one car's, with all that was decided about them."""

    suspicion_id: UUID
    plate: Plate
    kind: ConflictKind
    stay_ids: tuple[StayId, StayId]
    evidence: Conflict
    raised_at: datetime
    decisions: tuple[CloneDecision, ...] = ()

    @property
    def standing(self) -> bool:
        """Say whether the stays are still thought to contradict each other."""
        last = latest_decision(self.decisions)
        return last is None or last.verdict is not Verdict.LIFTED


async def position(connection: Connection) -> datetime | None:
    """Up to which instant of recording all facts were looked at."""
    found: datetime | None = await connection.fetchval(_POSITION)
    return found


async def move(connection: Connection, to: datetime) -> None:
    """Note that all facts recorded by then were looked at."""
    await connection.execute(_MOVE, to)


async def news(
    connection: Connection, after: tuple[datetime, UUID], until: datetime, *, limit: int
) -> list[News]:
    """What was recorded after a fact (its instant and id) and by an instant, in order."""
    return [
        News(
            event_id=row["event_id"],
            lot_id=row["lot_id"],
            recorded_at=row["recorded_at"],
            occurred_at=row["occurred_at"],
            plates=tuple(
                plate for plate in (row["plate"], row["plate_before"]) if plate is not None
            ),
        )
        for row in await connection.fetch(_NEWS, *after, until, limit)
    ]


async def near_pairs(
    connection: Connection,
    read: Collection[tuple[LotId, Plate]],
    *,
    since: datetime,
    written_since: datetime,
    within: timedelta,
) -> set[tuple[StayId, StayId]]:
    """Pairs of stays of one plate in two lots, one of them just written, with reads near in time.

    `read` are the plates that were read, and where. `since` bounds how old a stay may be that was
    written, `within` how far apart the reads of the two may be where the stays do not overlap.
    """
    lot_ids, plates = zip(*read, strict=True)
    rows = await connection.fetch(_NEAR, list(lot_ids), list(plates), since, written_since, within)
    return {(row["one"], row["other"]) for row in rows}


async def spread_degrees(connection: Connection) -> float:
    """How far the lots that have a position lie apart: degrees of latitude and longitude added."""
    found: float | None = await connection.fetchval(_SPREAD)
    return found or 0.0


async def by_ids(connection: Connection, stay_ids: Collection[StayId]) -> dict[StayId, StayRow]:
    """Stays by their ids, dissolved ones too."""
    rows = await connection.fetch(_BY_IDS, list(stay_ids))
    return {row["stay_id"]: stay_row(row) for row in rows}


async def confidences(
    connection: Connection, event_ids: Collection[EventId]
) -> dict[EventId, float]:
    """How sure the cameras were."""
    rows = await connection.fetch(_CONFIDENCES, list(event_ids))
    return {row["event_id"]: row["confidence"] for row in rows}


async def lots(connection: Connection, lot_ids: Collection[LotId]) -> dict[LotId, Lot]:
    """Lots by their ids."""
    return {
        row["lot_id"]: lot_of(row) for row in await connection.fetch(_LOTS, sorted(set(lot_ids)))
    }


async def insert(connection: Connection, suspicion: Suspicion) -> None:
    """Append a suspicion."""
    await connection.execute(
        _INSERT,
        suspicion.suspicion_id,
        suspicion.plate,
        suspicion.kind.value,
        *suspicion.stay_ids,
        msgspec.json.encode(suspicion.evidence).decode(),
        suspicion.raised_at,
    )


async def decide(connection: Connection, decision: CloneDecision) -> None:
    """Append a decision."""
    await connection.execute(
        _DECIDE,
        decision.decision_id,
        decision.suspicion_id,
        decision.verdict.value,
        list(decision.own_stay_ids),
        decision.by,
        decision.reason,
        decision.decided_at,
    )


async def suspicion(connection: Connection, suspicion_id: UUID) -> Suspicion | None:
    """One suspicion."""
    row = await connection.fetchrow(_ONE, suspicion_id)
    return None if row is None else _suspicion_of(row)


async def about_plates(connection: Connection, plates: Collection[Plate]) -> list[Suspicion]:
    """All suspicions about some plates, settled ones too."""
    return [_suspicion_of(row) for row in await connection.fetch(_ABOUT_PLATES, list(plates))]


async def about_stays(connection: Connection, stay_ids: Collection[StayId]) -> list[Suspicion]:
    """All suspicions about some stays, settled ones too."""
    return [_suspicion_of(row) for row in await connection.fetch(_ABOUT_STAYS, list(stay_ids))]


async def latest(
    connection: Connection,
    *,
    operator_id: OperatorId | None = None,
    pending: bool | None = None,
    plates: Sequence[Plate] | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Suspicion]:
    """The newest suspicions that fit, newest first; `before` is the last one of the page before."""
    rows = await connection.fetch(_LATEST, operator_id, pending, plates, before, limit)
    return [_suspicion_of(row) for row in rows]


async def operators_of(connection: Connection, stay_ids: Iterable[StayId]) -> set[OperatorId]:
    """In whose lots these stays are."""
    return {row["operator_id"] for row in await connection.fetch(_OPERATORS, list(stay_ids))}


async def hold(connection: Connection, holds: Mapping[StayId, StayHold | None]) -> None:
    """Note for stays why they are charged to nobody, or that they may be charged again."""
    await connection.execute(
        _HOLD, list(holds), [None if each is None else each.value for each in holds.values()]
    )


def _suspicion_of(row: asyncpg.Record) -> Suspicion:
    return Suspicion(
        suspicion_id=row["suspicion_id"],
        plate=row["plate"],
        kind=ConflictKind(row["kind"]),
        stay_ids=(row["first_stay_id"], row["second_stay_id"]),
        evidence=_EVIDENCE.decode(row["evidence"]),
        raised_at=row["raised_at"],
        decisions=_DECISIONS.decode(row["decisions"]),
    )
