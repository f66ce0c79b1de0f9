"""What the live page costs where there is much history already.

    python bench/live.py [--stays 300000] [--lots 3000]

Starts a PostgreSQL of its own, fills a city of 200 operators with a month of stays, events,
obligations, payments and postings, and times what the page reads, for the city and for one
operator: with a tenth of the history and with all of it, at as many cars a day (goal: flat). The
newest stays and payments are read for each who looks, each second; how all stand is shared by all
who look (portal/pages/shared.py), so it may cost more.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import asyncpg

from billing.db import ledger_days
from parking.db.migrate import upgrade
from parking.postgres import create_database, ensure_running, stop
from portal.pages.newest import newest_payments, newest_stays
from portal.pages.standing import standing

OPERATORS, DAYS, ROUNDS = 200, 30, 9
NOW = datetime.now(UTC)
_CITY = f"""
insert into parking.operator
  select 'op-' || n, '运营' || n, 'Op ' || n from generate_series(0, {OPERATORS - 1}) n;
insert into parking.tariff values ('plain');
insert into parking.tariff_version (tariff_id, version, effective_from, document)
  values ('plain', 1, '2020-01-01Z', '{{}}');
insert into parking.lot
    (lot_id, operator_id, name_zh, name_en, zone, spaces, tariff_id, rules)
  select 'lot-' || n, 'op-' || n % {OPERATORS}, '停' || n, 'Lot ' || n, 'Asia/Shanghai', 120,
    'plain', '{{}}' from generate_series(0, $LOTS$ - 1) n;
insert into billing.ledger_account
  select role || ':op-' || n, kind, 'op-' || n from generate_series(0, {OPERATORS - 1}) n,
    (values ('driver_receivable', 'asset'), ('operator_accrued', 'liability'),
            ('operator_payable', 'liability')) roles (role, kind);
"""  # noqa: S608 - our own numbers
# Ids are the instants of what they are about, made distinct by the number.
_SEEN = """
create temp table seen as
select *, came + lasting as gone, came + lasting <= $1 as closed,
  overlay(parking.uuid7_floor(came)::text
    placing '8000-' || lpad(to_hex(n), 12, '0') from 20 for 17)::uuid as came_id,
  overlay(parking.uuid7_floor(came + lasting)::text
    placing '9000-' || lpad(to_hex(n), 12, '0') from 20 for 17)::uuid as gone_id
from (select n, n::bigint * 7919 % $4 as lot,
        '浙A' || lpad((n::bigint * 104729 % 99991)::text, 5, '0') as plate,
        $2::timestamptz + ($3::timestamptz - $2) * (n::float / $5) as came,
        interval '1 minute' * (10 + n::bigint * 31 % 300) as lasting
      from generate_series(1, $5::int) n) as numbered
"""
_FILL = """
insert into parking.stay (stay_id, lot_id, plate, colour, state, entered_at, left_at,
    entry_event_id, exit_event_id, entry_lane_id, exit_lane_id, trace_id, last_seen_at, tariff_id,
    tariff_version, fee, fee_minor, currency, business_date, chargeable_from, revision, updated_at)
  select came_id, 'lot-' || lot, plate, 'blue', case when closed then 'closed' else 'open' end,
    came, case when closed then gone end, came_id, case when closed then gone_id end, 'in',
    case when closed then 'out' end, repeat('0', 32), case when closed then gone else came end,
    'plain', case when closed then 1 end, case when closed then '{"lines": []}'::json end,
    case when closed then 500 end, case when closed then 'CNY' end,
    case when closed then came::date end, case when closed then gone end, 1, came
  from seen order by case when closed then gone else came end on conflict do nothing;
insert into parking.lane_event (event_id, type, lot_id, lane_id, device_id, occurred_at,
    recorded_at, plate, colour, confidence, trace_id, content_hash)
  select came_id, 'vehicle_entered', 'lot-' || lot, 'in', 'box', came, came, plate, 'blue', 0.9,
    repeat('0', 32), decode(repeat('0', 32), 'hex') from seen
  union all
  select gone_id, 'vehicle_exited', 'lot-' || lot, 'out', 'box', gone, gone, plate, 'blue', 0.9,
    repeat('0', 32), decode(repeat('0', 32), 'hex') from seen where closed;
