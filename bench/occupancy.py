"""What occupancy and the watch for clones cost, and that they cost ingest next to nothing.

    python bench/occupancy.py [--history 200000]

Starts a PostgreSQL of its own with 100 lots of 200 open stays each, and as many stays of the past
as asked for, and measures, in processor time of the server's backend and of this process (which a
busy machine hardly changes),

- opening and closing stays, 200 at a time, with the indexes of occupancy and without them, by
  turns (goal: no difference beyond the noise);
- the watch for clones, a plate read (goal: under half of the 200 µs of an event in a batch);
- asking for the occupancy of one lot and of a page of 50, with a tenth of the history and with all
  of it (goal: flat).
"""

import argparse
import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import asyncpg

from parking.core.cloning import CloneRules
from parking.db import occupancy as rows
from parking.db.migrate import upgrade
from parking.db.pool import Pool, open_pool
from parking.postgres import create_database, ensure_running, stop
from parking.services.occupancy import learn_habits, occupancies
from parking.services.place_book import PlaceBook
from parking.services.watch_clones import CloneWatch

LOTS, INSIDE, PLATES = 100, 200, 2_000
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
_PLACES = f"""
insert into parking.operator values ('city', '城', 'City');
insert into parking.tariff values ('plain');
insert into parking.tariff_version (tariff_id, version, effective_from, document)
  values ('plain', 1, '2020-01-01Z', '{{}}');
insert into parking.lot (lot_id, operator_id, name_zh, name_en, zone, spaces, tariff_id, rules,
    latitude, longitude)
  select 'lot-' || n, 'city', 'x', 'x', 'Asia/Shanghai', 300, 'plain', '{{}}', 30 + n * 0.001, 120
  from generate_series(0, {LOTS - 1}) n;
insert into parking.lane (lot_id, lane_id, direction, name)
  select lot_id, 'in', 'entry', 'in' from parking.lot;
insert into parking.device (lot_id, device_id, name) select lot_id, 'box', 'box' from parking.lot;
"""  # noqa: S608 - our own numbers
_STAYS = """
insert into parking.stay (stay_id, lot_id, plate, colour, state, entered_at, left_at,
  entry_event_id, exit_event_id, entry_lane_id, exit_lane_id, trace_id, last_seen_at, tariff_id,
  tariff_version, fee, fee_minor, currency, business_date, chargeable_from, revision, updated_at)
select id, lot_id, plate, 'blue', case when closed then 'closed' else 'open' end, came,
  case when closed then gone end, id, case when closed then gen_random_uuid() end, 'in',
  case when closed then 'in' end, repeat('0', 32), case when closed then gone else came end,
  'plain', case when closed then 1 end, case when closed then '{}'::json end,
  case when closed then 500 end, case when closed then 'CNY' end,
  case when closed then came::date end, case when closed then gone end, 1, came
from (select parking.uuid7_floor(came) id, lot_id, plate, closed, came, came + lasting gone
      from unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[], $5::interval[])
        as given (lot_id, plate, closed, came, lasting)) made
on conflict do nothing
"""
_CLOSE = """
update parking.stay set state = 'closed', left_at = $1::timestamptz, last_seen_at = $1,
  exit_lane_id = 'in', exit_event_id = gen_random_uuid(), tariff_version = 1, fee = '{}',
  fee_minor = 500, currency = 'CNY', business_date = $1::timestamptz::date, chargeable_from = $1
where stay_id in (select stay_id from parking.stay where state = 'open' and plate = any($2))
"""
_READ = """
insert into parking.lane_event (event_id, type, lot_id, lane_id, device_id, occurred_at,
  recorded_at, plate, colour, confidence, trace_id, content_hash)
select gen_random_uuid(), 'vehicle_entered', lot_id, 'in', 'box', $3, $3, plate, 'blue', 0.9,
  repeat('0', 32), decode(repeat('0', 32), 'hex')
from unnest($1::text[], $2::text[]) as given (lot_id, plate)
"""
_TOUCH = """
update parking.stay set updated_at = $2 where stay_id in (
  select (array_agg(stay_id order by left_at desc))[1] from parking.stay
  where plate = any($1) group by plate)
"""
_DROP = "drop index parking.stay_left, parking.stay_exit_missed"
_MAKE = """
create index stay_left on parking.stay (lot_id, left_at)
  where left_at is not null and not dissolved;
create index stay_exit_missed on parking.stay (lot_id, entered_at)
  where state = 'missed_exit' and not dissolved;
"""


def main() -> None:
    """Start a server, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--history", type=int, default=200_000)
    history = parser.parse_args().history
    with tempfile.TemporaryDirectory(prefix="leave-first-bench-") as folder:
        Path(folder).chmod(0o711)
        server = ensure_running(Path(folder) / "data")
        try:
            asyncio.run(create_database(server.url(), "bench"))
            upgrade(server.url("bench"))
            asyncio.run(_run(server.url("bench"), history))
        finally:
            stop(server.data_dir)


async def _run(url: str, history: int) -> None:
    pool = await open_pool(url, size_max=2)
    await _measure(pool, history)
    await pool.close()


def _spent(backend: int) -> float:
    """Processor seconds of a server's backend and of this process together."""
    fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()


