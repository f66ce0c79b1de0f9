"""A crossing as the lane event that the server is sent (`POST /v1/lane-events`)."""

from datetime import datetime

import msgspec

from lpr.core.crossing import Crossing
from lpr.core.second_thought import Correction
from parking.core.events import Candidate, PlateColour, PlateRead
from parking.core.ids import EventId, LaneId, LotId
from parking.core.place import LaneDirection
from parking.core.plate import Plate, normalise_plate

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


class CorrectionBody(msgspec.Struct, frozen=True, kw_only=True):
    """A second thought, as it goes over the wire."""

    type: str = "plate_corrected"
    event_id: EventId
    lot_id: LotId
    occurred_at: datetime
    corrects: EventId
    plate: Plate | None
    colour: PlateColour
    reason: str
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


def plate_corrected(correction: Correction, *, event_id: EventId, lot_id: LotId) -> CorrectionBody:
    """Word a second thought. Its reason names no plate: reasons are shown and logged."""
    voted, before = correction.plate, correction.instead_of
    how = "sent without a plate" if before.plate is None else f"sure to {before.confidence:.2f}"
    return CorrectionBody(
        event_id=event_id,
        lot_id=lot_id,
        occurred_at=correction.occurred_at,
        corrects=correction.corrects,
        plate=normalise_plate(voted.text),
        colour=voted.colour,
        reason=(
            f"second thought: the event was {how}; {voted.agreeing} of {voted.frames} frames agree"
            f" on this plate, sure to {voted.confidence:.2f}"
        ),
        trace_id=correction.trace_id,
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
