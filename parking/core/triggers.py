"""Repeated triggers of one car: what was said about one of them holds for all.

A car that stands in a lane triggers the camera again and again, and a misread plate is misread each
time. Who corrects one of these reads means the car; a trigger that arrives later, from a gate that
was without a network, must not open a stay of a car that never came.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias
from uuid import UUID

from parking.core.events import LaneEvent, VehicleEntered
from parking.core.ids import EventId, LaneId
from parking.core.place import StayRules
from parking.core.plate import Plate

REPEATS_WITHIN: Final = timedelta(hours=1)
"""How far from a trigger another one may be and still repeat it. It bounds what must be read from
the database to fold a plate; no car stands in a lane for longer."""

_Row: TypeAlias = tuple[Plate | None, bool, LaneId]


def followers(
    events: Iterable[LaneEvent],
    *,
    leaders: Collection[EventId],
    silent: Collection[EventId],
    rules: StayRules,
) -> Mapping[EventId, EventId]:
    """Find for each trigger without a word of its own the one whose word holds for it.

    `leaders` are events about which something was said, `silent` those about which nothing was or
    that follow none. Triggers repeat each other when they were read alike, in one lane and one
    direction, none further than the lot's debounce from the next. The leader before counts, else
    the one after. Reads without a plate never repeat each other: they may be any two cars.
    """
    rows: dict[_Row, list[LaneEvent]] = {}
    for event in events:
        if event.event_id in leaders and event.read.plate is not None:
            rows.setdefault(_row(event), [])
    if rows:
        for event in events:
            if (row := rows.get(_row(event))) is not None:
                row.append(event)
    found: dict[EventId, EventId] = {}
    for row in rows.values():
        for chain in _chains(sorted(row, key=_order), rules):
            found |= _following(chain, leaders, silent)
    return found


def _chains(row: Sequence[LaneEvent], rules: StayRules) -> Iterable[Sequence[LaneEvent]]:
    debounce = timedelta(seconds=rules.debounce_seconds)
    start = 0
    for index, (earlier, later) in enumerate(pairwise(row), start=1):
        if later.occurred_at - earlier.occurred_at > debounce:
            yield row[start:index]
            start = index
    yield row[start:]


def _following(
    chain: Sequence[LaneEvent], leaders: Collection[EventId], silent: Collection[EventId]
) -> dict[EventId, EventId]:
    found: dict[EventId, EventId] = {}
    for ordered in (chain, chain[::-1]):
        leader: LaneEvent | None = None
        for event in ordered:
            if event.event_id in leaders:
                leader = event
            elif (
                leader is not None
                and event.event_id in silent
                and abs(event.occurred_at - leader.occurred_at) <= REPEATS_WITHIN
            ):
                found.setdefault(event.event_id, leader.event_id)
    return found


def _row(event: LaneEvent) -> _Row:
    return event.read.plate, isinstance(event, VehicleEntered), event.lane_id


def _order(event: LaneEvent) -> tuple[datetime, UUID]:
    return event.occurred_at, event.event_id