async def _measure(pool: Pool, history: int) -> None:
    random = Random(1)
    async with pool.acquire() as connection:
        await connection.execute(_PLACES)
        await _fill(connection, random, LOTS * INSIDE, closed=False)
        await _fill(connection, random, history // 10, closed=True)
        await connection.execute("vacuum analyze parking.stay")
        await learn_habits(pool, NOW)
        little = await _asking(connection)
        await _fill(connection, random, history - history // 10, closed=True)
        await connection.execute("vacuum analyze parking.stay")
        much = await _asking(connection)
        with_them, without = await _opening_and_closing(connection, random)
    for name, before, after in zip(("one lot", "page of 50"), little, much, strict=True):
        print(
            f"occupancy of {name}: {after * 1e3:.2f} ms with {history} past stays, "
            f"{after / before:.2f} of that with a tenth of them"
        )
    print(
        f"opening and closing a stay: {with_them * 1e6:.1f} µs with the indexes, "
        f"{without * 1e6:.1f} µs without, ratio {with_them / without:.3f}"
    )
    per_read = await _watching(pool, random)
    print(f"the watch for clones: {per_read * 1e6:.0f} µs a plate read")


async def _fill(
    connection: asyncpg.Connection, random: Random, stays: int, *, closed: bool
) -> None:
    for start in range(0, stays, 20_000):
        count = min(20_000, stays - start)
        plates = (
            [f"浙B{start + n:06}" for n in range(count)]
            if not closed
            else [f"浙A{random.randrange(PLATES):05}" for _ in range(count)]
        )
        days = 40 if closed else 0.3
        await connection.execute(
            _STAYS,
            [f"lot-{random.randrange(LOTS)}" for _ in range(count)],
            plates,
            [closed] * count,
            [NOW - timedelta(days=days * random.random(), hours=4 * closed) for _ in range(count)],
            [timedelta(minutes=random.expovariate(1 / 90)) for _ in range(count)],
        )


async def _asking(connection: asyncpg.Connection) -> tuple[float, float]:
    """Seconds for the occupancy of one lot, and of a page of 50."""
    backend = await connection.fetchval("select pg_backend_pid()")
    lots = await rows.lots_after(connection, "", limit=50)
    found = []
    for some, times in ((lots[:1], 300), (lots, 20)):
        began = _spent(backend)
        for _ in range(times):
            await occupancies(connection, some, now=NOW)
        found.append((_spent(backend) - began) / times)
    return found[0], found[1]


async def _opening_and_closing(
    connection: asyncpg.Connection, random: Random
) -> tuple[float, float]:
    """Seconds a stay, with the indexes and without, by turns."""
    backend = await connection.fetchval("select pg_backend_pid()")
    spent = {True: 0.0, False: 0.0}
    stays, at_once, rounds = 0, 200, 6
    for turn in range(rounds * 2):
        there = turn % 2 == 0
        if not there:
            await connection.execute(_DROP)
        for _ in range(10):
            plates = [f"沪C{stays + n:06}" for n in range(at_once)]
            stays += at_once
            lots = [f"lot-{random.randrange(LOTS)}" for _ in plates]
            came = [NOW + timedelta(seconds=stays + n) for n in range(at_once)]
            closed, lasting = [False] * at_once, [timedelta(0)] * at_once
            began = _spent(backend)
            await connection.execute(_STAYS, lots, plates, closed, came, lasting)
            await connection.execute(_CLOSE, came[-1], plates)
            spent[there] += _spent(backend) - began
        if not there:
            await connection.execute(_MAKE)
    return spent[True] / stays * 2, spent[False] / stays * 2


async def _watching(pool: Pool, random: Random) -> float:
    """Seconds a read, of plates with dozens of stays in all lots, one of them just written."""
    reads = 1_000
    backend = await pool.fetchval("select pg_backend_pid()")
    # So near that nothing is suspected: what is measured is looking.
    watch = CloneWatch(pool, book=PlaceBook(pool, ttl_seconds=60), rules=CloneRules(near_km=1e6))
    at = NOW + timedelta(days=1)
    await watch.watch_clones(at)
    plates = [f"浙A{plate:05}" for plate in random.sample(range(PLATES), reads)]
    await pool.execute(_TOUCH, plates, at)
    await pool.execute(_READ, [f"lot-{n % LOTS}" for n in range(reads)], plates, at)
    began = _spent(backend)
    await watch.watch_clones(at + timedelta(seconds=1))
    return (_spent(backend) - began) / reads


if __name__ == "__main__":
    main()
