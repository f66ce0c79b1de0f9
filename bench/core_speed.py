"""How fast the pure core is on one core, and whether time grows in step with the work.

    python bench/core_speed.py

Prints operations a second for stepping, folding and pricing, and for each the ratio between two
sizes: about 1.0 where the cost of one item does not depend on how many there are. Each size is run
several rounds: the rate is the best of them, which is what the code can do, and after it stands the
median, which is what this machine let it do.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

from parking.core.events import LaneEvent, PlateColour, PlateRead, VehicleEntered, VehicleExited
from parking.core.fee_facts import FeeFactId, RightGranted
from parking.core.folding import NeedsRefold, advance, fold
from parking.core.ids import DeviceId, EventId, LaneId, LotId, StayId, uuid7
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.right import Right, offer_named
from parking.core.stay_fee import KnownStay, PlateAccount, stay_fee
from parking.core.tariff_document import read_tariff_toml
from parking.core.tariff_versions import versions_of

if TYPE_CHECKING:
    from parking.core.stay import Stay

TARIFFS = Path(__file__).parents[1] / "tariffs"
T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PLATE = Plate("浙A8B762")
RULES = StayRules()
ROUNDS = 9


class Rate(NamedTuple):
    """Items a second of one core, over some rounds."""

    best: float
    median: float


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


def price_mixed(name: str) -> Callable[[int], None]:
    """Price stays of a minute to 36 hours, at any time of a year."""
    tariff = compile_tariff(read_tariff_toml((TARIFFS / name).read_text(encoding="utf-8")))
    random = Random(1)
    stays = []
    for _ in range(8_000):
        came = T0 + timedelta(seconds=random.randrange(365 * 86_400))
        stays.append(
            (came, came + timedelta(minutes=random.choice([90, 600, 2_160])) * random.random())
        )

    def run(count: int) -> None:
        for came, left in stays[:count]:
            assess(entered_at=came, left_at=left, tariff=tariff, colour=PlateColour.BLUE)

    return run


def price_last(name: str, *, earlier: int, uses_max: int | None = None) -> Callable[[int], None]:
    """Price a stay of 100 min after so many earlier ones of its plate, one a day."""
    document = read_tariff_toml((TARIFFS / name).read_text(encoding="utf-8"))
    versions = versions_of([document])
    stays = [
        KnownStay(
            stay_id=StayId(uuid7(number, number)),
            plate=PLATE,
            colour=PlateColour.BLUE,
            tariff_id=document.tariff_id,
            entered_at=T0 + number * timedelta(days=1),
            left_at=T0 + number * timedelta(days=1) + timedelta(minutes=100),
        )
        for number in range(earlier + 1)
    ]
    last = stays.pop()
    facts = []
    if uses_max is not None:
        facts.append(
            RightGranted(
                fact_id=FeeFactId(uuid7(0, 0)),
                lot_id=LotId("lake"),
                plate=PLATE,
                stay_id=None,
                recorded_at=T0,
                by="bench",
                right_id=document.rights[0].right_id,
                valid_from=last.entered_at - timedelta(days=10),
                uses_max=uses_max,
            )
        )
    account = PlateAccount(facts=facts, stays=tuple(stays))

    def run(count: int) -> None:
        for _ in range(count):
            stay_fee(last, versions_of=lambda _: versions, account=account)

    return run


def growth(title: str, runs: dict[str, tuple[Callable[[int], None], int]]) -> None:
    """Print what an item costs at each size against the first of them."""
    rates = {size: rate_of(run, count) for size, (run, count) in runs.items()}
    first = next(iter(rates.values()))
    told = ", ".join(f"{size} {first.best / rate.best:.2f}" for size, rate in rates.items())
    print(f"{title:<34}{shown(first)}   cost of one against the first: {told}")


def rate_of(run: Callable[[int], object], count: int) -> Rate:
    """Run some rounds; other work on the core is not counted."""
    rates = []
    for _ in range(ROUNDS):
        started = process_time()
        run(count)
        rates.append(count / (process_time() - started))
    return Rate(best=max(rates), median=median(rates))


def shown(rate: Rate) -> str:
    """The best rate, and the median."""
    return f"{rate.best:>10,.0f}/s  median {rate.median:>9,.0f}"


def report(name: str, run: Callable[[int], object], small: int, large: int) -> None:
    """Print the rate at two sizes and how much an item costs at the large against the small."""
    run(small)
    at_small, at_large = rate_of(run, small), rate_of(run, large)
    ratio = at_small.best / at_large.best
    print(f"{name:<34}{shown(at_large)}   cost of one at {large:,} against {small:,}: {ratio:.2f}")


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
    report("assess, Hangzhou core, any stay", price_mixed("hangzhou-core.toml"), 1_000, 8_000)
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
    lengths = {"1 h": 1, "1 d": 24, "30 d": 720, "1 y": 8_760}
    for name in ("hangzhou-core.toml", "guangzhou.toml", "mall.toml"):
        growth(
            f"length of stay, {name.removesuffix('.toml')}",
            {
                size: (price_all(name, timedelta(hours=hours)), max(2_000 // (1 + hours // 8), 8))
                for size, hours in lengths.items()
            },
        )
    for title, name, uses_max in (
        ("earlier stays, free once a day", "library.toml", None),
        ("earlier stays, a counted right", "mall.toml", 20),
        ("the same, used up or nearly", "mall.toml", 8),
    ):
        growth(
            title,
            {
                str(count): (price_last(name, earlier=count, uses_max=uses_max), 200)
                for count in (10, 100, 1_000, 10_000)
            },
        )


if __name__ == "__main__":
    main()
