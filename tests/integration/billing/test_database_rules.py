"""What the database itself refuses, whatever the code does."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from billing.db.connection import Connection
from billing.services.ids import new_id
from tests.integration.billing.world import BillingWorld

pytestmark = [pytest.mark.anyio, pytest.mark.both_postgres]

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
TODAY = date(2026, 11, 23)


async def book(db: Connection, *amounts: int, lines: int | None = None, day: date = TODAY) -> UUID:
    entry_id = new_id(NOW)
    lines = len(amounts) if lines is None else lines
    await db.execute(
        "INSERT INTO billing.ledger_account (account, kind) VALUES ('driver_credit', 'liability')"
        " ON CONFLICT DO NOTHING"
    )
    await db.execute(
        "WITH entry AS ("
        "    INSERT INTO billing.journal_entry VALUES ($1, 'test', $2, $3, $4, $5, $5, ''))"
        " INSERT INTO billing.posting SELECT $1, line, $3, 'driver_credit', amount, 'CNY', $6"
        " FROM unnest($7::bigint[]) WITH ORDINALITY AS l (amount, line)",
        entry_id,
        str(entry_id),
        lines,
        TODAY,
        NOW,
        day,
        amounts,
    )
    return entry_id


async def test_a_balanced_entry_is_taken(world: BillingWorld) -> None:
    async with world.pool.acquire() as db, db.transaction():
        await book(db, 500, -200, -300)


async def test_any_other_is_refused(world: BillingWorld) -> None:
    entries: dict[str, dict[str, Any]] = {
        "unbalanced": {"amounts": (500, -400)},
        "empty": {"amounts": ()},
        "a line missing": {"amounts": (500, -500), "lines": 3},
        "one line": {"amounts": (500,)},
        "another day": {"amounts": (500, -500), "day": date(2026, 11, 24)},
    }
    for entry in entries.values():
        with pytest.raises(asyncpg.CheckViolationError):
            async with world.pool.acquire() as db, db.transaction():
                await book(db, *entry.pop("amounts"), **entry)
    assert await world.pool.fetchval("SELECT count(*) FROM billing.journal_entry") == 0


async def test_nothing_can_be_added_to_an_entry_later(world: BillingWorld) -> None:
    async with world.pool.acquire() as db:
        async with db.transaction():
            entry_id = await book(db, 500, -500)
        for line, lines in ((3, 2), (3, 3), (2, 2)):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await db.execute(
                    "INSERT INTO billing.posting VALUES"
                    " ($1, $2, $3, 'driver_credit', 7, 'CNY', $4)",
                    entry_id,
                    line,
                    lines,
                    TODAY,
                )


async def test_what_is_written_stays(world: BillingWorld) -> None:
    await world.publish(world.priced("浙A8B762", 1_500))
    await world.drain()
    for table in ("journal_entry", "posting", "obligation_adjustment", "gateway_transaction"):
        for change in (f"DELETE FROM billing.{table}", f"TRUNCATE billing.{table} CASCADE"):  # noqa: S608
            with pytest.raises(asyncpg.RestrictViolationError):
                await world.pool.execute(change)
    with pytest.raises(asyncpg.RestrictViolationError):
        await world.pool.execute("UPDATE billing.posting SET amount_minor = -amount_minor")


async def test_what_was_sent_under_a_key_stays_as_it_was_sent(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 1_500))
    await world.drain()
    for change in ("parameters = '{}'", "idempotency_key = 'x'", "operation = 'x'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.pool.execute(f"UPDATE billing.payment_attempt SET {change}")  # noqa: S608


async def test_sums_that_contradict_each_other_are_refused(world: BillingWorld) -> None:
    await world.publish(world.priced("浙A8B762", 1_500))
    await world.drain()
    for change in (
        "state = 'paid'",
        "state = 'void'",
        "state = 'lost'",
        "charged_minor = -1",
        "captured_minor = 1501",
        "returned_minor = 1",
        "currency = 'cny'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await world.pool.execute(f"UPDATE billing.obligation SET {change}")  # noqa: S608
