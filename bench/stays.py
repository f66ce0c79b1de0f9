"""How fast stays are folded, and what a stay costs where there are many already.

    python bench/stays.py [--largest 100000]

In the pure core, on one core: plain entries and exits stepped in with 1 to 1,000 earlier stays of
the plate (goal: 100,000 a second, and flat), and whole folds of a plate with as many. Then with a
real PostgreSQL and the real services, one call after the other: an entry and an exit recorded,
and one plate folded again for a late trigger, in lots that hold 100, 10,000 and 100,000 stays, and
for plates with 1 to 1,000 stays of their own. Each size is measured in turn, round by round, so
that whatever else the machine does falls on all of them alike; the ratio to the smallest counts.
"""

import argparse
import asyncio
import hashlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from core_speed import PLATE, RULES, rate_of, step_through, visits

from parking.core.events import LaneEvent, PlateColour, PlateRead, VehicleEntered, VehicleExited
from parking.core.folding import NeedsRefold, advance, fold
from parking.core.ids import DeviceId, EventId, LaneId, LotId, OperatorId, uuid7
from parking.core.limits import IngestLimits
from parking.core.place import Device, Lane, LaneDirection, Lot, Operator
from parking.core.plate import Plate
from parking.core.standing import Standing
from parking.core.stay import Stay
from parking.core.tariff_document import read_tariff_toml
from parking.db import lane_events
from parking.db import stays as stay_rows
from parking.db.migrate import upgrade
from parking.db.pool import Pool, open_pool, transaction
from parking.postgres import create_database, ensure_running, stop
from parking.services.bundle import ParkingServices
from parking.services.check_lane_event import submission_of
from parking.services.refold import refold

OWN_STAYS = (1, 10, 100, 1_000)
LOTS = (100, 10_000, 100_000)
ROUNDS = 40
NOW = datetime.now(UTC)
_NUMBERS = count(1)
_TARIFF = Path(__file__).parents[1] / "tariffs" / "chengdu.toml"
_EVENTS = [
    "event_id",
    "type",
    "lot_id",
    "lane_id",
    "device_id",
    "occurred_at",
    "recorded_at",
    "plate",
    "colour",
    "confidence",
    "trace_id",
    "content_hash",
]
_STAYS = [
    "stay_id",
    "lot_id",
    "plate",
    "colour",
    "state",
    "entered_at",
    "left_at",
    "last_seen_at",
    "entry_event_id",
    "exit_event_id",
    "entry_lane_id",
    "exit_lane_id",
    "trace_id",
    "tariff_id",
    "tariff_version",
    "fee",
    "fee_minor",
    "currency",
    "business_date",
    "chargeable_from",
    "revision",
    "updated_at",
]


class NoStandings:
    """Billing is not asked here."""

    async def standings(self, plates: Collection[Plate]) -> Mapping[Plate, Standing]:
        """Know nobody."""
        del plates
        return {}


