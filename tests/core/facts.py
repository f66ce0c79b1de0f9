"""Facts for tests: short builders for examples, strategies for properties.

Times are seconds after T0. The strategies keep to few plates and to gaps around the lot's limits,
so that debounce, clock drift, maximum stay and ties all happen often.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from parking.core.events import (
    Ending,
    EventWithdrawn,
    Fact,
    LaneEvent,
    PlateColour,
    PlateCorrected,
    PlateRead,
    StayEnded,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import DeviceId, EventId, LaneId, LotId, uuid7
from parking.core.place import StayRules
from parking.core.plate import Plate

T0 = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
LOT = LotId("lot-a")
PLATE, OTHER, THIRD = Plate("浙A8B762"), Plate("浙AB8762"), Plate("粤B12345")
PLATES = (PLATE, OTHER, THIRD)
RULES = StayRules(debounce_seconds=30, maximum_stay_hours=1, clock_drift_tolerance_seconds=60)
GAPS = (0, 1, 29, 30, 31, 59, 60, 61, 600, 3599, 3600, 3601, 9000)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def event_id(number: int) -> EventId:
    return EventId(uuid7(1_772_337_600_000 + number, number * 7919))


def entry(
    seconds: float,
    plate: Plate | None = PLATE,
    *,
    number: int | None = None,
    colour: PlateColour = PlateColour.BLUE,
) -> VehicleEntered:
    return VehicleEntered(
        event_id=event_id(int(seconds * 2) if number is None else number),
        lot_id=LOT,
        occurred_at=at(seconds),
        recorded_at=at(seconds),
        trace_id=f"{int(seconds):032x}",
        lane_id=LaneId("in"),
        device_id=DeviceId("box"),
        read=PlateRead(plate=plate, colour=colour, confidence=0.9),
    )


def leave(
    seconds: float,
    plate: Plate | None = PLATE,
    *,
    number: int | None = None,
    colour: PlateColour = PlateColour.BLUE,
) -> VehicleExited:
    return VehicleExited(
        event_id=event_id(int(seconds * 2) + 1 if number is None else number),
        lot_id=LOT,
        occurred_at=at(seconds),
        recorded_at=at(seconds),
        trace_id=f"{int(seconds):032x}",
        lane_id=LaneId("out"),
        device_id=DeviceId("box"),
        read=PlateRead(plate=plate, colour=colour, confidence=0.9),
    )


def correction(
    of: Fact,
    plate: Plate,
    *,
    number: int,
    recorded: float = 50_000,
    colour: PlateColour = PlateColour.UNKNOWN,
) -> PlateCorrected:
    return PlateCorrected(
        event_id=event_id(number),
        lot_id=LOT,
        occurred_at=at(recorded),
        recorded_at=at(recorded),
        corrects=of.event_id,
        plate=plate,
        colour=colour,
        by="operator:one",
    )


def withdrawal(of: Fact, *, number: int, recorded: float = 60_000) -> EventWithdrawn:
    return EventWithdrawn(
        event_id=event_id(number),
        lot_id=LOT,
        occurred_at=at(recorded),
        recorded_at=at(recorded),
        withdraws=of.event_id,
        by="operator:one",
    )


def ending(
    of: Fact, how: Ending, seconds: float, *, number: int, recorded: float = 70_000
) -> StayEnded:
    return StayEnded(
        event_id=event_id(number),
        lot_id=LOT,
        occurred_at=at(seconds),
        recorded_at=at(recorded),
        ends=of.event_id,
        how=how,
        by="operator:one",
        reason="the guard says so",
    )


_colours = st.sampled_from([PlateColour.BLUE, PlateColour.GREEN, PlateColour.UNKNOWN])


@st.composite
def lane_events(
    draw: st.DrawFn, plates: tuple[Plate | None, ...] = (PLATE,), max_size: int = 12
) -> list[LaneEvent]:
    """Lane events in the order of their times."""
    seconds = 0
    events: list[LaneEvent] = []
    for number in range(draw(st.integers(0, max_size))):
        seconds += draw(st.sampled_from(GAPS))
        came = draw(st.booleans())
        plate = draw(st.sampled_from(plates))
        # The id's order need not be the order of time: boxes have clocks of their own.
        name = draw(st.sampled_from([number, 500 - number]))
        colour = draw(_colours)
        event: LaneEvent = (
            entry(seconds, plate, number=name, colour=colour)
            if came
            else leave(seconds, plate, number=name, colour=colour)
        )
        events.append(event)
    return events


TICKET = Plate("票0123456789ABCDE")
CREDENTIALS = (*PLATES, TICKET)


@st.composite
def fact_sets(draw: st.DrawFn) -> list[Fact]:
    """Lane events of several plates and none, with all that can be said about any of them."""
    facts: list[Fact] = [*draw(lane_events((PLATE, PLATE, OTHER, None)))]
    for number in range(1000, 1000 + draw(st.integers(0, 6)) if facts else 1000):
        about = draw(st.sampled_from(facts))
        recorded = draw(st.integers(0, 3))
        kind = draw(st.sampled_from(("corrected", "corrected", "withdrawn", "ended")))
        if kind == "corrected":
            plate, colour = draw(st.sampled_from(CREDENTIALS)), draw(_colours)
            facts.append(correction(about, plate, number=number, recorded=recorded, colour=colour))
        elif kind == "withdrawn":
            facts.append(withdrawal(about, number=number, recorded=recorded))
        else:
            how, gap = draw(st.sampled_from(Ending)), draw(st.sampled_from(GAPS))
            left = (about.occurred_at - T0).total_seconds() + gap
            facts.append(ending(about, how, left, number=number, recorded=recorded))
    return facts
