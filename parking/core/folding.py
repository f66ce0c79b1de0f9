"""Stays out of facts: a pure fold, and the same step taken one event at a time on the hot path.

Any order, duplication or late arrival of the facts gives the same stays. `advance` serves the
usual case, an event newer than all before it, and knows nothing but the newest stay of its plate;
whenever that is not enough it says so, and the caller folds all facts of the plate again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from parking.core.corrections import Effective, effective
from parking.core.errors import DomainError
from parking.core.events import (
    Ending,
    Fact,
    LaneEvent,
    StayEnded,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import EventId, LotId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Arrow, Stay, StayState
from parking.core.stay_moves import missed_exit
from parking.core.stay_steps import (
    Step,
    paired_by_drift,
    repeats,
    take_end,
    take_step,
    within_maximum,
)


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


class NeedsRefold(msgspec.Struct, frozen=True):
    """The newest stay alone does not tell what the event means: fold all facts of the plate."""


NEEDS_REFOLD = NeedsRefold()
Outcome: TypeAlias = Step | NeedsRefold
_Happening: TypeAlias = LaneEvent | StayEnded


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
        if paired_by_drift(tail) and isinstance(event, VehicleExited):
            return NEEDS_REFOLD
    return take_step(tail, event, event.read.plate, rules, may_drift=True)


def fold(
    facts: Iterable[Fact],
    *,
    plate: Plate,
    rules: StayRules,
    now: datetime | None = None,
    after: Stay | None = None,
) -> tuple[Stay, ...]:
    """Work out all stays of one plate in one lot, oldest first.

    `facts` holds every lane event that was read as this plate or ever corrected to it, the repeated
    triggers of these, and all that was said about any of them, in any order, repeated or not.
    Events that turn out to be another plate's are left aside. With `now` an open stay past the
    lot's maximum stay comes out as a missed exit; without, it stays open until the sweep.

    `after` is a settled stay (parking/core/settling.py): only the stays that follow it are worked
    out. Of `facts` those suffice that happened since then, or at most `REPEATS_WITHIN` before, with
    all that was said about them.

    Raises SeveralLotsError, and ConflictingFactsError when two facts share an id.
    """
    happened = _in_order(effective(facts, rules=rules), plate, after)
    lots = {each.lot_id for each in happened}
    if len(lots) > 1:
        raise SeveralLotsError(lots)
    settled = [] if after is None else [after]
    stays = settled.copy()
    members: set[EventId] = set()
    for index, each in enumerate(happened):
        tail = stays[-1] if stays else None
        if isinstance(each, StayEnded):
            if tail is not None and each.ends in members:
                stays[-1] = take_end(tail, each, rules)
            continue
        unpaired = tail is not None and tail.state is StayState.MISSED_ENTRY
        may_drift = unpaired and not _exit_follows(happened, index, rules)
        step = take_step(tail, each, plate, rules, may_drift=may_drift)
        if step.changed is not None:
            stays[-1] = step.changed
        if step.opened is not None:
            stays.append(step.opened)
            members.clear()
        members.add(each.event_id)
    if stays and now is not None and overstayed(stays[-1], rules=rules, now=now):
        stays[-1] = close_overstayed(stays[-1], rules=rules, now=now)
    return tuple(stays[len(settled) :])


def overstayed(stay: Stay, *, rules: StayRules, now: datetime) -> bool:
    """Say whether an open stay is past the lot's maximum stay."""
    return stay.state is StayState.OPEN and not within_maximum(stay, now, rules)


def close_overstayed(stay: Stay, *, rules: StayRules, now: datetime) -> Stay:
    """Give an open stay up as a missed exit. Raises NotOverstayedError when it is not due."""
    if not overstayed(stay, rules=rules, now=now):
        raise NotOverstayedError(stay=stay, now=now)
    return missed_exit(stay, Arrow.OVERSTAYED)


def _in_order(counts: Effective, plate: Plate, after: Stay | None) -> list[_Happening]:
    """The lane events of one plate, and what a person said about its stays, in order of time.

    That a car is gone, nobody knows since when, is taken in last, after everything that was seen.
    """
    happened: list[_Happening] = [
        each
        for each in counts.events
        if each.read.plate == plate and (after is None or each.occurred_at > after.last_seen_at)
    ]
    if not counts.ends:
        happened.sort(key=_order)
        return happened
    mine = {each.event_id for each in happened}
    said = [word for word in counts.ends.values() if word.ends in mine]
    happened += [word for word in said if word.how is Ending.LEFT]
    happened.sort(key=_order)
    return happened + sorted((word for word in said if word.how is Ending.GONE), key=_order)


def _order(happened: _Happening) -> tuple[datetime, int, UUID]:
    """By time; of several at one instant the entry comes first, then the exit, then a person."""
    if isinstance(happened, VehicleEntered):
        return happened.occurred_at, 0, happened.event_id
    return happened.occurred_at, 1 + isinstance(happened, StayEnded), happened.event_id


def _exit_follows(events: Sequence[_Happening], index: int, rules: StayRules) -> bool:
    """Say whether the entry at `index`, repeats left out, is followed by an exit.

    Then that exit is the entry's own, and an exit shortly before it belongs to an earlier visit.
    """
    seen_at = events[index].occurred_at
    for event in events[index + 1 :]:
        if isinstance(event, VehicleExited):
            return True
        if isinstance(event, StayEnded):
            continue
        if not repeats(seen_at, event, rules):
            return False
        seen_at = event.occurred_at
    return False
