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


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """Another text that the plate may have had."""

    text: str
    confidence: float
    """0.0 to 1.0."""


class PlateRead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a camera believes it saw (APDS: Observation by anpr)."""

    plate: Plate | None
    """None: the camera saw a vehicle without a readable plate."""
    colour: PlateColour = PlateColour.UNKNOWN
    confidence: float = 0.0
    """0.0 to 1.0."""
    candidates: tuple[Candidate, ...] = ()


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    event_id: EventId
    lot_id: LotId
    occurred_at: datetime
    recorded_at: datetime
    trace_id: str = ""
    """32 hex digits that follow the car from frame to payment."""


class VehicleEntered(_Fact, frozen=True, kw_only=True, tag="vehicle_entered"):
    """A vehicle came in: a camera, or a person at the lane, saw it."""

    lane_id: LaneId
    device_id: DeviceId | None
    """None: no device but a person saw it, and `by` says who."""
    read: PlateRead
    by: str = ""
    """`operator:<id>` or `admin:<key>` where a person saw it."""
    reason: str = ""
    """Why a person had to say it."""


class VehicleExited(_Fact, frozen=True, kw_only=True, tag="vehicle_exited"):
    """A vehicle went out: a camera, or a person at the lane, saw it."""

    lane_id: LaneId
    device_id: DeviceId | None
    """None: no device but a person saw it, and `by` says who."""
    read: PlateRead
    by: str = ""
    """`operator:<id>` or `admin:<key>` where a person saw it."""
    reason: str = ""
    """Why a person had to say it."""


class PlateCorrected(_Fact, frozen=True, kw_only=True, tag="plate_corrected"):
    """A person, or the device on second thought, says which plate an earlier event really saw.

    It holds for the repeated triggers of that event too (parking/core/triggers.py).
    """

    corrects: EventId
    plate: Plate
    """A ticket's text where the vehicle has no plate that could be read."""
    colour: PlateColour = PlateColour.UNKNOWN
    by: str
    """Who says so: `device:<id>`, `operator:<id>`, `admin:<key>`, `driver:<account>`,
    `appeal:<id>`, `ticket:<device or operator>` or `rule:<name>`.
    """
    reason: str = ""


class EventWithdrawn(_Fact, frozen=True, kw_only=True, tag="event_withdrawn"):
    """An earlier fact is taken back: there was no such vehicle, or it was wrongly amended."""

    withdraws: EventId
    by: str
    reason: str = ""


class Ending(Enum):
    """How a stay ended, as a person says."""

    LEFT = "left"
    """The vehicle left at `occurred_at`."""
    GONE = "gone"
    """It is not there any more, and nobody knows since when."""
    NEVER_WAS = "never_was"
    """There was no such vehicle: the event named and its repeated triggers do not count."""


class StayEnded(_Fact, frozen=True, kw_only=True, tag="stay_ended"):
    """A person ends the stay that an event belongs to."""

    ends: EventId
    """An event of the stay; its `stay_id` is one."""
    how: Ending
    by: str
    reason: str = ""


LaneEvent: TypeAlias = VehicleEntered | VehicleExited
"""What gates post."""
Amendment: TypeAlias = PlateCorrected | EventWithdrawn | StayEnded
"""What is said about an earlier fact."""
Fact: TypeAlias = VehicleEntered | VehicleExited | PlateCorrected | EventWithdrawn | StayEnded


def amended_by(fact: Amendment) -> EventId:
    """Name the fact that an amendment is about."""
    if isinstance(fact, PlateCorrected):
        return fact.corrects
    return fact.withdraws if isinstance(fact, EventWithdrawn) else fact.ends


def fact_id_of(value: UUID) -> EventId:
    """Name a UUID as an event's id."""
    return EventId(value)
