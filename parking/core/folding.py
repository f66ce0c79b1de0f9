"""Stays out of facts: a pure fold, and the same step taken one event at a time on the hot path.

Any order, duplication or late arrival of the facts gives the same stays. `advance` serves the
usual case, an event newer than all before it, and knows nothing but the newest stay of its plate;
whenever that is not enough it says so, and the caller folds all facts of the plate again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import replace

from parking.core.corrections import effective_events
from parking.core.errors import DomainError
from parking.core.events import Fact, LaneEvent, PlateColour, VehicleEntered, VehicleExited
from parking.core.ids import LotId, StayId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Arrow, Stay, StayState, require_arrow


class PlatelessEventError(DomainError):
    """A read without a plate opens no stay and closes none; it is for a person to review."""

    def __init__(self, event: LaneEvent) -> None:
        super().__init__(f"event {event.event_id} saw no plate and belongs to no stay")
        self.event_id = event.event_id


class WrongTailError(DomainError):
    """The stay given is of another lot or plate than the event."""

    def __init__(self, *, tail: Stay, event: LaneEvent) -> None:
        super().__init__(f"event {event.event_id} does not concern stay {tail.stay_id}")
        self.stay_id = tail.stay_id
        self.event_id = event.event_id


class SeveralLotsError(DomainError):
    """Stays are folded lot by lot."""

    def __init__(self, lots: Iterable[LotId]) -> None:
        super().__init__(f"facts of several lots given: {', '.join(sorted(lots))}")


class NotOverstayedError(DomainError):
    """The stay is not open, or its maximum stay is not over yet."""

    def __init__(self, *, stay: Stay, now: datetime) -> None:
        super().__init__(f"stay {stay.stay_id} is {stay.state.value} and not overdue at {now}")
        self.stay_id = stay.stay_id


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


class NeedsRefold(msgspec.Struct, frozen=True):
    """The newest stay alone does not tell what the event means: fold all facts of the plate."""


NEEDS_REFOLD = NeedsRefold()
Outcome: TypeAlias = Step | NeedsRefold


def advance(tail: Stay | None, event: LaneEvent, *, rules: StayRules) -> Outcome:
    """Take one event in, knowing only the newest stay of its plate in its lot (any state).

    Answers NeedsRefold for an event that is not newer than everything in that stay, and for an
    exit that undoes a pairing by clock drift. The event must be effective: not withdrawn, its
    plate corrected. Raises PlatelessEventError and WrongTailError.
    """
    if event.read.plate is None:
        raise PlatelessEventError(event)
    if tail is not None:
        if tail.plate != event.read.plate or tail.lot_id != event.lot_id:
            raise WrongTailError(tail=tail, event=event)
        if event.occurred_at <= tail.last_seen_at:
            return NEEDS_REFOLD
        if _paired_by_drift(tail) and isinstance(event, VehicleExited):
            return NEEDS_REFOLD
    return _step(tail, event, event.read.plate, rules, may_drift=True)


def fold(
    facts: Iterable[Fact],
    *,
    plate: Plate,
    rules: StayRules,
    now: datetime | None = None,
) -> tuple[Stay, ...]:
    """Work out all stays of one plate in one lot, oldest first.

    `facts` holds every lane event that was read as this plate or ever corrected to it, with all
    corrections and withdrawals of those events, in any order, repeated or not. Events that turn
    out to be another plate's are left aside. With `now` an open stay past the lot's maximum stay
    comes out as a missed exit; without, it stays open until the sweep.

    Raises SeveralLotsError, and ConflictingFactsError when two facts share an id.
    """
    events = sorted(
        (event for event in effective_events(facts) if event.read.plate == plate), key=_order
    )
    lots = {event.lot_id for event in events}
    if len(lots) > 1:
        raise SeveralLotsError(lots)
    stays: list[Stay] = []
    for index, event in enumerate(events):
        tail = stays[-1] if stays else None
        unpaired = tail is not None and tail.state is StayState.MISSED_ENTRY
        may_drift = unpaired and not _exit_follows(events, index, rules)
        step = _step(tail, event, plate, rules, may_drift=may_drift)
        if step.changed is not None:
            stays[-1] = step.changed
        if step.opened is not None:
            stays.append(step.opened)
    if stays and now is not None and overstayed(stays[-1], rules=rules, now=now):
        stays[-1] = close_overstayed(stays[-1], rules=rules, now=now)
    return tuple(stays)


def overstayed(stay: Stay, *, rules: StayRules, now: datetime) -> bool:
    """Say whether an open stay is past the lot's maximum stay."""
    return stay.state is StayState.OPEN and not _within_maximum(stay, now, rules)


