"""A worker that dies between any two steps: another one finishes, and nothing happens twice."""

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import asyncpg
import msgspec
import pytest

from billing.core.reconcile import agrees
from billing.gateways import Providers
from billing.providers.stripe import StripeGateway
from billing.providers.wechatpay import WeChatPay
from billing.services.work_payments import PaymentWorker
from billing.settings import BillingSettings
from billing.worker import BillingWorker
from tests.integration.billing.wechat_world import open_wechat_world
from tests.integration.billing.world import VISA, BillingWorld

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


def work_until_killed(database_url: str, settings: BillingSettings, ahead: timedelta) -> None:
    """The body of a worker process, whose clock is so far before everybody's."""

    async def work() -> None:
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=6)
        providers = Providers(StripeGateway(settings), WeChatPay(settings))
        worker = BillingWorker(pool, providers, settings)
        while True:
            await worker.step(datetime.now(UTC) + ahead)

    anyio.run(work)


@pytest.mark.slow
async def test_kill_9_at_random_moments(database_url: str, anyio_backend: str) -> None:
    async with open_wechat_world(database_url) as world:
        plates = [f"浙A8B7{number:02d}" for number in range(6)]
        for number, plate in enumerate(plates):
            await (world.wechat_driver if number % 2 else world.driver)(plate, card=VISA)
        spawn = multiprocessing.get_context("spawn")
        settings = msgspec.structs.replace(world.settings, attempt_lease_seconds=1)
        for round_number in range(4):
            await world.publish(*(world.priced(plate, 1_000) for plate in plates))
            arguments: Any = (database_url, settings, world.ahead)
            process = spawn.Process(target=work_until_killed, args=arguments)
            process.start()
            before = len(world.charges())
            with anyio.fail_after(60):
                while len(world.charges()) <= before:
                    await anyio.sleep(0.01)
                    # WeChat deducts what it has accepted once its own clock is that far.
                    world.wechat.advance(1)
            await anyio.sleep(0.02 * round_number)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        await world.later(minutes=5)
        await world.later(days=2)
        await world.settle()
        assert sum(amount for _, amount in world.charges()) == 24_000
        assert (await world.statement()).outstanding_minor == 0
        assert agrees((*await world.reconcile(), *await world.reconcile_wechat()))
        await world.assert_sound()
