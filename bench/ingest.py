"""How fast lane events go in: the whole transaction over HTTP, against what PostgreSQL can do.

    python bench/ingest.py [--events 40000] [--workers 1] [--rounds 3]

Starts a PostgreSQL of its own (the supervisor's settings, every
commit on disk; only max_connections is raised for pgbench) and
the real application, `parking serve`, as a process of its own, and measures

- single events, 256 connections with one request each in flight, against `pgbench -M prepared` with
  256 clients, each transaction inserting one event row into a table with a primary key and nothing
  else (goal: at least 0.4 of it);
- batches of 100 events, 8 connections, against asyncpg's COPY of the same bare rows in chunks of
  10,000 on one connection (goal: at least 0.10 of it).

Half of the events are entries, half the exits that close those stays: each is made durable,
folded, priced if it closes a stay, and told to billing in the same transaction; each car comes and
goes at instants of its own. Both are measured in turn, several rounds, each between two runs of its
limit on the same server and disk; the round with the median ratio is told, and the ratios of all.
Beside the rates stands the processor time that an event cost each party: on a busy machine that is
the steadier figure. The bare rows have no candidates and one index; for comparison the rate of COPY
of rows as wide as a fact is told too, no part of any goal.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import asyncpg
import httpx
from processor_time import processor_seconds

from parking.core.ids import uuid7
from parking.db.migrate import upgrade
from parking.postgres import Binaries, create_database, ensure_running, stop

ROOT = Path(__file__).resolve().parents[1]
LOTS = 8
BLOCK = 2_000
CLIENTS, BATCH_CLIENTS, BATCH = 256, 8, 100
GOAL_SINGLE, GOAL_BATCH = 0.4, 0.10
ADMIN_KEY = secrets.token_urlsafe(24)
_HEADERS = {"Authorization": f"Bearer {ADMIN_KEY}"}
BARE_TABLE = """
create table bare_event (
  event_id uuid primary key, type text not null, lot_id text not null, lane_id text,
  device_id text, occurred_at timestamptz not null, recorded_at timestamptz not null, plate text,
  colour text, confidence float8, trace_id text not null, content_hash bytea not null)
"""
# As wide as a fact and as easy to find: with what else the camera may have read, and by plate.
WIDE_TABLE = """
create table wide_event (like bare_event including all, candidates jsonb);
create index on wide_event (lot_id, plate, occurred_at)
"""
_CANDIDATES = '[{"text": "浙A8B762", "confidence": 0.97}]'
BARE_INSERT = """
insert into bare_event values (gen_random_uuid(), 'vehicle_entered', 'lot-1', 'in', 'box', now(),
  now(), '浙A8B762', 'blue', 0.97, '0123456789abcdef0123456789abcdef', '0123456789abcdef');
"""
TARIFF = {
    "tariff_id": "bench",
    "version": 1,
    "name_zh": "基准",
    "name_en": "Bench",
    "zone": "Asia/Shanghai",
    "windows": [
        {
            "from": "08:00",
            "until": "20:00",
            "rate": {"type": "units", "steps": [{"price_minor": 500, "unit_minutes": 30}]},
        },
        {"from": "20:00", "until": "08:00", "rate": {"type": "flat", "price_minor": 400}},
    ],
    "free": {"minutes": 15},
    "caps": {"calendar_day_minor": 6000},
}


def main() -> None:
    """Run both measurements and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", type=Path, help="write the server's cProfile figures here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leave-first-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = ensure_running(folder / "postgres", overrides={"max_connections": "300"})
        try:
            asyncio.run(create_database(server.url(), "bench"))
            url = server.url("bench")
            upgrade(url)
            asyncio.run(_execute(url, f"{BARE_TABLE}; {WIDE_TABLE}"))
            with _application(url, given.workers, given.profile) as (port, pid):
                under_test = UnderTest(url, port, _settle(port), folder, pid, server.pid)
                _load(under_test, events=4_000, clients=CLIENTS, batch=1)  # warm caches and plans
                rounds = [
                    (_single(under_test, given.events), _batches(under_test, given.events * 2))
                    for _ in range(given.rounds)
                ]
                singles, batches = zip(*rounds, strict=True)
                _report("single events, 256 at once", singles, "pgbench rows", GOAL_SINGLE)
                _report("batches of 100, 8 at once", batches, "COPY of bare rows", GOAL_BATCH)
                wide = asyncio.run(_copy(url, wide=True))
                print(f"COPY of rows as wide as a fact, for comparison: {wide:,.0f} rows/s")
        finally:
            stop(server.data_dir)


