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
    "{0}.occurred_at between {1}.occurred_at - interval '2 hours'"
    " and {1}.occurred_at + interval '2 hours'"
)
_ABOUT: Final = """
  said as (select event_id from parking.amendment
           where lot_id = $1 and amends in (select event_id from seen)),
  unsaid as (select event_id from parking.amendment
             where lot_id = $1 and amends in (select event_id from said)),
  wanted as (select event_id from seen union select event_id from said
             union select event_id from unsaid)
"""
# The repeated triggers of an event that became this plate's count with it, so they are read too.
_OF_PLATE: Final = f"""
with mine as (
    select event_id, plate, occurred_at from parking.lane_event
    where lot_id = $1 and plate = $2 and occurred_at >= $3 and {_SEEN}
    union select e.event_id, e.plate, e.occurred_at
    from parking.corrected c join parking.lane_event e using (event_id)
    where c.lot_id = $1 and c.plate = $2 and c.occurred_at >= $3),
  seen as (
    select event_id from mine
    union select r.event_id from mine m join parking.lane_event r
      on r.lot_id = $1 and r.plate = m.plate and {_NEAR.format("r", "m")} and r.{_SEEN}
    where m.plate <> $2),
{_ABOUT}
select {FACT_COLUMNS} from parking.lane_event
where lot_id = $1 and event_id in (select event_id from wanted)
"""  # noqa: S608 - put together from the constants above
# A fact may name an event, or a correction of that event: both lead to the event's plates.
_PLATES_ABOUT: Final = f"""
with named as (
    select event_id from unnest($2::uuid[]) as given (event_id)
    union select amends from parking.amendment where lot_id = $1 and event_id = any($2::uuid[])),
  spoken_of as (
    select event_id from named
    union select amends from parking.amendment
    where lot_id = $1 and event_id in (select event_id from named)),
  seen as (
    select event_id from spoken_of
    union select m.event_id from spoken_of join parking.lane_event e using (event_id)
      join parking.misread m on m.lot_id = $1 and m.plate = e.plate and {_NEAR.format("m", "e")}),
{_ABOUT}
select plate, min(occurred_at) filter (where {_SEEN}) as seen_at from parking.lane_event
where lot_id = $1 and event_id in (select event_id from wanted) group by plate
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
