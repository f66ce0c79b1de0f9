"""How fast the ledger takes entries, and whether it stays so as it grows.

    python bench/ledger.py [--entries 2000] [--rounds 3] [--millions 1,3,10]

Starts a PostgreSQL of its own (the supervisor's settings, every commit on disk) and measures, with
1 and with 4 worker processes,

- single entries: the entry of a captured payment (five postings, three of them to accounts that all
  workers share), each in a transaction of its own, through `billing.db.ledger.append`;
- batches: 100 such entries a transaction, as the outbox is taken in.

The limit, taken in the same round with as many clients: `pgbench -M prepared`, one statement a
transaction that inserts as many rows (an entry and five postings; or a hundred times that from
generate_series) into tables with the same columns, a primary key and nothing else (goal: at least
0.3 of it for single entries). The figures are those of the round with the best ratio.

With `--millions` the same is measured anew once the ledger holds that many entries, of 100,000 a
day, and beside it what closing a day costs and what reading does: a hot operator's statement of a
closed day and of the open one, and ten days' settlement. Growth is flat where the last figures are
those of the first (goal: within 20 %).
"""

import argparse
import asyncio
import multiprocessing
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from billing.core import accounts
from billing.core.ledger import EntryKind, JournalEntry, gathered
from billing.db import ledger, ledger_days
from parking.core.ids import OperatorId, uuid7
from parking.db.migrate import upgrade
from parking.postgres import Binaries, create_database, ensure_running, stop

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

WORKERS = (1, 4)
BATCH = 100
GOAL, FLAT = 0.3, 0.2
OPERATORS = [f"operator-{number}" for number in range(100)]
PER_DAY = 100_000
FIRST_DAY = date(2026, 1, 1)
READ_ROUNDS = 25
AT_ONCE = 10 * PER_DAY
BARE_TABLES = """
CREATE TABLE bare_entry (entry_id uuid PRIMARY KEY, kind text NOT NULL, source text NOT NULL,
    lines smallint NOT NULL, booked_on date NOT NULL, occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL, trace_id text NOT NULL);
CREATE TABLE bare_posting (entry_id uuid NOT NULL, line smallint NOT NULL, lines smallint NOT NULL,
    account text NOT NULL, amount_minor bigint NOT NULL, currency character(3) NOT NULL,
    booked_on date NOT NULL, PRIMARY KEY (entry_id, line));
"""
BARE_INSERT = """
WITH e AS (INSERT INTO bare_entry SELECT uuidv7(), 'payment_captured', gen_random_uuid()::text, 5,
    current_date, now(), now(), '0af7651916cd43dd8448eb211c80319c' FROM generate_series(1, {count})
    RETURNING entry_id)
INSERT INTO bare_posting SELECT entry_id, line, 5, account, amount_minor, 'CNY', current_date
FROM e, (VALUES (1, 'driver_receivable/operator-1', -1500),
    (2, 'operator_accrued/operator-1', 1500), (3, 'operator_payable/operator-1', -1425),
    (4, 'platform_commission', -75), (5, 'processor_clearing/stripe', 1500))
    AS p (line, account, amount_minor);
"""  # a colon in a text would be a variable of pgbench
ACCOUNTS = """
INSERT INTO billing.ledger_account (account, kind, operator_id) VALUES
    ('platform_commission', 'income', NULL), ('processor_clearing:stripe', 'asset', NULL);
INSERT INTO billing.ledger_account (account, kind, operator_id)
SELECT role || ':operator-' || number, kind, 'operator-' || number
FROM generate_series(0, 99) AS number, (VALUES ('driver_receivable', 'asset'),
    ('operator_accrued', 'liability'), ('operator_payable', 'liability')) AS r (role, kind)
"""
# Days of entries: fees raised, payments captured, the gateway's fees; the operators' shares are
# uneven. Triggers are off for this loading alone.
LOAD = """
WITH n AS (SELECT number, (ARRAY['obligation_assessed', 'payment_captured', 'processor_fee'])
        [1 + number % 3] AS kind, $3::date + (number - $1)::integer / $4 AS booked_on,
        'operator-' || floor(100 * power(random(), 2))::integer AS operator
    FROM generate_series($1::bigint, $2::bigint) AS number),
e AS (INSERT INTO billing.journal_entry (entry_id, kind, source, lines, booked_on, occurred_at,
        recorded_at, trace_id)
    SELECT (lpad(to_hex(number), 12, '0') || '70008000000000000000')::uuid, kind,
        'loaded:' || number, CASE kind WHEN 'payment_captured' THEN 5 ELSE 2 END, booked_on,
        booked_on, booked_on, ''
    FROM n)
INSERT INTO billing.posting (entry_id, line, lines, account, amount_minor, currency, booked_on)
SELECT (lpad(to_hex(number), 12, '0') || '70008000000000000000')::uuid, line,
    CASE n.kind WHEN 'payment_captured' THEN 5 ELSE 2 END, account || CASE WHEN account IN
        ('platform_commission', 'processor_clearing:stripe') THEN '' ELSE ':' || operator END,
    amount_minor, 'CNY', booked_on
FROM n JOIN (VALUES
    ('obligation_assessed', 1, 'driver_receivable', 1500),
    ('obligation_assessed', 2, 'operator_accrued', -1500),
    ('payment_captured', 1, 'driver_receivable', -1500),
    ('payment_captured', 2, 'operator_accrued', 1500),
    ('payment_captured', 3, 'operator_payable', -1425),
    ('payment_captured', 4, 'platform_commission', -75),
    ('payment_captured', 5, 'processor_clearing:stripe', 1500),
    ('processor_fee', 1, 'operator_payable', 9),
    ('processor_fee', 2, 'processor_clearing:stripe', -9)) AS p (kind, line, account, amount_minor)
    USING (kind)
"""

