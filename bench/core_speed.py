"""How fast the pure core is on one core, and whether time grows in step with the work.

    python bench/core_speed.py

Prints operations a second for stepping, folding and pricing, and for each the ratio between two
sizes: about 1.0 where the cost of one item does not depend on how many there are.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from parking.core.events import LaneEvent, PlateColour, PlateRead, VehicleEntered, VehicleExited
from parking.core.folding import NeedsRefold, advance, fold
from parking.core.ids import DeviceId, EventId, LaneId, LotId, uuid7
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.right import Right, offer_named
from parking.core.tariff_document import read_tariff_toml

if TYPE_CHECKING:
    from parking.core.stay import Stay

TARIFFS = Path(__file__).parents[1] / "tariffs"
T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PLATE = Plate("浙A8B762")
RULES = StayRules()
ROUNDS = 5


def visits(count: int) -> list[LaneEvent]:
    """One car that comes and goes: `count` events, half an hour apart."""
    read = PlateRead(plate=PLATE, colour=PlateColour.BLUE, confidence=0.97)
    events: list[LaneEvent] = []
    for number in range(count):
        happened_at = T0 + number * timedelta(minutes=30)
        build = VehicleExited if number % 2 else VehicleEntered
        events.append(
            build(
                event_id=EventId(uuid7(int(happened_at.timestamp() * 1000), number)),
                lot_id=LotId("lake"),
                occurred_at=happened_at,
                recorded_at=happened_at,
                trace_id="0" * 32,
                lane_id=LaneId("gate"),
                device_id=DeviceId("box"),
                read=read,
            )
        )
    return events


def step_through(events: list[LaneEvent]) -> None:
    """Take events in one by one, as the hot path does."""
    tail: Stay | None = None
    for event in events:
        step = advance(tail, event, rules=RULES)
        assert not isinstance(step, NeedsRefold)
        tail = step.tail


def price_all(
    name: str, length: timedelta, *, first: datetime = T0, right_id: str | None = None
) -> Callable[[int], None]:
    """Price stays of one length that begin minutes apart, from `first` on."""
    document = read_tariff_toml((TARIFFS / name).read_text(encoding="utf-8"))
    tariff = compile_tariff(document)
    rights = (Right(offer=offer_named(document.rights, right_id)),) if right_id else ()
    minute = timedelta(minutes=1)

    def run(count: int) -> None:
        for number in range(count):
            came = first + number % 240 * minute
            assess(
                entered_at=came,
                left_at=came + length,
                tariff=tariff,
                colour=PlateColour.BLUE,
                rights=rights,
            )

    return run


def rate_of(run: Callable[[int], object], count: int) -> float:
    """The best of a few rounds, in items a second of one core: other work on it is not counted."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = process_time()
        run(count)
        best = min(best, process_time() - started)
    return count / best


def report(name: str, run: Callable[[int], object], small: int, large: int) -> None:
    """Print the rate at two sizes and how much an item costs at the large against the small."""
    run(small)
    at_small, at_large = rate_of(run, small), rate_of(run, large)
    print(
        f"{name:<34}{at_large:>12,.0f}/s   "
        f"cost of one at {large:,} against {small:,}: {at_small / at_large:.2f}"
    )


def main() -> None:
    """Run all."""
    events = visits(16_000)
    report("advance, events", lambda n: step_through(events[:n]), 1_000, 16_000)
    report(
        "fold, events of one plate",
        lambda n: fold(events[:n], plate=PLATE, rules=RULES),
        1_000,
        16_000,
    )
    hundred_minutes, three_days = timedelta(minutes=100), timedelta(days=3)
    report(
        "assess, Hangzhou core 100 min",
        price_all("hangzhou-core.toml", hundred_minutes),
        1_000,
        8_000,
    )
    report("assess, Chengdu 100 min", price_all("chengdu.toml", hundred_minutes), 1_000, 8_000)
    report("assess, Guangzhou 3 days, capped", price_all("guangzhou.toml", three_days), 500, 2_000)
    report("assess, Hangzhou core 3 days", price_all("hangzhou-core.toml", three_days), 500, 2_000)
    holiday = datetime(2026, 2, 17, 1, 0, tzinfo=UTC)
    for title, run in (
        (
            "Hangzhou core, a holiday",
            price_all("hangzhou-core.toml", hundred_minutes, first=holiday),
        ),
        (
            "Hangzhou core, a right",
            price_all("hangzhou-core.toml", hundred_minutes, right_id="citizen-card"),
        ),
        ("Stoke by entry", price_all("stoke.toml", hundred_minutes)),
        ("office, caps of windows", price_all("office.toml", hundred_minutes)),
    ):
        report(f"assess, {title}", run, 500, 2_000)


if __name__ == "__main__":
    main()
