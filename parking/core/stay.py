"""A stay: one vehicle's use of one lot, from entry to exit, with the table of its arrows.

docs/stays.md shows the same table as a picture.
"""

from datetime import datetime
from enum import Enum

import msgspec

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.ids import EventId, LaneId, LotId, StayId
from parking.core.plate import Plate


class StayState(Enum):
    """Where a stay stands. Only a closed stay is billable; operators see all four."""

    OPEN = "open"
    """The vehicle came in and, as far as we know, is still there: no `left_at`."""
    CLOSED = "closed"
    """Entry and exit are both known."""
    MISSED_EXIT = "missed_exit"
    """It came in and must have left unseen: it came in again, or stayed past the maximum."""
    MISSED_ENTRY = "missed_entry"
    """It went out without having been seen to come in: no `entered_at`."""


class Arrow(Enum):
    """Every way in which a stay may begin or move: (state before, state after, why).

    A re-fold after a correction or a late event does not move a stay along an arrow; it works the
    stays out again from the facts, and each of them gets to its state along these arrows only.
    """

    ENTERED = (None, StayState.OPEN, "an entry")
    LEFT = (StayState.OPEN, StayState.CLOSED, "its exit, within the maximum stay")
    RE_ENTERED = (StayState.OPEN, StayState.MISSED_EXIT, "the same plate came in again")
    OVERSTAYED = (StayState.OPEN, StayState.MISSED_EXIT, "the maximum stay is over")
    LEFT_UNPAIRED = (None, StayState.MISSED_ENTRY, "an exit with no open stay")
    LEFT_REPORTED_LATE = (
        StayState.MISSED_EXIT,
        StayState.CLOSED,
        "its exit, within the maximum stay, told only after the stay was given up",
    )
    CLOCKS_DRIFTED = (
        StayState.MISSED_ENTRY,
        StayState.CLOSED,
        "an entry so soon after the exit that the cameras' clocks must differ",
    )
    ENDED_BY_HAND = (StayState.OPEN, StayState.CLOSED, "a person says when it left")
    GIVEN_UP_BY_HAND = (StayState.OPEN, StayState.MISSED_EXIT, "a person says that it is gone")

    before: StayState | None
    after: StayState
    why: str

    def __init__(self, before: StayState | None, after: StayState, why: str) -> None:
        self.before = before
        self.after = after
        self.why = why


class ForbiddenArrowError(DomainError):
    """A stay was asked to move along an arrow that does not start at its state."""

    def __init__(self, *, stay_id: StayId, state: StayState, arrow: Arrow) -> None:
        start = "no stay" if arrow.before is None else arrow.before.value
        super().__init__(
            f"stay {stay_id} is {state.value} and cannot go to {arrow.after.value}: "
            f"{arrow.name.lower()} starts at {start}"
        )
        self.stay_id = stay_id
        self.state = state
        self.arrow = arrow


class StayTimesError(DomainError):
    """A stay's instants do not fit its state, or it would have left before it came."""

    def __init__(self, *, stay_id: StayId, state: StayState, reason: str) -> None:
        super().__init__(f"stay {stay_id} ({state.value}): {reason}")
        self.stay_id = stay_id
        self.state = state


class Stay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One vehicle's use of one lot (APDS: Session)."""

    stay_id: StayId
    """The event id of its first fact, so that a re-fold finds the same stay again."""
    lot_id: LotId
    plate: Plate
    colour: PlateColour
    """As the entry saw it; as the exit did, where the entry did not know."""
    state: StayState
    last_seen_at: datetime
    """The newest trigger of this stay, repeated triggers of a waiting car included."""
    entered_at: datetime | None = None
    left_at: datetime | None = None
    """Never before `entered_at`: where clocks drifted it is the entry's instant."""
    entry_event_id: EventId | None = None
    exit_event_id: EventId | None = None
    """The event that ended it; where a person did, the `stay_ended` fact."""
    entry_lane_id: LaneId | None = None
    exit_lane_id: LaneId | None = None
    trace_id: str = ""
    """Of the first fact: 32 hex digits."""
    reentry_of: StayId | None = None
    """The stay that the same car had left shortly before this one began."""
    drive_through: bool = False
    """In by one lane and out by another within moments: it only passed."""

    def __post_init__(self) -> None:
        """Hold the instants to the state."""
        entered_at, left_at, state = self.entered_at, self.left_at, self.state
        if (entered_at is None) is not (state is StayState.MISSED_ENTRY):
            reason = "entered_at is known but for a missed entry"
        elif (left_at is None) is (state is StayState.CLOSED or state is StayState.MISSED_ENTRY):
            reason = "left_at is known once it was seen to leave, and only then"
        elif entered_at is not None and left_at is not None and left_at < entered_at:
            reason = f"left at {left_at}, before it came in at {entered_at}"
        else:
            return
        raise StayTimesError(stay_id=self.stay_id, state=state, reason=reason)

    @property
    def billable(self) -> bool:
        """Say whether a fee can be owed: entry and exit are known."""
        return self.state is StayState.CLOSED

    @property
    def ended_by_hand(self) -> bool:
        """Say whether a person, and no lane, told when it left; `exit_event_id` is their word."""
        return self.state is StayState.CLOSED and self.exit_lane_id is None


def require_arrow(stay: Stay, arrow: Arrow) -> None:
    """Raise ForbiddenArrowError unless the arrow starts at the stay's present state."""
    if stay.state is not arrow.before:
        raise ForbiddenArrowError(stay_id=stay.stay_id, state=stay.state, arrow=arrow)