# Rows go in without keys, which are built anew after: a tenth of the time for millions.
KEYS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS dropped,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
        pg_get_constraintdef(oid)) AS made
FROM pg_constraint WHERE contype IN ('p', 'u')
    AND conrelid IN ('billing.journal_entry'::regclass, 'billing.posting'::regclass)
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE NOT indisunique
    AND indrelid IN ('billing.journal_entry'::regclass, 'billing.posting'::regclass)
"""


class Found(NamedTuple):
    """What one round came to, in entries per second."""

    rate: float
    limit: float

    @property
    def ratio(self) -> float:
        """Of the limit that was taken in the same round."""
        return self.rate / self.limit


class Bench(NamedTuple):
    """The server under test."""

    url: str
    folder: Path
    entries: int
    rounds: int


def main() -> None:
    """Measure an empty ledger, and growing ones if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--millions", type=lambda text: [float(n) for n in text.split(",")])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leave-first-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = ensure_running(folder / "postgres", overrides={"max_wal_size": "4GB"})
        try:
            asyncio.run(create_database(server.url(), "bench"))
            upgrade(server.url("bench"))
            bench = Bench(server.url("bench"), folder, given.entries, given.rounds)
            asyncio.run(execute(bench.url, BARE_TABLES + ACCOUNTS))
            if given.millions:
                grow(bench, [int(millions * 1_000_000) for millions in given.millions])
            else:
                write_all(bench, day=FIRST_DAY)
        finally:
            stop(server.data_dir)


