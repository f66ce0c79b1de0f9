"""A worker that dies between any two steps: another one finishes, and nothing happens twice."""

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import asyncpg
import pytest

from billing.providers.stripe import StripeGateway
from billing.services.work_payments import PaymentWorker
from billing.worker import BillingWorker
from tests.integration.billing.world import VISA, BillingWorld, settings_for

pytestmark = pytest.mark.anyio


async def ready_payment(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 1_500))
    await world.consume()
    await world.gather()


async def assert_charged_once(world: BillingWorld) -> None:
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    assert [payment.state for payment in await world.payments()] == ["succeeded"]
    await world.assert_sound()


async def test_before_the_request_is_sent(world: BillingWorld) -> None:
    await ready_payment(world)
    await PaymentWorker(world.pool, world.gateway, world.settings).take(now=world.now)
    assert world.charges() == []
    await world.drain()
    assert world.charges() == [], "the lease keeps others away for now"
    await assert_charged_once(world)


async def test_after_the_request_was_sent(world: BillingWorld) -> None:
    await ready_payment(world)
    _, (work,) = await PaymentWorker(world.pool, world.gateway, world.settings).take(now=world.now)
    assert work.attempt is not None
    await world.gateway.charge(work.attempt.request, idempotency_key=work.attempt.idempotency_key)
    assert len(world.charges()) == 1
    await assert_charged_once(world)


async def test_after_the_request_was_sent_and_the_key_forgotten(world: BillingWorld) -> None:
    await ready_payment(world)
    _, (work,) = await PaymentWorker(world.pool, world.gateway, world.settings).take(now=world.now)
    assert work.attempt is not None
    await world.gateway.charge(work.attempt.request, idempotency_key=work.attempt.idempotency_key)
    world.simulator.advance(30 * 3600)
    await world.later(hours=30)
    await assert_charged_once(world)


async def test_a_slow_worker_and_its_replacement_agree(world: BillingWorld) -> None:
    await ready_payment(world)
    slow = PaymentWorker(world.pool, world.gateway, world.settings)
    _, (work,) = await slow.take(now=world.now)
    await world.later(minutes=5)
    await slow.carry_out(work, now=world.now)
    await assert_charged_once(world)


async def test_between_making_a_page_and_giving_its_address(world: BillingWorld) -> None:
    stay = world.priced("沪B12345", 2_000)
    await world.publish(stay)
    await world.drain()
    world.simulator.faults(script=[{"fault": "drop_after", "path": "/v1/checkout/sessions"}])
    with pytest.raises(Exception, match="did not answer"):
        await world.checkout(stay.stay_id)
    await world.later(minutes=5)
    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    await world.assert_sound()


def work_until_killed(database_url: str, address: str, ahead: timedelta) -> None:
    """The body of a worker process, whose clock is so far before everybody's."""

    async def work() -> None:
        settings = settings_for(address, attempt_lease_seconds=1)
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=6)
        worker = BillingWorker(pool, StripeGateway(settings), settings)
        while True:
            await worker.step(datetime.now(UTC) + ahead)

    anyio.run(work)


@pytest.mark.slow
async def test_kill_9_at_random_moments(world: BillingWorld, database_url: str) -> None:
    plates = [f"浙A8B7{number:02d}" for number in range(6)]
    for plate in plates:
        await world.driver(plate)
    spawn = multiprocessing.get_context("spawn")
    arguments: Any = (database_url, world.simulator.address, world.ahead)
    for round_number in range(4):
        await world.publish(*(world.priced(plate, 1_000) for plate in plates))
        process = spawn.Process(target=work_until_killed, args=arguments)
        process.start()
        before = len(world.charges())
        with anyio.fail_after(60):
            while len(world.charges()) <= before:  # noqa: ASYNC110 - another process charges
                await anyio.sleep(0.01)
        await anyio.sleep(0.02 * round_number)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    await world.settle()
    assert sum(amount for _, amount in world.charges()) == 24_000
    assert (await world.statement()).outstanding_minor == 0
    assert (await world.statement()).reconciled
    await world.assert_sound()
