"""Cloned plates: reads of one plate that no single car can have caused.

What counts as evidence, and what does not, is told in docs/occupancy.md. A missed exit explains
most stays that seem to overlap, so an open stay never proves that its car is inside: only two
reads at one lot do, an entry and the exit that closed the stay.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Final
from uuid import UUID

import msgspec

from parking.core.events import PlateColour
from parking.core.ids import EventId, LaneId, LotId, StayId
from parking.core.place import Position
from parking.core.settings import setting
from parking.core.stay import Stay, StayState

_EARTH_RADIUS_KM: Final = 6371.0088
"""The mean radius (IUGG)."""
_HOUR_SECONDS: Final = 3600.0


class CloneRules(msgspec.Struct, frozen=True, kw_only=True):
    """When two stays of one plate are suspected to be two cars'."""

    speed_kmh: Annotated[
        float,
        setting(
            "As the crow flies, from lot to lot; who is faster was not one car", unit="km/h", gt=0
        ),
    ] = 120.0
    """The highest speed limit in China; the road is never shorter than the great circle."""
    near_km: Annotated[
        float,
        setting(
            "Lots this near may lie within one another: being in both proves nothing",
            unit="km",
            ge=0,
        ),
    ] = 0.3
    confidence_min: Annotated[
        float,
        setting(
            "A read that no second read of the stay bears out counts from here on",
            unit="0.0 to 1.0",
            ge=0,
            le=1,
        ),
    ] = 0.9


class StayHold(Enum):
    """Why a stay is charged to nobody, though it has a fee."""

    CLONED_PLATE = "cloned_plate"
    """Its plate is suspected to be on two cars, and nobody has said yet whose stay this is."""
    OTHER_CAR = "other_car"
    """Somebody decided: not the car of whoever has bound the plate."""


class ConflictKind(Enum):
    """What no single car can do."""

    INSIDE_ELSEWHERE = "inside_elsewhere"
    """It was read at one lot between its entry to and its exit from another."""
    TOO_FAST = "too_fast"
    """It was read at two lots sooner after one another than anyone can drive."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A stay with what its reads are worth."""

    stay: Stay
    position: Position | None = None
    tolerance_seconds: int = 0
    """How much the clocks of its lot's cameras may differ."""
    confidences: dict[EventId, float] = {}
    """Of its entry's and its exit's read, where known; 0.0 to 1.0."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One read of the plate, as evidence."""

    stay_id: StayId
    event_id: EventId
    lot_id: LotId
    lane_id: LaneId | None
    at: datetime
    entry: bool
    confidence: float | None


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Why two stays cannot be one car's."""

    kind: ConflictKind
    sightings: tuple[Sighting, ...]
    """Those that contradict each other, in order of time: two, or three around and inside."""
    distance_km: float | None = None
    speed_kmh: float | None = None
    """That one car would have needed; None where both reads have the same instant."""


class Verdict(Enum):
    """How a suspicion was settled."""

    DECIDED = "decided"
    """Somebody said which of the stays are the account's car."""
    LIFTED = "lifted"
    """Later facts show that the stays do not contradict each other."""


class CloneDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A fact: what was decided about a suspicion. Of several the last one counts."""

    decision_id: UUID
    suspicion_id: UUID
    verdict: Verdict
    own_stay_ids: tuple[StayId, ...] = ()
    """The stays that are the car's of whoever has bound the plate."""
    by: str
    """`operator:<id>`, `admin:<key>`, `driver:<account>` or `rule:<name>`."""
    reason: str = ""
    decided_at: datetime


def distance_km(one: Position, other: Position) -> float:
    """The great circle between two positions (haversine)."""
    lat_one, lat_other = radians(one.latitude), radians(other.latitude)
    half_north = (lat_other - lat_one) / 2
    half_east = radians(other.longitude - one.longitude) / 2
    chord = sin(half_north) ** 2 + cos(lat_one) * cos(lat_other) * sin(half_east) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))


def conflict(one: Visit, other: Visit, *, rules: CloneRules) -> Conflict | None:
    """Say why two stays of a plate cannot be one car's; None where they can.

    The same text in two known colours is two plates (GA 36: a number is unique within its kind of
    plate only). Stays of one lot are the fold's to sort out.
    """
    if one.stay.plate != other.stay.plate or one.stay.lot_id == other.stay.lot_id:
        return None
    colours = {one.stay.colour, other.stay.colour} - {PlateColour.UNKNOWN}
    if len(colours) > 1:
        return None
    apart_km = None
    if one.position is not None and other.position is not None:
        apart_km = distance_km(one.position, other.position)
        found = _too_fast(one, other, apart_km, rules)
        if found is not None:
            return found
    if apart_km is not None and apart_km <= rules.near_km:
        return None
    return _inside_elsewhere(one, other, apart_km, rules) or _inside_elsewhere(
        other, one, apart_km, rules
    )


