"""From obligations to settled payments: how fast, against the simulator's own ceiling.

    python bench/settlement.py [--stays 240] [--rounds 2]

Starts a PostgreSQL of its own (every commit on disk) and `gateway-sim payments` as a process, both
on this machine, and measures with 1 and with 4 worker processes (`billing.worker.run_worker`) how
many priced stays a second become obligations, payments, charges and entries of the ledger: each of
another driver, so each is a payment of its own. The limit, taken before and after: the simulator
alone, answering the same charges (`bench/load.py`, 32 connections). No worker idles while work is
due: the pauses in that time are counted; and none spins: rounds, transactions and processor time of
the same workers in the idle seconds after it. The figures are of the round with the best ratio.
"""

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import asyncpg
import msgspec
import structlog
from gateway import Simulator, request, simulator

from billing.providers.stripe import StripeGateway
from billing.services.ids import new_id
from billing.settings import BillingSettings
from billing.worker import run_worker
from parking.core.events import PlateColour
from parking.core.fee import Fee, FeeLine
from parking.core.ids import LotId, OperatorId, StayId, TariffId
from parking.core.money import Money
from parking.core.plate import Plate
from parking.core.secret import Secret
from parking.db.migrate import upgrade
from parking.messages import StayPriced
from parking.postgres import create_database, ensure_running, stop

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

HERE = Path(__file__).parent
WORKERS = (1, 4)
CONNECTIONS = 32
IDLE_SECONDS = 4
WAIT_SECONDS = 300
FEE = Fee(
    total=Money(1_500),
    lines=(FeeLine(code="rate", amount_minor=1_500, text_zh="计时", text_en="Time"),),
    tariff_id=TariffId("bench"),
    tariff_version=1,
)
DRIVERS = """
WITH n AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
    AS n (account_id, phone, plate, customer_ref)),
a AS (INSERT INTO billing.driver_account (account_id, phone, created_at)
    SELECT account_id, phone, $5 FROM n),
b AS (INSERT INTO billing.plate_binding (binding_id, account_id, plate, bound_at)
    SELECT gen_random_uuid(), account_id, plate, $5 FROM n),
c AS (INSERT INTO billing.gateway_customer (account_id, gateway, customer_ref, created_at)
    SELECT account_id, 'stripe', customer_ref, $5 FROM n)
INSERT INTO billing.payment_method (payment_method_id, account_id, gateway, method_ref, brand,
    last4, set_up_at)
SELECT gen_random_uuid(), account_id, 'stripe', m.method_ref, 'visa', '4242', $5
FROM n JOIN unnest($4::text[], $6::text[]) AS m (customer_ref, method_ref) USING (customer_ref)
"""
SETTLED = "SELECT count(*) FROM billing.payment WHERE state = 'succeeded'"
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


class Counts(NamedTuple):
    """What worker processes told of themselves, in all."""

    rounds: int
    pauses: int
    processor_s: float


class Found(NamedTuple):
    """What one round came to."""

    rate: float
    limit: float
    busy: Counts
    idle: Counts
    idle_transactions: float

    @property
    def ratio(self) -> float:
        """Of the limit that was taken in the same round."""
        return self.rate / self.limit


class Bench(NamedTuple):
    """What is measured."""

    url: str
    it: Simulator
    folder: Path
    plates: list[str]
    customers: list[tuple[str, str]]


def main() -> None:
    """Measure with each number of workers and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stays", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leave-first-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = ensure_running(folder / "postgres")
        try:
            asyncio.run(create_database(server.url(), "bench"))
            url = server.url("bench")
            upgrade(url)
            with simulator(folder) as it:
                plates = [f"浙B{number:05}" for number in range(given.stays)]
                bench = Bench(url, it, folder, plates, drivers(url, it, plates))
                for workers in WORKERS:
                    report(
                        workers,
                        max(
                            (measure(bench, workers) for _ in range(given.rounds)),
                            key=lambda found: found.ratio,
                        ),
                    )
        finally:
            stop(server.data_dir)


def report(workers: int, found: Found) -> None:
    """Print what was found with so many workers."""
    print(
        f"{workers} worker{'s' * (workers > 1)}: {found.rate:,.0f} settled payments/s"
        f" of {found.limit:,.0f} charges/s by the simulator alone: ratio {found.ratio:.3f}\n"
        f"  while work is due: {found.busy.rounds} rounds, {found.busy.pauses} pauses,"
        f" {found.busy.processor_s:.2f} s of processor\n"
        f"  idle, a worker and second: {found.idle.rounds / workers / IDLE_SECONDS:.1f} rounds,"
        f" {found.idle_transactions / workers / IDLE_SECONDS:.0f} transactions,"
        f" {found.idle.processor_s / workers / IDLE_SECONDS * 1_000:.0f} ms of processor",
        flush=True,
    )


def drivers(url: str, it: Simulator, plates: list[str]) -> list[tuple[str, str]]:
    """Make a driver with a card for each plate; answers the gateway's customers and cards."""
    customers = []
    for plate in plates:
        customer = it.ask("POST", "/v1/customers", name=plate)["id"]
        card = it.ask("POST", "/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
        customers.append((customer, card))
    asyncio.run(_store_drivers(url, plates, customers))
    return customers


async def _store_drivers(url: str, plates: list[str], customers: list[tuple[str, str]]) -> None:
    now = datetime.now(UTC) - timedelta(days=1)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            DRIVERS,
            [new_id(now) for _ in plates],
            [f"+86{13_800_000_000 + number}" for number in range(len(plates))],
            plates,
            [customer for customer, _ in customers],
            now,
            [card for _, card in customers],
        )
    finally:
        await connection.close()