def grow(bench: Bench, sizes: list[int]) -> None:
    """Measure at each size; say how the last compares with the first."""
    have, day, figures = 0, FIRST_DAY, []
    for size in sizes:
        started = time.perf_counter()
        day, closing = asyncio.run(load(bench.url, have, size, day))
        have = size
        print(f"\n{size:,} entries (loaded in {time.perf_counter() - started:.0f} s)")
        print(f"closing a day of {PER_DAY:,} entries: {closing:,.0f} ms")
        written = write_all(bench, day=day)
        read = asyncio.run(read_all(bench.url, day))
        figures.append({"closing a day, ms": closing} | read | written)
        day += timedelta(days=1)
    if len(figures) > 1:
        print(f"\nfrom {sizes[0]:,} to {sizes[-1]:,} entries, the last over the first:")
    for name in figures[0] if len(figures) > 1 else ():
        growth = figures[-1][name] / figures[0][name]
        # Of a rate less is worse, of a time more.
        flat = growth >= 1 - FLAT if name.endswith("ratio") else growth <= 1 + FLAT
        print(f"  {name:34} {growth:5.2f}  {'flat' if flat else 'NOT FLAT'}")


def write_all(bench: Bench, *, day: date) -> dict[str, float]:
    """Measure both groupings with each number of workers; booked on an open day."""
    figures = {}
    for batch, name in ((1, "single entries"), (BATCH, f"batches of {BATCH}")):
        for workers in WORKERS:
            best = max(
                (write(bench, workers, batch, day) for _ in range(bench.rounds)),
                key=lambda found: found.ratio,
            )
            goal = f", goal {GOAL}: {'reached' if best.ratio >= GOAL else 'MISSED'}"
            print(
                f"{name}, {workers} worker{'s' * (workers > 1)}: {best.rate:,.0f} entries/s"
                f" of {best.limit:,.0f} by pgbench\n  ratio {best.ratio:.3f}"
                f"{goal if batch == 1 else ''}",
                flush=True,
            )
            figures[f"{name}, {workers}: ratio"] = best.ratio
    return figures