def close_overstayed(stay: Stay, *, rules: StayRules, now: datetime) -> Stay:
    """Give an open stay up as a missed exit. Raises NotOverstayedError when it is not due."""
    if not overstayed(stay, rules=rules, now=now):
        raise NotOverstayedError(stay=stay, now=now)
    return _missed_exit(stay, Arrow.OVERSTAYED)


def _step(
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
        return Step(None, _opened(event, plate))
    if _entered_last(tail) and _is_repeat(tail, event, rules):
        return Step(_seen_again(tail, event))
    if tail.state is StayState.OPEN:
        return Step(_missed_exit(tail, Arrow.RE_ENTERED), _opened(event, plate))
    if may_drift and _clocks_drifted(tail, event, rules):
        return Step(_closed_by_drift(tail, event))
    return Step(None, _opened(event, plate))


def _take_exit(tail: Stay | None, event: VehicleExited, plate: Plate, rules: StayRules) -> Step:
    if tail is None:
        return Step(None, _unpaired(event, plate))
    if _awaits_exit(tail):
        if _within_maximum(tail, event.occurred_at, rules):
            return Step(_closed(tail, event))
        given_up = tail.state is StayState.MISSED_EXIT
        changed = None if given_up else _missed_exit(tail, Arrow.OVERSTAYED)
        return Step(changed, _unpaired(event, plate))
    if _is_repeat(tail, event, rules):
        return Step(_seen_again(tail, event))
    return Step(None, _unpaired(event, plate))


def _order(event: LaneEvent) -> tuple[datetime, bool, UUID]:
    """By the camera's time; of two at the same instant the entry comes first."""
    return event.occurred_at, isinstance(event, VehicleExited), event.event_id


def _exit_follows(events: Sequence[LaneEvent], index: int, rules: StayRules) -> bool:
    """Say whether the entry at `index`, repeats left out, is followed by an exit.

    Then that exit is the entry's own, and an exit shortly before it belongs to an earlier visit.
    """
    seen_at = events[index].occurred_at
    for event in events[index + 1 :]:
        if isinstance(event, VehicleExited):
            return True
        if not _repeats(seen_at, event, rules):
            return False
        seen_at = event.occurred_at
    return False


def _awaits_exit(stay: Stay) -> bool:
    return stay.state is StayState.OPEN or stay.state is StayState.MISSED_EXIT


def _paired_by_drift(stay: Stay) -> bool:
    """Say whether the stay began with its exit and its entry was seen after that."""
    return stay.entry_event_id is not None and stay.stay_id == stay.exit_event_id


def _entered_last(stay: Stay) -> bool:
    return _awaits_exit(stay) or _paired_by_drift(stay)


def _repeats(seen_at: datetime, event: LaneEvent, rules: StayRules) -> bool:
    return event.occurred_at - seen_at <= timedelta(seconds=rules.debounce_seconds)


def _is_repeat(stay: Stay, event: LaneEvent, rules: StayRules) -> bool:
    return _repeats(stay.last_seen_at, event, rules)


def _clocks_drifted(stay: Stay, entry: LaneEvent, rules: StayRules) -> bool:
    tolerance = timedelta(seconds=rules.clock_drift_tolerance_seconds)
    return (
        stay.state is StayState.MISSED_ENTRY and entry.occurred_at - stay.last_seen_at <= tolerance
    )


def _within_maximum(stay: Stay, instant: datetime, rules: StayRules) -> bool:
    maximum = timedelta(hours=rules.maximum_stay_hours)
    return stay.entered_at is None or instant - stay.entered_at <= maximum


def _better_known(first: PlateColour, second: PlateColour) -> PlateColour:
    return second if first is PlateColour.UNKNOWN else first


def _opened(event: LaneEvent, plate: Plate) -> Stay:
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
    )


def _unpaired(event: LaneEvent, plate: Plate) -> Stay:
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


def _closed(stay: Stay, event: LaneEvent) -> Stay:
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
    )


def _closed_by_drift(stay: Stay, event: LaneEvent) -> Stay:
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
    )


def _missed_exit(stay: Stay, arrow: Arrow) -> Stay:
    require_arrow(stay, arrow)
    return replace(stay, state=StayState.MISSED_EXIT)


def _seen_again(stay: Stay, event: LaneEvent) -> Stay:
    return replace(
        stay,
        colour=_better_known(stay.colour, event.read.colour),
        last_seen_at=event.occurred_at,
    )
