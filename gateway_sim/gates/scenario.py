"""A scenario: which car stands before which camera when, what the camera sees, and the truth.

Scenarios are data: `to_json` and `from_json` are the file that `gateway-sim gates --scenario`
reads. Only `passes` is needed there:

    {"passes": [{"lane": "wulin-square/in", "captured_at": "2026-11-22T09:05:00+08:00",
                 "plate": "浙A8B762", "colour": "blue"}]}
"""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated

import msgspec

from parking.core.errors import DomainError
from parking.core.events import PlateColour

FRAMES_PER_PASS = 4
FRAME_GAP_MS = 240
"""Time between two frames of a pass."""
LANE_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?$"
"""A lane is named `lot/lane`, or `lane` alone; it is also the folder that its frames land in."""


class ScenarioError(DomainError):
    """The scenario file does not say what a scenario must say."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source} is not a scenario: {reason}")
        self.source = source
        self.reason = reason


class Mishap(Enum):
    """What goes wrong between a car and a camera."""

    DIRTY_ENTRY = "dirty_entry"
    """At the entry dirt makes one character look like another."""
    MISSED_EXIT = "missed_exit"
    """The exit camera delivers nothing."""


class Pass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One car goes through one lane, once."""

    lane: Annotated[str, msgspec.Meta(pattern=LANE_PATTERN)]
    captured_at: Annotated[datetime, msgspec.Meta(tz=True)]
    """When the first frame is taken, in the lot's zone: its wall clock decides the light."""
    plate: Annotated[str, msgspec.Meta(max_length=8)] | None
    """What is painted on the plate; None: the car has none."""
    colour: PlateColour = PlateColour.BLUE
    shows: Annotated[str, msgspec.Meta(max_length=8)] | None = None
    """What dirt makes of the plate; None: it is clean."""
    delivered: bool = True
    """False: the camera missed the car, and no frame comes."""
    frames: Annotated[int, msgspec.Meta(ge=1, le=60)] = FRAMES_PER_PASS

    def frame_at(self, index: int) -> datetime:
        """When a frame is taken, in UTC; the first has index 0."""
        return (self.captured_at + timedelta(milliseconds=FRAME_GAP_MS * index)).astimezone(UTC)


class Visit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The truth behind two passes: a car's stay in a lot, whatever the cameras make of it."""

    lot: str
    plate: str
    colour: PlateColour
    entered_at: Annotated[datetime, msgspec.Meta(tz=True)]
    left_at: Annotated[datetime, msgspec.Meta(tz=True)]
    mishap: Mishap | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens before the cameras, in the order of time."""

    passes: tuple[Pass, ...]
    visits: tuple[Visit, ...] = ()
    seed: int = 0
    """Decides dirt, noise and where exactly cars drive; never what the scenario says."""


def to_json(scenario: Scenario) -> bytes:
    """Write a scenario as JSON."""
    return msgspec.json.format(msgspec.json.encode(scenario), indent=1)


def from_json(document: bytes, *, source: str = "the document") -> Scenario:
    """Read a scenario; raises ScenarioError."""
    try:
        return msgspec.json.decode(document, type=Scenario)
    except msgspec.DecodeError as error:
        raise ScenarioError(source, str(error)) from error
