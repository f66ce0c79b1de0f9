"""What really happened: lane events with their corrections and withdrawals applied.

Corrections are facts of their own that name the event they are about. The rules, whatever the
order of arrival:

- an event that was withdrawn does not count, whatever corrections it has;
- of several corrections of one event the one recorded last wins, the higher event id on a tie;
- a correction that was withdrawn does not count (the earlier one, or the camera's read, does);
- a withdrawal cannot be withdrawn: the vehicle's event is posted or corrected anew.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from parking.core.errors import DomainError
from parking.core.events import (
    EventWithdrawn,
    Fact,
    LaneEvent,
    PlateColour,
    PlateCorrected,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import EventId
from parking.core.plate import Plate


class ConflictingFactsError(DomainError):
    """Two facts share an event id but say different things."""

    def __init__(self, event_id: EventId) -> None:
        super().__init__(f"two different facts are called {event_id}")
        self.event_id = event_id


def distinct_facts(facts: Iterable[Fact]) -> dict[EventId, Fact]:
    """Drop repeated facts, keeping of each the one recorded first.

    Raises ConflictingFactsError when two facts of one id differ in more than `recorded_at`.
    """
    known: dict[EventId, Fact] = {}
    for fact in facts:
        earlier = known.setdefault(fact.event_id, fact)
        if earlier is fact or earlier == fact:
            continue
        if replace(fact, recorded_at=earlier.recorded_at) != earlier:
            raise ConflictingFactsError(fact.event_id)
        if fact.recorded_at < earlier.recorded_at:
            known[fact.event_id] = fact
    return known


def effective_events(facts: Iterable[Fact]) -> list[LaneEvent]:
    """Apply corrections and withdrawals; answer the lane events that count, in no special order.

    A corrected event carries the corrected plate in its read. Corrections of events that are not
    among the facts change nothing yet.
    """
    known = distinct_facts(facts)
    withdrawn = {fact.withdraws for fact in known.values() if isinstance(fact, EventWithdrawn)}
    standing: dict[EventId, PlateCorrected] = {}
    for fact in known.values():
        if isinstance(fact, PlateCorrected) and fact.event_id not in withdrawn:
            rival = standing.get(fact.corrects)
            if rival is None or _rank(rival) < _rank(fact):
                standing[fact.corrects] = fact
    return [
        _corrected(fact, standing.get(fact.event_id))
        for fact in known.values()
        if isinstance(fact, VehicleEntered | VehicleExited) and fact.event_id not in withdrawn
    ]


def plates_touched(fact: Fact, *, known: Iterable[Fact]) -> frozenset[Plate]:
    """Answer whose stays a new fact may change: the plates before it and after it.

    `known` holds what is already recorded about the same lane event: the event itself, its
    corrections, and the withdrawals of any of these. More than that does no harm. Stays of each
    plate answered must be folded again.
    """
    before = list(known)
    rows_before = {_seen(event) for event in effective_events(before)}
    rows_after = {_seen(event) for event in effective_events([*before, fact])}
    return frozenset(plate for _, plate, _ in rows_before ^ rows_after if plate is not None)


def _seen(event: LaneEvent) -> tuple[EventId, Plate | None, PlateColour]:
    return event.event_id, event.read.plate, event.read.colour


def _rank(fact: PlateCorrected) -> tuple[object, ...]:
    return fact.recorded_at, fact.event_id


def _corrected(event: LaneEvent, correction: PlateCorrected | None) -> LaneEvent:
    if correction is None:
        return event
    known = correction.colour is not PlateColour.UNKNOWN
    colour = correction.colour if known else event.read.colour
    return replace(event, read=replace(event.read, plate=correction.plate, colour=colour))
