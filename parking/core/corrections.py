"""What really happened: lane events with all that was said about them later.

Corrections, withdrawals and ends by hand are facts of their own that name the fact they are about.
The rules, whatever the order of arrival:

- an event that was withdrawn does not count, whatever else was said about it;
- of several corrections of one event the one recorded last wins, the higher event id on a tie; so
  with the ends by hand that name one event;
- a correction or an end that was withdrawn does not count (the earlier one, or the camera's read,
  does);
- a stay that never was takes its event back with all repeated triggers, and a correction holds
  for them too, unless something was said about a trigger itself;
- a withdrawal cannot be withdrawn: the vehicle's event is posted or corrected anew.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from parking.core.errors import DomainError
from parking.core.events import (
    Ending,
    EventWithdrawn,
    Fact,
    LaneEvent,
    PlateColour,
    PlateCorrected,
    StayEnded,
    VehicleEntered,
    VehicleExited,
    amended_by,
)
from parking.core.ids import EventId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.triggers import followers

_Word = TypeVar("_Word", PlateCorrected, StayEnded)


class ConflictingFactsError(DomainError):
    """Two facts share an event id but say different things."""

    def __init__(self, event_id: EventId) -> None:
        super().__init__(f"two different facts are called {event_id}")
        self.event_id = event_id


class Effective(msgspec.Struct, frozen=True):
    """What counts of some facts."""

    events: list[LaneEvent]
    """In no special order; a corrected event carries the corrected plate in its read."""
    ends: Mapping[EventId, StayEnded]
    """What a person said about the stay of an event: that it left, or is gone."""


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


def effective(facts: Iterable[Fact], *, rules: StayRules) -> Effective:
    """Apply all that was said about the lane events among these facts.

    What was said about events that are not among them changes nothing yet.
    """
    known = distinct_facts(facts)
    events: list[LaneEvent] = []
    corrections: list[PlateCorrected] = []
    endings: list[StayEnded] = []
    withdrawn: set[EventId] = set()
    for fact in known.values():
        if isinstance(fact, VehicleEntered | VehicleExited):
            events.append(fact)
        elif isinstance(fact, PlateCorrected):
            corrections.append(fact)
        elif isinstance(fact, EventWithdrawn):
            withdrawn.add(fact.withdraws)
        else:
            endings.append(fact)
    if len(events) == len(known):
        return Effective(events, {})
    corrected, ended = _standing(corrections, withdrawn), _standing(endings, withdrawn)
    return _applied(events, withdrawn=withdrawn, corrected=corrected, ended=ended, rules=rules)


def effective_events(facts: Iterable[Fact], *, rules: StayRules) -> list[LaneEvent]:
    """Answer the lane events that count, in no special order, with their corrected plates."""
    return effective(facts, rules=rules).events


def plates_touched(fact: Fact, *, known: Iterable[Fact], rules: StayRules) -> frozenset[Plate]:
    """Answer whose stays a new fact may change: the plates before it and after it.

    `known` holds what is already recorded: the event that the fact is or names, its repeated
    triggers, and whatever was said about any of these. More than that does no harm. Stays of each
    plate answered must be folded again.
    """
    before = list(known)
    rows_before = _rows(effective(before, rules=rules))
    rows_after = _rows(effective([*before, fact], rules=rules))
    return frozenset(plate for plate, *_ in rows_before ^ rows_after if plate is not None)


def _rows(counts: Effective) -> set[tuple[Plate | None, EventId, object]]:
    plates = {event.event_id: event.read.plate for event in counts.events}
    rows: set[tuple[Plate | None, EventId, object]] = {
        (event.read.plate, event.event_id, event.read.colour) for event in counts.events
    }
    for ends, word in counts.ends.items():
        rows.add((plates.get(ends), word.event_id, word.how))
    return rows


def _applied(
    events: list[LaneEvent],
    *,
    withdrawn: set[EventId],
    corrected: Mapping[EventId, PlateCorrected],
    ended: Mapping[EventId, StayEnded],
    rules: StayRules,
) -> Effective:
    never = {ends for ends, word in ended.items() if word.how is Ending.NEVER_WAS}
    leaders = (corrected.keys() | never) - withdrawn
    silent = {event.event_id for event in events} - leaders - withdrawn
    leading = followers(events, leaders=leaders, silent=silent, rules=rules)
    counting: list[LaneEvent] = []
    for event in events:
        event_id = event.event_id
        leader = leading.get(event_id, event_id)
        if event_id not in withdrawn and leader not in never:
            counting.append(_corrected(event, corrected.get(leader)))
    return Effective(counting, {ends: ended[ends] for ends in ended.keys() - never})


def _standing(words: Iterable[_Word], withdrawn: set[EventId]) -> dict[EventId, _Word]:
    """Of all that was said about each event, the word that stands."""
    standing: dict[EventId, _Word] = {}
    for word in words:
        if word.event_id in withdrawn:
            continue
        about = amended_by(word)
        rival = standing.get(about)
        if rival is None or _rank(rival) < _rank(word):
            standing[about] = word
    return standing


def _rank(fact: Fact) -> tuple[object, ...]:
    return fact.recorded_at, fact.event_id


def _corrected(event: LaneEvent, correction: PlateCorrected | None) -> LaneEvent:
    if correction is None:
        return event
    known = correction.colour is not PlateColour.UNKNOWN
    colour = correction.colour if known else event.read.colour
    return replace(event, read=replace(event.read, plate=correction.plate, colour=colour))
