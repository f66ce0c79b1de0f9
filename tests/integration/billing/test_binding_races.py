"""Binding a plate while what it owes comes in: on two connections, whichever is first."""

import asyncio

import pytest

from billing.db import accounts
from billing.db.connection import transaction
from billing.services.bind import attach_arrears, bind_plate
from billing.services.consume_outbox import take_in
from billing.services.ids import new_id
from parking.core.plate import Plate
from tests.integration.billing.world import BillingWorld

pytestmark = pytest.mark.anyio
PLATE = Plate("浙A8B762")
_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def until_it_waits_or_ends(world: BillingWorld, task: asyncio.Task[object]) -> None:
    async with asyncio.timeout(30):
        while not (task.done() or await world.pool.fetchval(_WAITING)):  # noqa: ASYNC110 - only the database tells
            await asyncio.sleep(0.01)


async def test_a_plate_bound_while_its_stay_comes_in_gets_the_stay(world: BillingWorld) -> None:
    account_id = (await world.sign_in("+8613800000001")).account_id
    stay = world.priced(PLATE, 1500)
    async with transaction(world.pool) as db:
        await take_in(db, [stay], gateway=world.gateway, settings=world.settings, now=world.now)
        binding = asyncio.ensure_future(
            bind_plate(world.pool, world.settings, account_id, PLATE, now=world.now)
        )
        await until_it_waits_or_ends(world, binding)
    assert await binding == 1
    assert (await world.obligation(stay)).bound


async def test_a_stay_that_comes_in_while_its_plate_is_bound_goes_to_the_account(
    world: BillingWorld,
) -> None:
    account_id = (await world.sign_in("+8613800000001")).account_id
    stay = world.priced(PLATE, 1500)
    await world.publish(stay)
    async with transaction(world.pool) as db:
        assert await accounts.bind(
            db, account_id, PLATE, binding_id=new_id(world.now), now=world.now
        )
        assert not await attach_arrears(db, world.settings, account_id, PLATE, now=world.now)
        coming_in = asyncio.ensure_future(world.consume())
        await until_it_waits_or_ends(world, coming_in)
    await coming_in
    assert (await world.obligation(stay)).bound