def core() -> None:
    """Measure the pure core."""
    events = visits(2 * OWN_STAYS[-1] + 2)
    print("pure core, one process                    per second   cost against the smallest")
    first = 0.0
    for own in OWN_STAYS:
        (tail,) = fold(events[: 2 * own], plate=PLATE, rules=RULES)[-1:]
        came, went = events[2 * own], events[2 * own + 1]

        def pair(
            number: int, tail: Stay = tail, came: LaneEvent = came, went: LaneEvent = went
        ) -> None:
            for _ in range(number):
                step = advance(tail, came, rules=RULES)
                assert not isinstance(step, NeedsRefold)
                advance(step.tail, went, rules=RULES)

        rate = 2 * rate_of(pair, 5_000).best
        first = first or rate
        print(f"  plain entry or exit, {own:>5,} stays before {rate:>12,.0f}   {first / rate:.2f}")
    first = 0.0
    for own in OWN_STAYS:
        mine = events[: 2 * own]
        folds = max(2_000 // own, 3)

        def again(number: int, mine: list[LaneEvent] = mine) -> None:
            for _ in range(number):
                fold(mine, plate=PLATE, rules=RULES)

        rate = rate_of(again, folds).best * 2 * own
        first = first or rate
        print(f"  re-fold, events of {own:>5,} stays        {rate:>12,.0f}   {first / rate:.2f}")
    step_through(events)


async def settle(services: ParkingServices) -> None:
    """Put the lots in place."""
    places = services.places
    operator = Operator(operator_id=OperatorId("city"), name_zh="城", name_en="City")
    await places.put_operator(operator)
    tariff = read_tariff_toml(_TARIFF.read_text(encoding="utf-8"))
    await places.put_tariff_version(
        tariff,
        tariff_id=tariff.tariff_id,
        version=tariff.version,
        effective_from=NOW - timedelta(days=900),
        now=NOW,
    )
    for size in LOTS:
        lot_id = LotId(f"lot-{size}")
        lot = Lot(
            lot_id=lot_id,
            operator_id=operator.operator_id,
            name_zh="场",
            name_en="Lot",
            zone="Asia/Shanghai",
            spaces=size,
            tariff_id=tariff.tariff_id,
        )
        await places.put_lot(lot)
        for name, direction in (("in", LaneDirection.ENTRY), ("out", LaneDirection.EXIT)):
            lane = Lane(lane_id=LaneId(name), lot_id=lot_id, direction=direction, name=name)
            await places.put_lane(lane)
        await places.put_device(Device(device_id=DeviceId("box"), lot_id=lot_id, name="box"))


async def fill(pool: Pool, lot_id: LotId, size: int, version: tuple[str, int]) -> None:
    """Stays of as many cars as the lot is to have, half of them still inside."""
    events, stays = [], []
    for number in range(size):
        came = NOW - timedelta(days=20) + timedelta(seconds=1_000_000 * number / size)
        went = None if number % 2 else came + timedelta(hours=2)
        ids = [_id(came), _id(came)]
        plate, trace = f"浙B{number:05d}", f"{number:032x}"
        for place, at in enumerate([came, went][: 1 + (went is not None)]):
            kind, lane = (("vehicle_entered", "in"), ("vehicle_exited", "out"))[place]
            seal = hashlib.blake2b(ids[place].bytes, digest_size=16).digest()
            row = (ids[place], kind, lot_id, lane, "box", at, at, plate, "blue", 0.97, trace, seal)
            events.append(row)
        stays.append(_stay_row(lot_id, plate, ids, came, went, trace, version))
    async with transaction(pool) as connection:
        for table, columns, rows in (("lane_event", _EVENTS, events), ("stay", _STAYS, stays)):
            await connection.copy_records_to_table(
                table, schema_name="parking", columns=columns, records=rows
            )
    await pool.execute("analyze parking.lane_event")
    await pool.execute("analyze parking.stay")


def _stay_row(
    lot_id: LotId,
    plate: str,
    ids: list[EventId],
    came: datetime,
    went: datetime | None,
    trace: str,
    version: tuple[str, int],
) -> tuple[Any, ...]:
    lane, exit_id = ("out", ids[1]) if went else (None, None)
    state = "closed" if went else "open"
    row: tuple[Any, ...] = (ids[0], lot_id, plate, "blue", state, came, went, went or came)
    row += (ids[0], exit_id, "in", lane, trace, version[0])
    if went is None:
        return (*row, None, None, None, None, None, None, 0, NOW)
    return (*row, version[1], "{}", 0, "CNY", went.date(), went, 1, NOW)


def _id(at: datetime) -> EventId:
    return EventId(uuid7(int(at.timestamp() * 1000), next(_NUMBERS)))


def seen(lot_id: LotId, plate: str, at: datetime, *, entered: bool) -> LaneEvent:
    """An entry or exit."""
    kind: type[LaneEvent] = VehicleEntered if entered else VehicleExited
    return kind(
        event_id=_id(at),
        lot_id=lot_id,
        occurred_at=at,
        recorded_at=at,
        trace_id="0" * 32,
        lane_id=LaneId("in" if entered else "out"),
        device_id=DeviceId("box"),
        read=PlateRead(plate=Plate(plate), colour=PlateColour.BLUE, confidence=0.97),
    )


async def record(services: ParkingServices, events: list[LaneEvent]) -> None:
    """Record events in one call."""
    await services.recorder.record([submission_of(event) for event in events])


async def visit_once(services: ParkingServices, lot_id: LotId, plate: str, day: int) -> None:
    """One car in and out again."""
    at = NOW - timedelta(days=800) + timedelta(hours=18 * day)
    await record(services, [seen(lot_id, plate, at, entered=True)])
    await record(services, [seen(lot_id, plate, at + timedelta(hours=2), entered=False)])


async def fold_again(services: ParkingServices, lot_id: LotId, plate: str) -> None:
    """Work one plate's stays out again as for a late trigger of its newest stay's end."""
    lot, pair = await services.book.lot(lot_id), (lot_id, Plate(plate))
    async with transaction(services.pool) as connection:
        await lane_events.lock(connection, lots_alone=[lot_id])
        tails = await stay_rows.tails(connection, [pair])
        plates = {pair[1]: tails[pair].stay.last_seen_at}
        changes = await refold(connection, lot=lot, plates=plates, book=services.book, now=NOW)
    assert not changes


async def compare(title: str, cases: dict[int, Callable[[int], Awaitable[None]]]) -> None:
    """Measure each case in turn, round by round; print medians and ratios."""
    took: dict[int, list[float]] = {size: [] for size in cases}
    for round_ in range(ROUNDS):
        for size, run in cases.items():
            started = time.perf_counter()
            await run(round_)
            took[size].append(time.perf_counter() - started)
    first = 0.0
    for size, seconds in took.items():
        typical = median(seconds) * 1_000
        first = first or typical
        print(f"  {title:<24}{size:>8,} {typical:>12.2f} ms   {typical / first:.2f}")


async def database(url: str, largest: int) -> None:
    """Measure with PostgreSQL."""
    pool = await open_pool(url, size_max=4)
    services = ParkingServices.build(
        pool=pool, standings=NoStandings(), clock=lambda: NOW, limits=IngestLimits()
    )
    try:
        await settle(services)
        tariff = read_tariff_toml(_TARIFF.read_text(encoding="utf-8"))
        sizes = [size for size in LOTS if size <= largest]
        lots = {size: LotId(f"lot-{size}") for size in sizes}
        for size, lot_id in lots.items():
            await fill(pool, lot_id, size, (tariff.tariff_id, tariff.version))
        small = lots[sizes[0]]
        for own in OWN_STAYS:
            for day in range(own):
                await visit_once(services, small, f"浙C{own:05d}", day)
        for lot_id in lots.values():
            await visit_once(services, lot_id, "浙D00000", 0)
        print("with PostgreSQL, one call at a time             median   against the smallest")
        await compare(
            "in and out, lot with",
            {
                size: lambda n, lot_id=lot_id: visit_once(services, lot_id, f"浙E{n:05d}", n)  # type: ignore[misc]
                for size, lot_id in lots.items()
            },
        )
        await compare(
            "re-fold, lot with",
            {
                size: lambda _, lot_id=lot_id: fold_again(services, lot_id, "浙D00000")  # type: ignore[misc]
                for size, lot_id in lots.items()
            },
        )
        await compare(
            "in and out, own stays",
            {
                own: lambda n, own=own: visit_once(services, small, f"浙C{own:05d}", own + n)  # type: ignore[misc]
                for own in OWN_STAYS
            },
        )
        await compare(
            "re-fold, own stays",
            {
                own: lambda _, own=own: fold_again(services, small, f"浙C{own:05d}")  # type: ignore[misc]
                for own in OWN_STAYS
            },
        )
    finally:
        await services.close()
        await pool.close()


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=LOTS[-1])
    given = parser.parse_args()
    core()
    with tempfile.TemporaryDirectory(prefix="leave-first-bench-") as folder:
        Path(folder).chmod(0o711)
        server = ensure_running(Path(folder) / "pg", overrides={"fsync": "off"})
        try:
            asyncio.run(create_database(server.url(), "bench"))
            upgrade(server.url("bench"))
            asyncio.run(database(server.url("bench"), given.largest))
        finally:
            stop(server.data_dir)


if __name__ == "__main__":
    main()
