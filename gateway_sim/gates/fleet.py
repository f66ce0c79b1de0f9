"""A fleet of gates without pixels: what the gate boxes of a scenario post, over a bad network.

Lanes trigger twice, clocks are a little off, events are held up and overtaken, and what may have
been lost on the way is sent again. None of it may change what comes out: `expected_stays` says
what that is, worked out from the truth alone.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID

import msgspec

from gateway_sim.gates.scenario import Mishap, Pass, Scenario, Visit
from parking.core.events import PlateColour
from parking.core.ids import uuid7
from parking.core.stay import StayState

_REPEAT_SECONDS = (2.0, 20.0)
_PASSED_THROUGH = timedelta(minutes=2)
"""A car that is out again this soon triggers each lane once."""
_ENTERED, _EXITED = "vehicle_entered", "vehicle_exited"


class FleetFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How bad cameras, clocks and network are. Shares are 0.0 to 1.0 of all passes or events."""

    repeat_share: float = 0.2
    """A lane triggers a second time while the car stands there: an event of its own."""
    resend_share: float = 0.25
    """The very same event is sent a second time later."""
    delay_share: float = 0.3
    """An event is held up, and overtaken."""
    delay_seconds_max: float = 6 * 3600
    drift_seconds_max: float = 20
    """How far a lane's clock is off, either way; two lanes differ by up to twice of this."""
    batch_events_max: int = 12


class LaneRead(msgspec.Struct, frozen=True, kw_only=True):
    """The read of a posted event, as the API has it."""

    plate: str | None
    colour: PlateColour
    confidence: float


class LaneReport(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a gate box posts it to `/v1/lane-events`."""

    type: str
    event_id: UUID
    lot_id: str
    lane_id: str
    occurred_at: datetime
    """On the lane's own clock."""
    read: LaneRead
    trace_id: str


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a gate box: its lot's events, in the order in which they got through."""

    lot_id: str
    reports: tuple[LaneReport, ...]


class ExpectedStay(msgspec.Struct, frozen=True, kw_only=True):
    """What must come of a visit, on the clocks of its lanes."""

    lot_id: str
    plate: str
    state: StayState
    entered_at: datetime | None
    """In UTC, as is `left_at`."""
    left_at: datetime | None


class _Sent(msgspec.Struct, frozen=True):
    report: LaneReport
    arrives_at: datetime


def postings(scenario: Scenario, faults: FleetFaults, *, seed: int) -> tuple[Posting, ...]:
    """All requests of the day in the order of their arrival; the same arguments, the same order."""
    chance = random.Random(f"fleet {seed}")
    sent: list[_Sent] = []
    for item in scenario.passes:
        if item.delivered:
            again = _stays_a_while(item, scenario.visits)
            for report in _reports(item, faults, chance, scenario.seed, again=again):
                sent.extend(_arrivals(report, faults, chance))
    sent.sort(key=lambda each: (each.arrives_at, each.report.event_id))
    return tuple(_batched([each.report for each in sent], faults, chance))


def expected_stays(scenario: Scenario, faults: FleetFaults) -> tuple[ExpectedStay, ...]:
    """What the visits must come to, one stay each; near misses are taken as confirmed."""
    delivered = {(item.plate, item.captured_at): item for item in scenario.passes}
    expected = []
    for visit in scenario.visits:
        came = delivered[visit.plate, visit.entered_at]
        went = delivered[visit.plate, visit.left_at]
        expected.append(_expected(visit, came, went, scenario, faults))
    return tuple(expected)


def clock_error(lane: str, faults: FleetFaults, *, seed: int) -> timedelta:
    """How far a lane's clock is ahead; the same all day."""
    chance = random.Random(f"clock {seed} {lane}")
    off = chance.uniform(-faults.drift_seconds_max, faults.drift_seconds_max)
    return timedelta(milliseconds=round(off * 1000))


def _expected(
    visit: Visit, came: Pass, went: Pass, scenario: Scenario, faults: FleetFaults
) -> ExpectedStay:
    entered_at = _on_lane_clock(came, scenario, faults)
    state, left_at = StayState.CLOSED, None
    if visit.mishap is Mishap.MISSED_EXIT:
        again = any(_is_later_visit(other, visit) for other in scenario.visits)
        state = StayState.MISSED_EXIT if again else StayState.OPEN
    else:
        # Clocks that make a car leave before it came: it left when it came.
        left_at = max(_on_lane_clock(went, scenario, faults), entered_at)
    return ExpectedStay(
        lot_id=visit.lot, plate=visit.plate, state=state, entered_at=entered_at, left_at=left_at
    )


def _is_later_visit(other: Visit, visit: Visit) -> bool:
    same_car = other.plate == visit.plate and other.lot == visit.lot
    return same_car and other.entered_at > visit.left_at


def _on_lane_clock(item: Pass, scenario: Scenario, faults: FleetFaults) -> datetime:
    at = item.captured_at + clock_error(item.lane, faults, seed=scenario.seed)
    return at.astimezone(UTC)


def _stays_a_while(item: Pass, visits: Sequence[Visit]) -> bool:
    return not any(
        visit.plate == item.plate and visit.left_at - visit.entered_at < _PASSED_THROUGH
        for visit in visits
    )


def _reports(
    item: Pass, faults: FleetFaults, chance: random.Random, seed: int, *, again: bool
) -> list[LaneReport]:
    """The events of one pass: one, or two where the lane triggers again."""
    seen_at = [item.captured_at + clock_error(item.lane, faults, seed=seed)]
    if again and chance.random() < faults.repeat_share:
        later = round(chance.uniform(*_REPEAT_SECONDS) * 1000)
        seen_at.append(seen_at[0] + timedelta(milliseconds=later))
    return [_report(item, at, chance) for at in seen_at]


def _report(item: Pass, at: datetime, chance: random.Random) -> LaneReport:
    lot, _, lane = item.lane.partition("/")
    return LaneReport(
        type=_ENTERED if lane.startswith("in") else _EXITED,
        event_id=uuid7(int(at.timestamp() * 1000), chance.getrandbits(74)),
        lot_id=lot,
        lane_id=lane,
        occurred_at=at,
        read=LaneRead(
            plate=item.shows or item.plate,
            colour=item.colour,
            confidence=round(chance.uniform(0.85, 0.99), 3),
        ),
        trace_id=f"{chance.getrandbits(128):032x}",
    )


def _arrivals(report: LaneReport, faults: FleetFaults, chance: random.Random) -> list[_Sent]:
    """When an event gets through: soon or late, once or twice."""
    times = [report.occurred_at + _delay(faults, chance)]
    if chance.random() < faults.resend_share:
        times.append(times[0] + _delay(faults, chance))
    return [_Sent(report, at) for at in times]


def _delay(faults: FleetFaults, chance: random.Random) -> timedelta:
    held_up = chance.random() < faults.delay_share
    return timedelta(seconds=chance.uniform(0.1, faults.delay_seconds_max if held_up else 2.0))


def _batched(
    reports: Sequence[LaneReport], faults: FleetFaults, chance: random.Random
) -> list[Posting]:
    """Cut the stream into requests: each holds one lot's neighbours, up to a random number."""
    made = []
    for lot, run in groupby(reports, key=lambda report: report.lot_id):
        waiting = list(run)
        while waiting:
            size = chance.randint(1, faults.batch_events_max)
            made.append(Posting(lot_id=lot, reports=tuple(waiting[:size])))
            waiting = waiting[size:]
    return made
