"""What cameras read at single events: for who must match or show them."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from parking.core.events import Fact, PlateRead, VehicleEntered, VehicleExited
from parking.core.ids import EventId, LotId
from parking.db.fact_rows import FACT_COLUMNS, fact_of
from parking.db.pool import Connection

_EVENTS: Final = f"""
select {FACT_COLUMNS} from parking.lane_event
where event_id = any($1::uuid[]) and type in ('vehicle_entered', 'vehicle_exited')
"""  # noqa: S608 - our own column list
_LOT_OF: Final = "select lot_id from parking.lane_event where event_id = $1"
# An event, what was said about it, and what was said about that.
_HISTORY: Final = f"""
with said as (select event_id from parking.amendment where amends = any($1::uuid[])),
  unsaid as (select event_id from parking.amendment
             where amends in (select event_id from said))
select {FACT_COLUMNS} from parking.lane_event
where event_id = any($1::uuid[]) or event_id in (select event_id from said)
  or event_id in (select event_id from unsaid)
order by recorded_at, event_id
"""  # noqa: S608 - our own column list


async def lane_events_of(
    connection: Connection, event_ids: Collection[EventId]
) -> dict[EventId, VehicleEntered | VehicleExited]:
    """The lane events of these ids as they were recorded, uncorrected."""
    facts = [fact_of(row) for row in await connection.fetch(_EVENTS, list(event_ids))]
    return {
        fact.event_id: fact for fact in facts if isinstance(fact, VehicleEntered | VehicleExited)
    }


async def reads_of(
    connection: Connection, event_ids: Collection[EventId]
) -> dict[object, PlateRead]:
    """What the cameras read at these events, with their candidates."""
    events = await lane_events_of(connection, event_ids)
    return {event_id: event.read for event_id, event in events.items()}


async def lot_of_fact(connection: Connection, event_id: UUID) -> LotId | None:
    """In which lot a fact was recorded."""
    lot_id: LotId | None = await connection.fetchval(_LOT_OF, event_id)
    return lot_id


async def history_of(connection: Connection, event_ids: Collection[EventId]) -> list[Fact]:
    """Lane events and all that was said about them, in the order in which we heard it."""
    return [fact_of(row) for row in await connection.fetch(_HISTORY, list(event_ids))]