def hold_of(stay_id: StayId, verdicts: Iterable[Sequence[CloneDecision]]) -> StayHold | None:
    """Why a stay is held, by the decisions on each of the suspicions that concern it."""
    holds = {_hold_by(stay_id, decisions) for decisions in verdicts}
    for hold in (StayHold.OTHER_CAR, StayHold.CLONED_PLATE):
        if hold in holds:
            return hold
    return None


def latest_decision(decisions: Collection[CloneDecision]) -> CloneDecision | None:
    """The decision that counts."""
    return max(decisions, key=lambda each: (each.decided_at, each.decision_id), default=None)


def decided_after(decisions: Collection[CloneDecision], *, now: datetime) -> datetime:
    """When the next decision is said to be made: later than all before it, whatever clocks say."""
    last = latest_decision(decisions)
    return now if last is None else max(now, last.decided_at + timedelta(microseconds=1))


def _hold_by(stay_id: StayId, decisions: Sequence[CloneDecision]) -> StayHold | None:
    last = latest_decision(decisions)
    if last is None:
        return StayHold.CLONED_PLATE
    own = last.verdict is Verdict.LIFTED or stay_id in last.own_stay_ids
    return None if own else StayHold.OTHER_CAR


def _read_twice(stay: Stay) -> bool:
    """Say whether both ends were read: a person's word on a leaving is no read of a plate."""
    return stay.state is StayState.CLOSED and not stay.ended_by_hand


def _sightings(visit: Visit, rules: CloneRules) -> Iterator[Sighting]:
    """The reads of a stay that count: both of a closed stay, else one that is sure by itself."""
    stay = visit.stay
    ends = (
        (stay.entered_at, stay.entry_event_id, stay.entry_lane_id, True),
        (stay.left_at, stay.exit_event_id, stay.exit_lane_id, False),
    )
    for at, event_id, lane_id, entry in ends:
        if at is None or event_id is None or lane_id is None:
            continue
        confidence = visit.confidences.get(event_id)
        if not _read_twice(stay) and (confidence is None or confidence < rules.confidence_min):
            continue
        yield Sighting(
            stay_id=stay.stay_id,
            event_id=event_id,
            lot_id=stay.lot_id,
            lane_id=lane_id,
            at=at,
            entry=entry,
            confidence=confidence,
        )


def _too_fast(one: Visit, other: Visit, apart_km: float, rules: CloneRules) -> Conflict | None:
    """The pair of reads that would have needed the highest speed, if that is too high."""
    tolerance = timedelta(seconds=one.tolerance_seconds + other.tolerance_seconds)
    pairs = [
        (abs(here.at - there.at), here, there)
        for here in _sightings(one, rules)
        for there in _sightings(other, rules)
    ]
    if not pairs:
        return None
    gap, here, there = min(pairs, key=lambda pair: pair[0])
    hours = (gap + tolerance).total_seconds() / _HOUR_SECONDS
    if apart_km <= rules.near_km or apart_km <= rules.speed_kmh * hours:
        return None
    needed = apart_km * _HOUR_SECONDS / gap.total_seconds() if gap else None
    return Conflict(
        kind=ConflictKind.TOO_FAST,
        sightings=_in_order(here, there),
        distance_km=round(apart_km, 3),
        speed_kmh=None if needed is None else round(needed, 1),
    )


def _inside_elsewhere(
    around: Visit, elsewhere: Visit, apart_km: float | None, rules: CloneRules
) -> Conflict | None:
    """A read elsewhere, between the two reads of a closed stay, clear of both clocks' drift."""
    stay = around.stay
    if not _read_twice(stay) or stay.entered_at is None or stay.left_at is None:
        return None
    tolerance = timedelta(seconds=around.tolerance_seconds + elsewhere.tolerance_seconds)
    inside = [
        each
        for each in _sightings(elsewhere, rules)
        if stay.entered_at + tolerance < each.at < stay.left_at - tolerance
    ]
    if not inside:
        return None
    return Conflict(
        kind=ConflictKind.INSIDE_ELSEWHERE,
        sightings=_in_order(*_sightings(around, rules), inside[0]),
        distance_km=None if apart_km is None else round(apart_km, 3),
    )


def _in_order(*sightings: Sighting) -> tuple[Sighting, ...]:
    return tuple(sorted(sightings, key=lambda each: (each.at, each.event_id)))
