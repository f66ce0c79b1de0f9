"""Lane events: the facts that everything else is folded from. Appended, never edited.

Each fact carries two times: `occurred_at` (the camera's) and `recorded_at` (ours). Stays are
priced by the first and audited by the second.
"""

from datetime import datetime
from enum import Enum
from typing import TypeAlias
from uuid import UUID

import msgspec

from parking.core.ids import DeviceId, EventId, LaneId, LotId
from parking.core.plate import Plate


class PlateColour(Enum):
    """The colour of the plate, which in mainland China tells the vehicle's class."""

    BLUE = "blue"
    YELLOW = "yellow"
    GREEN = "green"
    WHITE = "white"
    BLACK = "black"
    UNKNOWN = "unknown"


class Candidate(msgspec.Struct, frozen=True):
    """Another text that the plate may have had."""

    text: str
    confidence: float
    """0.0 to 1.0."""


class PlateRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a camera believes it saw (APDS: Observation by anpr)."""

    plate: Plate | None
    """None: the camera saw a vehicle without a readable plate."""
    colour: PlateColour = PlateColour.UNKNOWN
    confidence: float = 0.0
    """0.0 to 1.0."""
    candidates: tuple[Candidate, ...] = ()


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: EventId
    lot_id: LotId
    occurred_at: datetime
    recorded_at: datetime
    trace_id: str = ""
    """32 hex digits that follow the car from frame to payment."""


class VehicleEntered(_Fact, frozen=True, kw_only=True, tag="vehicle_entered"):
    """A vehicle came in."""

    lane_id: LaneId
    device_id: DeviceId
    read: PlateRead


class VehicleExited(_Fact, frozen=True, kw_only=True, tag="vehicle_exited"):
    """A vehicle went out."""

    lane_id: LaneId
    device_id: DeviceId
    read: PlateRead


class PlateCorrected(_Fact, frozen=True, kw_only=True, tag="plate_corrected"):
    """A person, or the device on second thought, says which plate an earlier event really saw."""

    corrects: EventId
    plate: Plate
    colour: PlateColour = PlateColour.UNKNOWN
    by: str
    """Who says so: `device:<id>`, `operator:<id>`, `driver:<account>` or `rule:<name>`."""
    reason: str = ""


class EventWithdrawn(_Fact, frozen=True, kw_only=True, tag="event_withdrawn"):
    """An earlier event is taken back: there was no such vehicle."""

    withdraws: EventId
    by: str
    reason: str = ""


LaneEvent: TypeAlias = VehicleEntered | VehicleExited
"""What gates post."""
Fact: TypeAlias = VehicleEntered | VehicleExited | PlateCorrected | EventWithdrawn


def fact_id_of(value: UUID) -> EventId:
    """Name a UUID as an event's id."""
    return EventId(value)