class UnderTest(NamedTuple):
    """What is measured, and where its requests are put together."""

    url: str
    port: int
    keys: list[str]
    folder: Path
    server_pid: int
    postgres_pid: int


class Measured(NamedTuple):
    """One measurement and its limit, in rows a second."""

    found: dict[str, float]
    limit: float

    @property
    def ratio(self) -> float:
        """How much of the limit was reached."""
        return self.found["rate"] / self.limit


def _single(what: UnderTest, events: int) -> Measured:
    before = _pgbench(what.url, what.folder)
    found = _load(what, events=events, clients=CLIENTS, batch=1)
    return Measured(found, fmean((before, _pgbench(what.url, what.folder))))


def _batches(what: UnderTest, events: int) -> Measured:
    before = asyncio.run(_copy(what.url))
    found = _load(what, events=events, clients=BATCH_CLIENTS, batch=BATCH)
    return Measured(found, fmean((before, asyncio.run(_copy(what.url)))))


def _report(what: str, rounds: Sequence[Measured], limit_name: str, goal: float) -> None:
    ordered = sorted(rounds, key=lambda each: each.ratio)
    found, limit = median = ordered[len(ordered) // 2]
    print(
        f"{what}: {found['rate']:,.0f} events/s, p50 {found['p50_ms']:.1f} ms,"
        f" p99 {found['p99_ms']:.1f} ms\n"
        f"  limit, {limit_name}: {limit:,.0f} rows/s\n"
        f"  ratio {median.ratio:.3f}, goal {goal}:"
        f" {'reached' if median.ratio >= goal else 'MISSED'}"
        f" (rounds: {', '.join(f'{each.ratio:.3f}' for each in rounds)})\n"
        f"  µs of processor an event: server {found['server_us']:.0f},"
        f" PostgreSQL {found['postgres_us']:.0f}, load generator {found['load_us']:.0f}"
    )


@contextmanager
def _application(url: str, workers: int, profile: Path | None) -> Iterator[tuple[int, int]]:
    """The real server in a process of its own: its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environ = os.environ | {
        "DATABASE_URL": url,
        "PARKING_ADMIN_KEY": ADMIN_KEY,
        "PARKING_LOG_LEVEL": "warning",
        "PARKING_BILLING_STRIPE_WEBHOOK_SECRET": "whsec_" + secrets.token_hex(16),
        "PARKING_BILLING_STRIPE_API_KEY": "sk_test_" + secrets.token_hex(12),
        "PARKING_INGEST_DEVICE_EVENTS_PER_SECOND": "1000000",
        "PARKING_INGEST_DEVICE_EVENTS_BURST": "1000000",
    }
    serve = ["serve", "--port", str(port), "--workers", str(workers)]
    run = ["-m", "cProfile", "-o", str(profile)] if profile else []
    command = [sys.executable, *run, str(Path(sys.executable).with_name("parking")), *serve]
    process = subprocess.Popen(command, env=environ, cwd=ROOT)
    try:
        _await_ready(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGINT)  # a profile is written only when Python ends
        process.wait(timeout=30)


def _await_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the application ended with code {process.returncode}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit("the application did not become ready in 30 s")


def _settle(port: int) -> list[str]:
    """Put the lots in place; answer a device key for each."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=_HEADERS) as client:
        _put(client, "/v1/operators/city", {"name_zh": "城", "name_en": "City"})
        body = {"effective_from": "2020-01-01T00:00:00Z", "tariff": TARIFF}
        _put(client, "/v1/tariffs/bench/versions/1", body)
        return [_settle_lot(client, f"lot-{number}") for number in range(LOTS)]


def _settle_lot(client: httpx.Client, lot_id: str) -> str:
    lot = {"operator_id": "city", "tariff_id": "bench", "zone": "Asia/Shanghai", "spaces": 500}
    _put(client, f"/v1/lots/{lot_id}", lot | {"name_zh": "场", "name_en": "Lot"})
    for lane_id, direction in (("in", "entry"), ("out", "exit")):
        lane = {"direction": direction, "name": lane_id}
        _put(client, f"/v1/lots/{lot_id}/lanes/{lane_id}", lane)
    _put(client, f"/v1/lots/{lot_id}/devices/box", {"name": "box"})
    reply = client.post(f"/v1/lots/{lot_id}/devices/box/keys").raise_for_status()
    return str(reply.json()["key"])


def _put(client: httpx.Client, path: str, body: object) -> None:
    client.put(path, json=body).raise_for_status()


def _load(what: UnderTest, *, events: int, clients: int, batch: int) -> dict[str, float]:
    """Send fresh events from another process; answer rate, latencies and processor times."""
    path = what.folder / "requests"
    path.write_bytes(b"".join(_requests(what.keys, events, batch)))
    command = [sys.executable, str(Path(__file__).with_name("load.py")), "--port", str(what.port)]
    command += ["--connections", str(clients), "--requests", str(path)]
    before = _processor_seconds(what)
    run = subprocess.run(command, check=True, capture_output=True)
    spent = [now - then for now, then in zip(_processor_seconds(what), before, strict=True)]
    found = json.loads(run.stdout)
    expected = {"201" if batch == 1 else "200": events // batch}
    if found["statuses"] != expected:
        sys.exit(f"unexpected answers: {found['statuses']}, expected {expected}")
    server_us, postgres_us, load_us = (1e6 * seconds / events for seconds in spent)
    return {
        **found,
        "rate": events / found["seconds"],
        "server_us": server_us,
        "postgres_us": postgres_us,
        "load_us": load_us,
    }


def _processor_seconds(what: UnderTest) -> tuple[float, float, float]:
    """Of the server, of PostgreSQL, and of load generators that are done."""
    done = os.times()
    load = done.children_user + done.children_system
    return processor_seconds(what.server_pid), processor_seconds(what.postgres_pid), load


def _requests(keys: list[str], events: int, batch: int) -> Iterator[bytes]:
    """Blocks of entries, each followed by the exits that close their stays."""
    rng = random.Random(time.time_ns())
    for _ in range(max(1, events // (2 * BLOCK))):
        size = min(BLOCK, events // 2)
        plates = [f"浙{rng.choice('ABCD')}{rng.randrange(36**5):05X}"[:8] for _ in range(size)]
        for kind, lane, hours in (("entered", "in", 3), ("exited", "out", 1)):
            latest = datetime.now(UTC) - timedelta(hours=hours)
            for start in range(0, size, batch):
                lot = start // batch % len(keys)
                chosen = plates[start : start + batch]
                instants = [latest - rng.random() * timedelta(hours=1) for _ in chosen]
                said = [
                    _event(kind, lane, f"lot-{lot}", plate, at)
                    for plate, at in zip(chosen, instants, strict=True)
                ]
                body = said[0] if batch == 1 else b"[" + b",".join(said) + b"]"
                request = _request(keys[lot], body)
                yield len(request).to_bytes(4, "big") + request


def _event(kind: str, lane: str, lot_id: str, plate: str, at: datetime) -> bytes:
    event_id = uuid7(time.time_ns() // 1_000_000, secrets.randbits(74))
    event = {
        "type": f"vehicle_{kind}",
        "event_id": str(event_id),
        "lot_id": lot_id,
        "lane_id": lane,
        "occurred_at": at.isoformat(),
        "read": {
            "plate": plate,
            "colour": "blue",
            "confidence": 0.97,
            "candidates": [{"text": plate, "confidence": 0.97}],
        },
        "trace_id": event_id.hex,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def _request(key: str, body: bytes) -> bytes:
    head = (
        "POST /v1/lane-events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _pgbench(url: str, folder: Path) -> float:
    """Transactions per second of one-row inserts, prepared, as many clients as we have."""
    script = folder / "insert.sql"
    script.write_text(BARE_INSERT.replace("\n", " ").strip() + "\n", encoding="utf-8")
    command = [str(Binaries.embedded().directory / "pgbench"), "--no-vacuum", "--protocol=prepared"]
    command += [f"--client={CLIENTS}", "--jobs=2", "--transactions=200", f"--file={script}", url]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    (line,) = [line for line in run.stdout.splitlines() if "without initial" in line]
    return float(line.split()[2])


async def _copy(url: str, rows: int = 100_000, chunk: int = 10_000, *, wide: bool = False) -> float:
    """Rows per second of COPY of bare event rows, or of rows with the candidates of a fact too."""
    table, more = ("wide_event", (_CANDIDATES,)) if wide else ("bare_event", ())
    now = datetime.now(UTC)
    records = [
        (
            uuid7(time.time_ns() // 1_000_000, secrets.randbits(74)),
            "vehicle_entered",
            "lot-1",
            "in",
            "box",
            now,
            now,
            "浙A8B762",
            "blue",
            0.97,
            "0123456789abcdef0123456789abcdef",
            b"0123456789abcdef",
            *more,
        )
        for _ in range(rows)
    ]
    connection = await asyncpg.connect(url)
    try:
        started = time.perf_counter()
        for start in range(0, rows, chunk):
            part = records[start : start + chunk]
            await connection.copy_records_to_table(table, records=part)
        return rows / (time.perf_counter() - started)
    finally:
        await connection.close()


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