def measure(bench: Bench, workers: int) -> Found:
    """One round: half of the limit, the measurement with its idle time, the other half."""
    before = ceiling(bench)
    rate, busy, idle, commits = asyncio.run(_settle(bench, workers))
    return Found(rate, fmean((before, ceiling(bench))), busy, idle, commits)


def ceiling(bench: Bench) -> float:
    """Charges a second that the simulator answers when nothing else is in the way."""
    file = bench.folder / "requests"
    charges = [
        request(
            "POST",
            "/v1/payment_intents",
            key=f"ceiling-{time.time_ns()}",
            amount="1500",
            currency="cny",
            customer=customer,
            payment_method=card,
            confirm="true",
            off_session="true",
        )
        for customer, card in bench.customers
    ]
    file.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in charges))
    command = [sys.executable, str(HERE / "load.py"), "--port", str(bench.it.port)]
    command += ["--connections", str(CONNECTIONS), "--requests", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(len(charges) / json.loads(ran.stdout)["seconds"])


async def _settle(bench: Bench, workers: int) -> tuple[float, Counts, Counts, float]:
    spawn = multiprocessing.get_context("spawn")
    stopping, told = spawn.Event(), spawn.Array("d", [0.0] * (3 * workers))
    arguments = (bench.url, bench.it.port, stopping, told)
    processes = [spawn.Process(target=work, args=(*arguments, n)) for n in range(workers)]
    connection = await asyncpg.connect(bench.url)

    def counts() -> Counts:
        values: list[float] = told[:]
        return Counts(int(sum(values[::3])), int(sum(values[1::3])), sum(values[2::3]))

    try:
        for process in processes:
            process.start()
        while any(told[3 * number] < 4 for number in range(workers)):  # noqa: ASYNC110 - processes
            await asyncio.sleep(0.05)
        want = await connection.fetchval(SETTLED) + len(bench.plates)
        first, started = counts(), time.perf_counter()
        await _publish(connection, bench.plates)
        while await connection.fetchval(SETTLED) < want:
            await asyncio.sleep(0.02)
            if time.perf_counter() - started > WAIT_SECONDS:
                sys.exit(f"not settled after {WAIT_SECONDS} s")
        rate = len(bench.plates) / (time.perf_counter() - started)
        busy = _less(counts(), first)
        await asyncio.sleep(3)  # the report is read and the fees are booked
        first, commits = counts(), await connection.fetchval(COMMITS)
        await asyncio.sleep(IDLE_SECONDS)
        idle, commits = _less(counts(), first), await connection.fetchval(COMMITS) - commits
    finally:
        stopping.set()
        for process in processes:
            process.join()
        await connection.close()
    return rate, busy, idle, commits


def _less(now: Counts, then: Counts) -> Counts:
    return Counts(
        now.rounds - then.rounds, now.pauses - then.pauses, now.processor_s - then.processor_s
    )


async def _publish(connection: "asyncpg.Connection[Any]", plates: list[str]) -> None:
    now = datetime.now(UTC)
    letters = [(new_id(now), msgspec.json.encode(_priced(plate, now)).decode()) for plate in plates]
    await connection.executemany(
        "INSERT INTO parking.outbox (message_id, payload) VALUES ($1, $2::text::jsonb)", letters
    )


def _priced(plate: str, now: datetime) -> StayPriced:
    left_at = now - timedelta(hours=1)
    return StayPriced(
        stay_id=StayId(new_id(now)),
        revision=1,
        lot_id=LotId("lot-1"),
        operator_id=OperatorId("city"),
        plate=Plate(plate),
        colour=PlateColour.BLUE,
        entered_at=left_at - timedelta(hours=2),
        left_at=left_at,
        business_date=left_at.date(),
        fee=FEE,
        chargeable_from=left_at,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


class CountedStop(asyncio.Event):
    """The loop looks whether it is set once a round, and waits for it where it pauses."""

    def __init__(self, told: Any, number: int) -> None:  # noqa: ANN401 - shared memory has no type
        super().__init__()
        self._told, self._at = told, 3 * number

    def is_set(self) -> bool:
        """Count a round, and the processor time up to it."""
        spent = os.times()
        self._told[self._at] += 1
        self._told[self._at + 2] = spent.user + spent.system
        return super().is_set()

    async def wait(self) -> Literal[True]:
        """Count a pause."""
        self._told[self._at + 1] += 1
        return await super().wait()


def work(url: str, port: int, stopping: "Event", told: Any, number: int) -> None:  # noqa: ANN401
    """A worker process: the real loop, whose looks at the clock are counted."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(_work(url, port, stopping, told, number))


async def _work(url: str, port: int, stopping: "Event", told: Any, number: int) -> None:  # noqa: ANN401
    settings = BillingSettings(
        stripe_api_key=Secret("sk_test_bench"),
        stripe_api_url=f"http://127.0.0.1:{port}",
        stripe_webhook_secret=Secret("whsec_bench"),
        settle_seconds=0,
        gather_threshold_minor=0,
        gather_wait_seconds=0,
    )
    pool = await asyncpg.create_pool(url, min_size=2, max_size=12)
    gateway = StripeGateway(settings)
    stop_ = CountedStop(told, number)

    async def watch() -> None:
        while not stopping.is_set():  # noqa: ASYNC110 - an event of another process
            await asyncio.sleep(0.05)
        stop_.set()

    watching = asyncio.create_task(watch())
    await run_worker(pool, gateway, settings, lambda: datetime.now(UTC), stop_)
    await watching
    await gateway.close()
    await pool.close()


if __name__ == "__main__":
    main()
