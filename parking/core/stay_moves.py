"""How a stay moves along its arrows, each by the fact that moves it."""

from datetime import datetime

from msgspec.structs import replace

from parking.core.durations import seconds
from parking.core.events import LaneEvent, PlateColour, StayEnded
from parking.core.ids import LaneId, StayId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Arrow, Stay, StayState, require_arrow


def _better_known(first: PlateColour, second: PlateColour) -> PlateColour:
    return second if first is PlateColour.UNKNOWN else first


def opened(event: LaneEvent, plate: Plate, reentry_of: StayId | None) -> Stay:
    """Open a stay with an entry."""
    return Stay(
        stay_id=StayId(event.event_id),
        lot_id=event.lot_id,
        plate=plate,
        colour=event.read.colour,
        state=StayState.OPEN,
        last_seen_at=event.occurred_at,
        entered_at=event.occurred_at,
        entry_event_id=event.event_id,
        entry_lane_id=event.lane_id,
        trace_id=event.trace_id,
        reentry_of=reentry_of,
    )


def unpaired(event: LaneEvent, plate: Plate) -> Stay:
    """Begin a stay with an exit that found none: its entry was missed."""
    return Stay(
        stay_id=StayId(event.event_id),
        lot_id=event.lot_id,
        plate=plate,
        colour=event.read.colour,
        state=StayState.MISSED_ENTRY,
        last_seen_at=event.occurred_at,
        left_at=event.occurred_at,
        exit_event_id=event.event_id,
        exit_lane_id=event.lane_id,
        trace_id=event.trace_id,
    )


def closed(stay: Stay, event: LaneEvent, rules: StayRules) -> Stay:
    """Close a stay with its exit."""
    lanes = stay.entry_lane_id, event.lane_id
    given_up = stay.state is StayState.MISSED_EXIT
    require_arrow(stay, Arrow.LEFT_REPORTED_LATE if given_up else Arrow.LEFT)
    return replace(
        stay,
        state=StayState.CLOSED,
        colour=_better_known(stay.colour, event.read.colour),
        last_seen_at=event.occurred_at,
        left_at=event.occurred_at,
        exit_event_id=event.event_id,
        exit_lane_id=event.lane_id,
        drive_through=_drove_through(stay.entered_at, event.occurred_at, lanes, rules),
    )


def closed_by_drift(stay: Stay, event: LaneEvent, rules: StayRules) -> Stay:
    """Give an exit without a stay the entry that another clock put after it."""
    lanes = event.lane_id, stay.exit_lane_id
    require_arrow(stay, Arrow.CLOCKS_DRIFTED)
    return replace(
        stay,
        state=StayState.CLOSED,
        colour=_better_known(event.read.colour, stay.colour),
        last_seen_at=event.occurred_at,
        entered_at=event.occurred_at,
        left_at=event.occurred_at,
        entry_event_id=event.event_id,
        entry_lane_id=event.lane_id,
        drive_through=_drove_through(event.occurred_at, event.occurred_at, lanes, rules),
    )


def missed_exit(stay: Stay, arrow: Arrow) -> Stay:
    """Give a stay up: its exit was missed."""
    require_arrow(stay, arrow)
    return replace(stay, state=StayState.MISSED_EXIT)


def seen_again(stay: Stay, event: LaneEvent) -> Stay:
    """Note a repeated trigger."""
    return replace(
        stay,
        colour=_better_known(stay.colour, event.read.colour),
        last_seen_at=event.occurred_at,
    )


def ended(stay: Stay, word: StayEnded) -> Stay:
    """Close a stay at the instant that a person gave."""
    require_arrow(stay, Arrow.ENDED_BY_HAND)
    return replace(
        stay,
        state=StayState.CLOSED,
        last_seen_at=word.occurred_at,
        left_at=word.occurred_at,
        exit_event_id=word.event_id,
    )


def _drove_through(
    entered_at: datetime | None,
    left_at: datetime,
    lanes: tuple[LaneId | None, LaneId | None],
    rules: StayRules,
) -> bool:
    entry, exit_ = lanes
    if entered_at is None or entry == exit_ or not rules.drive_through_seconds:
        return False
    return left_at - entered_at <= seconds(rules.drive_through_seconds)