insert into billing.obligation (obligation_id, stay_id, revision, operator_id, lot_id, plate,
    entered_at, left_at, business_date, currency, charged_minor, captured_minor, commission_bp,
    state, chargeable_from, fee, trace_id, created_at, updated_at)
  select gone_id, came_id, 1, 'op-' || lot % 200, 'lot-' || lot, plate, came, gone, gone::date,
    'CNY', 500, 500, 500, 'paid', gone, '{}', repeat('0', 32), gone, gone
  from seen where closed order by seen.gone;
insert into billing.payment (payment_id, method, gateway, amount_minor, currency, state, attempts,
    fee_minor, captured_at, trace_id, created_at, updated_at, payment_ref, charge_ref, checkout_ref)
  select gone_id, 'checkout', 'stripe', 500, 'CNY', 'succeeded', 1, 3, gone, repeat('0', 32), gone,
    gone, 'pi_' || gone_id, 'ch_' || gone_id, 'cs_' || gone_id
  from seen where closed order by seen.gone;
insert into billing.payment_allocation (payment_id, obligation_id, amount_minor, state)
  select gone_id, gone_id, 500, 'captured' from seen where closed order by seen.gone;
insert into billing.journal_entry
    (entry_id, kind, source, lines, booked_on, occurred_at, recorded_at, trace_id)
  select gone_id, 'obligation_assessed', 'obligation:' || gone_id, 2, gone::date, gone, gone,
    repeat('0', 32) from seen where closed order by seen.gone;
insert into billing.posting (entry_id, line, lines, account, amount_minor, currency, booked_on)
  select gone_id, line, 2, role || ':op-' || lot % 200, amount, 'CNY', gone::date
  from seen, (values (1, 'driver_receivable', 500), (2, 'operator_accrued', -500))
    as legs (line, role, amount) where closed order by seen.gone;
drop table seen;
truncate billing.ledger_closing, billing.account_day, billing.balance_checkpoint
"""


def main() -> None:
    """Start a server, fill it twice, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--stays", type=int, default=300_000)
    parser.add_argument("--lots", type=int, default=3_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leave-first-bench-") as folder:
        Path(folder).chmod(0o711)
        server = ensure_running(Path(folder) / "data")
        try:
            asyncio.run(create_database(server.url(), "bench"))
            upgrade(server.url("bench"))
            asyncio.run(_run(server.url("bench"), given.stays, given.lots))
        finally:
            stop(server.data_dir)


async def _run(url: str, stays: int, lots: int) -> None:
    db = await asyncpg.connect(url)
    # The rows hold what the checks demand; the triggers would look through them again.
    await db.execute("set session_replication_role = replica")
    await db.execute(_CITY.replace("$LOTS$", str(lots)))
    began = NOW - timedelta(days=DAYS)
    recent = NOW - timedelta(days=DAYS / 10)
    few = await _filled(db, stays // 10, lots, since=recent, until=NOW)
    many = await _filled(db, stays - stays // 10, lots, since=began, until=recent)
    print(
        f"{lots:,} lots, {OPERATORS} operators      {stays // 10:,} stays   {stays:,} stays   ratio"
    )
    for name, first in few.items():
        print(f"  {name:<30} {first:10.1f} ms {many[name]:12.1f} ms {many[name] / first:7.2f}")
    await db.close()


async def _filled(
    db: asyncpg.Connection, stays: int, lots: int, *, since: datetime, until: datetime
) -> dict[str, float]:
    """Add stays, close the ledger's days, and time the page; milliseconds by what was read."""
    await db.execute(_SEEN, NOW, since, until, lots, stays)
    await db.execute(_FILL)
    async with db.transaction():
        await ledger_days.close(db, through=NOW.date() - timedelta(days=1), now=NOW)
    await db.execute("vacuum analyze")
    return {
        f"{who}: {what}": await _timed(partial(read, db, operator_id))
        for who, operator_id in (("city", None), ("one operator", "op-7"))
        for what, read in _READ.items()
    }


async def _stays(db: asyncpg.Connection, operator_id: str | None) -> None:
    await newest_stays(db, operator_id=operator_id)


async def _payments(db: asyncpg.Connection, operator_id: str | None) -> None:
    await newest_payments(db, operator_id=operator_id)


async def _standing(db: asyncpg.Connection, operator_id: str | None) -> None:
    await standing(db, operator_id=operator_id, currency="CNY", now=NOW, ledger_day=NOW.date())


_READ = {"newest stays": _stays, "newest payments": _payments, "how all stand": _standing}


async def _timed(read: Callable[[], Awaitable[None]]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await read()
        took.append(time.perf_counter() - began)
    return 1_000 * median(took)


if __name__ == "__main__":
    main()
