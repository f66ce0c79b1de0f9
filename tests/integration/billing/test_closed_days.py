"""Closed days: summed once, added to no more, and no reading depends on where the line is."""

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from billing.core import accounts
from billing.core.ledger import EntryKind, JournalEntry, gathered
from billing.db import ledger, ledger_days
from billing.services.close_days import close_days
from billing.services.ids import new_id
from tests.integration.billing.world import OPERATOR, BillingWorld

if TYPE_CHECKING:
    from billing.core.statement import Statement

pytestmark = pytest.mark.anyio


def entry(world: BillingWorld, day: date, amount_minor: int) -> JournalEntry:
    """What raises a fee, booked on a day."""
    legs = (
        (accounts.driver_receivable(OPERATOR), amount_minor),
        (accounts.operator_accrued(OPERATOR), -amount_minor),
    )
    return JournalEntry(
        kind=EntryKind.OBLIGATION_ASSESSED,
        source=str(new_id(world.now)),
        booked_on=day,
        occurred_at=world.now,
        postings=gathered(legs, currency="CNY"),
    )


async def book(world: BillingWorld, day: date, amount_minor: int) -> None:
    async with world.pool.acquire() as db, db.transaction():
        booked = [(new_id(world.now), entry(world, day, amount_minor))]
        await ledger.append(db, booked, now=world.now)


async def close(world: BillingWorld, through: date) -> bool:
    async with world.pool.acquire() as db, db.transaction():
        return await ledger_days.close(db, through=through, now=world.now)


async def violated(world: BillingWorld) -> set[str]:
    from billing.audit import violations

    async with world.pool.acquire() as db:
        return {each.invariant async for each in violations(db)}


async def test_a_statement_is_the_same_wherever_the_books_are_closed(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    first = world.today
    for amount in (2_000, 30_000, 700):
        await world.publish(world.priced("浙A8B762", amount))
        await world.settle()
        await world.later(days=1)
    days = [first + timedelta(days=number) for number in range((world.today - first).days + 1)]
    async with world.pool.acquire() as db:
        assert await ledger_days.closed_through(db) == days[-2], "the worker has closed the days"

    async def drawn() -> "list[Statement]":
        return [await world.statement(day=day) for day in days]

    closed = await drawn()
    await world.assert_sound()
    for table in ("ledger_closing", "account_day", "balance_checkpoint"):
        await world.pool.execute(f"ALTER TABLE billing.{table} DISABLE TRIGGER append_only")
        await world.pool.execute(f"DELETE FROM billing.{table}")  # noqa: S608
    assert await drawn() == closed, "posting by posting"
    for day in days[:-1]:
        assert await close(world, day)
        assert not await close(world, day)
        assert await drawn() == closed
        await world.assert_sound()


async def test_a_closed_day_is_read_without_any_posting(world: BillingWorld) -> None:
    yesterday = world.today - timedelta(days=1)
    await book(world, yesterday, 500)
    await close(world, yesterday)
    async with world.pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE billing.posting, billing.journal_entry")
        async with world.pool.acquire() as db:
            await db.execute("SET lock_timeout = '1s'")
            day = await ledger.movements_on(db, OPERATOR, day=yesterday, currency="CNY")
            assert sorted(day.values()) == [-500, 500]
            for at in (yesterday, world.today):
                opening = await ledger.balances_before(db, OPERATOR, day=at, currency="CNY")
                assert sorted(opening.values()) == ([0] * 4, [-500, 0, 0, 500])[at == world.today]
            with pytest.raises(asyncpg.LockNotAvailableError):
                await ledger.movements_on(db, OPERATOR, day=world.today, currency="CNY")
            await db.execute("RESET lock_timeout")


async def test_a_closed_day_takes_no_more(world: BillingWorld) -> None:
    yesterday = world.today - timedelta(days=1)
    await book(world, yesterday, 500)
    await close(world, yesterday)
    for day in (yesterday, yesterday - timedelta(days=30)):
        with pytest.raises(ledger.LedgerDayClosedError):
            await book(world, day, 500)
    await book(world, world.today, 500)
    assert (
        await world.pool.fetchval(
            "SELECT sum(balance_minor) FROM billing.balance_checkpoint"
            " WHERE account LIKE 'driver_receivable:%'"
        )
        == 500
    )


async def test_a_closing_waits_for_what_is_being_booked_that_day(world: BillingWorld) -> None:
    today, yesterday = world.today, world.today - timedelta(days=1)
    await book(world, yesterday, 100)  # the accounts are there: opening one takes turns
    async with world.pool.acquire() as db:
        under_way = db.transaction()
        await under_way.start()
        await ledger.append(db, [(new_id(world.now), entry(world, yesterday, 700))], now=world.now)
        closing = asyncio.create_task(close(world, yesterday))
        await asyncio.sleep(0.2)
        assert not closing.done()
        await book(world, today, 900)  # nobody who books on an open day waits for a closing
        late = asyncio.create_task(book(world, yesterday, 1_100))
        await asyncio.sleep(0.1)
        await under_way.commit()
    assert await closing
    with pytest.raises(ledger.LedgerDayClosedError):
        await late
    assert (
        await world.pool.fetchval(
            "SELECT sum(balance_minor) FROM billing.balance_checkpoint"
            " WHERE account LIKE 'driver_receivable:%'"
        )
        == 800
    )
    assert "checkpoints-are-sums-of-postings" not in await violated(world)


async def test_many_workers_close_a_day_once(world: BillingWorld) -> None:
    await book(world, world.today, 500)
    later = world.now + timedelta(days=3)
    closed = await asyncio.gather(
        *(close_days(world.pool, world.settings, now=later) for _ in range(6))
    )
    assert len(set(closed)) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM billing.ledger_closing") == 1
    delay = timedelta(seconds=world.settings.settlement_delay_seconds)
    zone = ZoneInfo(world.settings.ledger_zone)
    assert closed[0] == (later - delay).astimezone(zone).date() - timedelta(days=1)


@pytest.mark.parametrize(
    ("table", "column", "invariant"),
    [
        ("account_day", "moved_minor", "roll-ups-are-their-postings"),
        ("balance_checkpoint", "balance_minor", "checkpoints-are-sums-of-postings"),
    ],
)
async def test_the_audit_finds_a_roll_up_that_is_wrong(
    world: BillingWorld, table: str, column: str, invariant: str
) -> None:
    await book(world, world.today, 500)
    await close(world, world.today)
    assert invariant not in await violated(world)
    change = f"UPDATE billing.{table} SET {column} = {column} + 1"  # noqa: S608
    with pytest.raises(asyncpg.RestrictViolationError):
        await world.pool.execute(change)
    await world.pool.execute(f"ALTER TABLE billing.{table} DISABLE TRIGGER append_only")
    await world.pool.execute(change)
    assert invariant in await violated(world)
