"""Operators are settled at their cut-offs: by contract, from the ledger, into the ledger, once."""

import asyncio
from datetime import timedelta

import pytest

from billing.core.settlement import Contract, Period, Settlement
from billing.db import settlements
from billing.services.settle_operators import (
    ContractExistsError,
    ContractTooLateError,
    OperatorsNotSettledError,
    agree_contract,
    settle_operators,
)
from parking.core.ids import OperatorId
from tests.integration.billing.world import OPERATOR, BillingWorld

pytestmark = pytest.mark.anyio


async def agree(world: BillingWorld, contract: Contract) -> None:
    await agree_contract(
        world.pool,
        world.settings,
        operator_id=OPERATOR,
        contract=contract,
        by="admin",
        now=world.now,
    )


async def made(world: BillingWorld) -> list[Settlement]:
    async with world.pool.acquire() as db:
        return list(reversed(await settlements.of_operator(db, OPERATOR, limit=100)))


async def test_a_contract_is_settled_day_by_day(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    tomorrow = world.today + timedelta(days=1)
    daily = Contract(
        effective_from=tomorrow,
        commission_bp=1_000,
        fixed_minor=300,
        minimum_minor=2_500,
        period=Period.DAILY,
    )
    await agree(world, daily)
    await agree(world, daily)
    with pytest.raises(ContractExistsError):
        await agree(world, Contract(effective_from=tomorrow, commission_bp=1))
    with pytest.raises(ContractTooLateError):
        await agree(world, Contract(effective_from=world.today, commission_bp=1))

    # Today still by the settings: 5 %; the next day by the contract: 10 %, and its minimum.
    first = world.priced("浙A8B762", 2_000)
    await world.publish(first)
    await world.settle()
    while world.today < tomorrow:
        await world.later(hours=6)
    second = world.priced("浙A8B762", 20_000)
    await world.publish(second)
    await world.settle()
    await world.later(days=1, hours=12)  # well past the second cut-off and its delay
    one, two = await made(world)
    assert (one.cut_off_date, one.commission_bp, one.collected_minor) == (
        tomorrow - timedelta(days=1),
        500,
        2_000,
    )
    assert (one.commission_minor, one.settled_minor) == (100, 0)
    assert one.carried_minor == 2_000 - 100 - one.processor_fees_minor, "too little to pay out"
    assert (two.cut_off_date, two.commission_bp, two.commission_minor) == (tomorrow, 1_000, 2_000)
    assert (two.fixed_minor, two.top_up_minor) == (300, 500)
    assert two.settled_minor == one.carried_minor + 20_000 - 2_500 - 300 - two.processor_fees_minor
    statement = await world.statement()
    lines = {line.code: line.amount_minor for line in statement.lines}
    assert lines["contract_fees"] == -800
    assert lines["settled"] == -two.settled_minor
    await world.assert_sound()

    # A correction after the cut-off falls into the next period, and may leave the operator owing.
    await world.publish(
        world.priced("浙A8B762", 0, stay_id=second.stay_id, revision=2, dissolved=True)
    )
    await world.settle()
    await world.later(days=2)
    later = await made(world)
    assert sum(each.corrected_minor for each in later) == -18_000
    assert later[-1].carried_minor < 0
    assert all(each.settled_minor == 0 for each in later[2:])
    await world.assert_sound()


async def test_many_workers_settle_a_late_month_once(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 50_000))
    await world.settle()
    world.now += timedelta(days=70)
    counts = await asyncio.gather(
        *(settle_operators(world.pool, world.settings, now=world.now) for _ in range(4))
    )
    found = await made(world)
    assert sum(counts) == len(found) >= 2
    assert found[0].settled_minor > 0
    assert all(each.settled_minor == 0 for each in found[1:])
    await world.assert_sound()


UNREADABLE = """
WITH entry AS (
    INSERT INTO billing.journal_entry (entry_id, kind, source, lines, booked_on, occurred_at,
        recorded_at, trace_id)
    VALUES (gen_random_uuid(), 'a kind of tomorrow', 'x', 2, $1, now(), now(), '')
    RETURNING entry_id)
INSERT INTO billing.posting (entry_id, line, lines, account, amount_minor, currency, booked_on)
SELECT entry_id, line, 2, account, amount, 'CNY', $1 FROM entry, (VALUES
    (1, 'operator_payable:a-broken-one', 5), (2, 'operator_payable:a-broken-one', -5))
    AS legs (line, account, amount)
"""


async def test_books_that_cannot_be_read_delay_no_other_operator(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(
        world.priced("浙A8B762", 50_000, operator="a-broken-one"),
        world.priced("浙A8B762", 50_000, operator="the-other"),
    )
    await world.settle()
    await world.pool.execute(UNREADABLE, world.today)
    world.now += timedelta(days=35)
    with pytest.raises(OperatorsNotSettledError) as caught:
        await settle_operators(world.pool, world.settings, now=world.now)
    assert caught.value.operator_ids == ["a-broken-one"]
    async with world.pool.acquire() as db:
        assert await settlements.of_operator(db, OperatorId("the-other"), limit=1)
        assert not await settlements.of_operator(db, OperatorId("a-broken-one"), limit=1)
    # The worker says so, goes on with all else, and tries again after a while, not at every step.
    steps = [await world.worker.step(world.now) for _ in range(3)]
    assert steps[-1] == 0
