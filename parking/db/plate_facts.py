"""The facts that bear on one plate in one lot, and the plates on which a fact bears.

What a re-fold reads. All of it is found by plate and time, so that a plate's earlier stays cost
nothing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from parking.core.durations import EVER
from parking.core.events import Fact
from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.core.triggers import REPEATS_WITHIN
from parking.db.fact_rows import FACT_COLUMNS, fact_of
from parking.db.pool import Connection

_SEEN: Final = "type in ('vehicle_entered', 'vehicle_exited')"
# Two triggers may follow one between them, so they are at most twice REPEATS_WITHIN apart.
_NEAR: Final = (
    "occurred_at between {0}.occurred_at - interval '2 hours'"
    " and {0}.occurred_at + interval '2 hours'"
)
# Rows are asked for one by one, by keys (`offset 0` keeps a lateral query whole, and so do arrays):
# with statistics of yesterday the planner believes today's part of a lot to be small, and reads it
# all. A plate's facts must not cost what its lot has.
_ABOUT: Final = """
  said as materialized (
    select event_id from parking.amendment
    where lot_id = $1 and amends = any((select array_agg(event_id) from seen)::uuid[])),
  unsaid as materialized (
    select event_id from parking.amendment
    where lot_id = $1 and amends = any((select array_agg(event_id) from said)::uuid[])),
  wanted as (select event_id from seen union select event_id from said
             union select event_id from unsaid)
"""
_WANTED: Final = "event_id = any((select array_agg(event_id) from wanted)::uuid[])"
# The repeated triggers of an event that became this plate's count with it, so they are read too.
_OF_PLATE: Final = f"""
with mine as materialized (
    select event_id, plate, occurred_at from parking.lane_event
    where lot_id = $1 and plate = $2 and occurred_at >= $3 and {_SEEN}
    union select e.event_id, e.plate, c.occurred_at
    from parking.corrected c cross join lateral (
      select event_id, plate from parking.lane_event where event_id = c.event_id offset 0) e
    where c.lot_id = $1 and c.plate = $2 and c.occurred_at >= $3),
  seen as materialized (
    select event_id from mine
    union select r.event_id from mine m cross join lateral (
      select event_id from parking.lane_event
      where lot_id = $1 and plate = m.plate and {_NEAR.format("m")} and {_SEEN} offset 0) r
    where m.plate <> $2),
{_ABOUT}
select {FACT_COLUMNS} from parking.lane_event where {_WANTED}
"""  # noqa: S608 - put together from the constants above
# A fact may name an event, or a correction of that event: both lead to the event's plates.
_PLATES_ABOUT: Final = f"""
with named as (
    select event_id from unnest($2::uuid[]) as given (event_id)
    union select amends from parking.amendment where lot_id = $1 and event_id = any($2::uuid[])),
  spoken_of as materialized (
    select event_id from named
    union select a.amends from named n cross join lateral (
      select amends from parking.amendment
      where lot_id = $1 and event_id = n.event_id offset 0) a),
  seen as materialized (
    select event_id from spoken_of
    union select m.event_id from spoken_of s cross join lateral (
      select plate, occurred_at from parking.lane_event where event_id = s.event_id offset 0) e
    cross join lateral (
      select event_id from parking.misread
      where lot_id = $1 and plate = e.plate and {_NEAR.format("e")} offset 0) m),
{_ABOUT},
  facts as materialized (
    select lot_id, plate, type, occurred_at from parking.lane_event where {_WANTED})
select plate, min(occurred_at) filter (where {_SEEN}) as seen_at from facts
where lot_id = $1 group by plate
"""  # noqa: S608 - put together from the constants above


async def facts_of_plate(
    connection: Connection, lot_id: LotId, plate: Plate, *, since: datetime | None = None
) -> list[Fact]:
    """What `parking.core.folding.fold` asks for: all that may concern one plate in one lot.

    With `since`, what suffices to fold the stays that follow a stay last seen then.
    """
    earliest = None if since is None else since - REPEATS_WITHIN
    rows = await connection.fetch(_OF_PLATE, lot_id, plate, earliest or EVER)
    return [fact_of(row) for row in rows]


async def plates_about(
    connection: Connection, lot_id: LotId, event_ids: Collection[EventId]
) -> dict[Plate, datetime]:
    """Every plate that the events, or what these amend, ever had: their stays may change.

    With each the earliest instant at which anything about it may: no trigger follows one that it
    repeats, or leads it, over more than `REPEATS_WITHIN`. Nothing where no event is known yet.
    """
    rows = await connection.fetch(_PLATES_ABOUT, lot_id, list(event_ids))
    seen = [row["seen_at"] for row in rows if row["seen_at"] is not None]
    if not seen:
        return {}
    since = min(seen) - REPEATS_WITHIN
    return {row["plate"]: since for row in rows if row["plate"] is not None}
