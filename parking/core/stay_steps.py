"""What one event does to the newest stay of its plate: the table of docs/stays.md as code."""

from datetime import datetime

import msgspec

from parking.core.durations import hours, minutes, seconds
from parking.core.events import Ending, LaneEvent, StayEnded, VehicleEntered, VehicleExited
from parking.core.ids import StayId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Arrow, Stay, StayState
from parking.core.stay_moves import (
    closed,
    closed_by_drift,
    ended,
    missed_exit,
    opened,
    seen_again,
    unpaired,
)


class Step(msgspec.Struct, frozen=True, gc=False):
    """What one event did."""

    changed: Stay | None = None
    """The newest stay as it is now, where the event changed it."""
    opened: Stay | None = None
    """A stay that began with the event; it is the newest now."""

    @property
    def tail(self) -> Stay | None:
        """The newest stay after the event."""
        return self.changed if self.opened is None else self.opened


def take_step(
    tail: Stay | None, event: LaneEvent, plate: Plate, rules: StayRules, *, may_drift: bool
) -> Step:
    """Take one event in, later than all before it."""
    if isinstance(event, VehicleEntered):
        return _take_entry(tail, event, plate, rules, may_drift=may_drift)
    return _take_exit(tail, event, plate, rules)


def _take_entry(
    tail: Stay | None, event: VehicleEntered, plate: Plate, rules: StayRules, *, may_drift: bool
) -> Step:
    if tail is None:
        return Step(None, opened(event, plate, None))
    if _entered_last(tail) and _is_repeat(tail, event, rules):
        return Step(seen_again(tail, event))
    if tail.state is StayState.OPEN:
        return Step(missed_exit(tail, Arrow.RE_ENTERED), opened(event, plate, None))
    if may_drift and _clocks_drifted(tail, event, rules):
        return Step(closed_by_drift(tail, event, rules))
    return Step(None, opened(event, plate, _left_lately(tail, event, rules)))


def _take_exit(tail: Stay | None, event: VehicleExited, plate: Plate, rules: StayRules) -> Step:
    if tail is None:
        return Step(None, unpaired(event, plate))
    if _awaits_exit(tail):
        if within_maximum(tail, event.occurred_at, rules):
            return Step(closed(tail, event, rules))
        given_up = tail.state is StayState.MISSED_EXIT
        changed = None if given_up else missed_exit(tail, Arrow.OVERSTAYED)
        return Step(changed, unpaired(event, plate))
    if _is_repeat(tail, event, rules) or _left_as_said(tail, event, rules):
        return Step(seen_again(tail, event))
    return Step(None, unpaired(event, plate))


def take_end(tail: Stay, word: StayEnded, rules: StayRules) -> Stay:
    """Take in what a person says about the newest stay, unless it was seen to leave before."""
    if tail.state is not StayState.OPEN:
        return tail
    if word.how is Ending.GONE:
        return missed_exit(tail, Arrow.GIVEN_UP_BY_HAND)
    return ended(tail, word) if within_maximum(tail, word.occurred_at, rules) else tail


def _awaits_exit(stay: Stay) -> bool:
    return stay.state is StayState.OPEN or stay.state is StayState.MISSED_EXIT


def paired_by_drift(stay: Stay) -> bool:
    """Say whether the stay began with its exit and its entry was seen after that."""
    return stay.entry_event_id is not None and stay.stay_id == stay.exit_event_id


def _entered_last(stay: Stay) -> bool:
    return _awaits_exit(stay) or paired_by_drift(stay)


def repeats(seen_at: datetime, event: LaneEvent, rules: StayRules) -> bool:
    """Say whether a trigger is so soon after another that the car still stands there."""
    return event.occurred_at - seen_at <= seconds(rules.debounce_seconds)


def _is_repeat(stay: Stay, event: LaneEvent, rules: StayRules) -> bool:
    return repeats(stay.last_seen_at, event, rules)


def _left_as_said(stay: Stay, event: LaneEvent, rules: StayRules) -> bool:
    """Say whether an exit is the leaving that a person told of before: they gave about the time."""
    if not stay.ended_by_hand or stay.left_at is None:
        return False
    return event.occurred_at - stay.left_at <= minutes(rules.hand_tolerance_minutes)


def _left_lately(stay: Stay, event: LaneEvent, rules: StayRules) -> StayId | None:
    """The stay that the car left so shortly before that it re-enters."""
    if stay.state is not StayState.CLOSED or stay.left_at is None or not rules.reentry_minutes:
        return None
    # Seconds are dropped, as in pricing: the last minute in which to come back lasts to its end.
    lately = event.occurred_at - stay.left_at < minutes(rules.reentry_minutes + 1)
    return stay.stay_id if lately else None


def _clocks_drifted(stay: Stay, entry: LaneEvent, rules: StayRules) -> bool:
    if stay.state is not StayState.MISSED_ENTRY:
        return False
    return entry.occurred_at - stay.last_seen_at <= seconds(rules.clock_drift_tolerance_seconds)


def within_maximum(stay: Stay, instant: datetime, rules: StayRules) -> bool:
    """Say whether an instant lies within the lot's maximum stay."""
    if stay.entered_at is None:
        return True
    return instant - stay.entered_at <= hours(rules.maximum_stay_hours)
