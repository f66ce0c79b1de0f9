"""A crossing as the lane event that the server is sent (`POST /v1/lane-events`)."""

from datetime import datetime

import msgspec

from lpr.core.crossing import Crossing
from parking.core.events import Candidate, PlateRead
from parking.core.ids import EventId, LaneId, LotId
from parking.core.place import LaneDirection
from parking.core.plate import normalise_plate

CANDIDATES_SENT_MAX = 4
_PLACES = 4


class LaneEventBody(msgspec.Struct, frozen=True, kw_only=True):
    """What goes over the wire. The device is known from its key, the arrival from the server."""

    type: str
    event_id: EventId
    lot_id: LotId
    lane_id: LaneId
    occurred_at: datetime
    read: PlateRead
    trace_id: str


def lane_event(
    crossing: Crossing,
    *,
    event_id: EventId,
    lot_id: LotId,
    lane_id: LaneId,
    direction: LaneDirection,
) -> LaneEventBody:
    """Word a crossing. The lane's direction decides whether the car came or went."""
    if direction is LaneDirection.BOTH:
        msg = f"lane {lane_id} goes both ways: a camera must look at one direction"
        raise ValueError(msg)
    return LaneEventBody(
        type="vehicle_entered" if direction is LaneDirection.ENTRY else "vehicle_exited",
        event_id=event_id,
        lot_id=lot_id,
        lane_id=lane_id,
        occurred_at=crossing.occurred_at,
        read=_read(crossing),
        trace_id=crossing.trace_id,
    )


def _read(crossing: Crossing) -> PlateRead:
    """Keep an unsure text among the candidates: it helps a person, and charges nobody."""
    voted = crossing.plate
    candidates = [Candidate(voted.text, voted.confidence)] if not crossing.readable else []
    candidates.extend(voted.candidates)
    return PlateRead(
        plate=normalise_plate(voted.text) if crossing.readable else None,
        colour=voted.colour,
        confidence=round(voted.confidence, _PLACES),
        candidates=tuple(
            Candidate(item.text, round(item.confidence, _PLACES))
            for item in candidates[:CANDIDATES_SENT_MAX]
        ),
    )