def write(bench: Bench, workers: int, batch: int, day: date) -> Found:
    """One round: half of the limit, the measurement, the other half."""
    # A batch is quicker for each entry: more of them, so that starting up does not count.
    count = bench.entries * (1 if batch == 1 else 5) // (workers * batch)
    before = pgbench(bench, workers, count // 2, batch)
    rate = append(bench.url, workers, count, batch, day)
    limit = statistics.fmean((before, pgbench(bench, workers, count // 2, batch)))
    return Found(rate, limit)


def append(url: str, workers: int, transactions: int, batch: int, day: date) -> float:
    """Entries per second of so many worker processes that begin at once."""
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(workers + 1)
    arguments = (url, transactions, batch, day, gate)
    processes = [spawn.Process(target=worker, args=arguments) for _ in range(workers)]
    for process in processes:
        process.start()
    gate.wait()
    started = time.perf_counter()
    gate.wait()
    seconds = time.perf_counter() - started
    for process in processes:
        process.join()
    return workers * transactions * batch / seconds


def worker(url: str, transactions: int, batch: int, day: date, gate: "Barrier") -> None:
    """A worker process: waits for the others, appends, says that it is done."""
    asyncio.run(_work(url, transactions, batch, day, gate))


async def _work(url: str, transactions: int, batch: int, day: date, gate: "Barrier") -> None:
    connection = await asyncpg.connect(url)
    chance = random.Random(secrets.randbits(64))
    try:
        await _append(connection, 1, batch, day, chance)  # the statements are prepared by now
        gate.wait()
        await _append(connection, transactions, batch, day, chance)
        gate.wait()
    finally:
        await connection.close()


async def _append(
    connection: "asyncpg.Connection[Any]",
    transactions: int,
    batch: int,
    day: date,
    chance: random.Random,
) -> None:
    for _ in range(transactions):
        now = datetime.now(UTC)
        booked = [
            (uuid7(time.time_ns() // 1_000_000, chance.getrandbits(74)), captured(chance, day, now))
            for _ in range(batch)
        ]
        async with connection.transaction():
            await ledger.append(connection, booked, now=now)


def captured(chance: random.Random, day: date, now: datetime) -> JournalEntry:
    """The entry of a payment of 15.00 for some operator."""
    operator_id = OperatorId(chance.choice(OPERATORS))
    legs = (
        (accounts.processor_clearing("stripe"), 1_500),
        (accounts.driver_receivable(operator_id), -1_500),
        (accounts.operator_accrued(operator_id), 1_500),
        (accounts.operator_payable(operator_id), -1_425),
        (accounts.PLATFORM_COMMISSION, -75),
    )
    return JournalEntry(
        kind=EntryKind.PAYMENT_CAPTURED,
        source=str(uuid7(time.time_ns() // 1_000_000, chance.getrandbits(74))),
        booked_on=day,
        occurred_at=now,
        postings=gathered(legs, currency="CNY"),
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def pgbench(bench: Bench, clients: int, transactions: int, batch: int) -> float:
    """Entries per second of pgbench, as many clients and as many rows a transaction."""
    script = bench.folder / "insert.sql"
    text = " ".join(BARE_INSERT.format(count=batch).split())
    script.write_text(text + "\n", encoding="utf-8")
    command = [str(Binaries.embedded().directory / "pgbench"), "--no-vacuum", "--protocol=prepared"]
    command += [f"--client={clients}", f"--jobs={min(clients, 2)}", f"--file={script}"]
    command += [f"--transactions={max(transactions, 10)}", bench.url]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    (line,) = [line for line in run.stdout.splitlines() if "without initial" in line]
    return float(line.split()[2]) * batch


async def load(url: str, have: int, want: int, day: date) -> tuple[date, float]:
    """Fill the ledger with days of entries and close them; closing the last one is timed.

    Answers the next day, which is open, and the milliseconds of that closing.
    """
    connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "off"})
    try:
        keys = await connection.fetch(KEYS)
        for key in keys:
            await connection.execute(key["dropped"])
        await connection.execute("SET session_replication_role = replica")
        for start in range(have, want, AT_ONCE):
            end = min(start + AT_ONCE, want)
            first = day + timedelta(days=(start - have) // PER_DAY)
            await connection.execute(LOAD, start, end - 1, first, PER_DAY)
        await connection.execute("SET session_replication_role = origin")
        for key in keys:
            await connection.execute(key["made"])
        await connection.execute("VACUUM ANALYZE billing.journal_entry, billing.posting")
        last = day + timedelta(days=(want - have - 1) // PER_DAY)
        await _close(connection, last - timedelta(days=1))
        await connection.execute("CHECKPOINT")
        closing = await _milliseconds(lambda: _close(connection, last))
    finally:
        await connection.close()
    return last + timedelta(days=1), closing


async def _close(connection: "asyncpg.Connection[Any]", day: date) -> None:
    async with connection.transaction():
        await ledger_days.close(connection, through=day, now=datetime.now(UTC))


async def read_all(url: str, day: date) -> dict[str, float]:
    """Milliseconds of what statements and settlements read; the best of some rounds."""
    operator_id = OperatorId(OPERATORS[0])
    connection = await asyncpg.connect(url)
    yesterday = day - timedelta(days=1)
    reads: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "a closed day's statement, ms": lambda: _statement(connection, operator_id, yesterday),
        "the open day's statement, ms": lambda: _statement(connection, operator_id, day),
        "ten days' settlement, ms": lambda: ledger.movements_between(
            connection,
            operator_id,
            first=yesterday - timedelta(days=9),
            last=yesterday,
            currency="CNY",
        ),
    }
    figures = {}
    try:
        for name, read in reads.items():
            figures[name] = min([await _milliseconds(read) for _ in range(READ_ROUNDS)])
            print(f"{name[:-4]}: {figures[name]:,.1f} ms")
    finally:
        await connection.close()
    return figures


async def _statement(
    connection: "asyncpg.Connection[Any]", operator_id: OperatorId, day: date
) -> None:
    await ledger.balances_before(connection, operator_id, day=day, currency="CNY")
    await ledger.movements_on(connection, operator_id, day=day, currency="CNY")


async def _milliseconds(read: Callable[[], Coroutine[Any, Any, object]]) -> float:
    started = time.perf_counter()
    await read()
    return (time.perf_counter() - started) * 1_000


async def execute(url: str, sql: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
