"""Paying by hand and being charged: only one of them wins."""

from contextlib import suppress

import anyio
import pytest

from billing.services.pay_by_hand import (
    BelowMinimumError,
    NothingOwedError,
    ObligationNotFoundError,
    PaymentInProgressError,
)
from billing.services.work_payments import PaymentWorker
from parking.core.ids import StayId
from tests.integration.billing.world import VISA, BillingWorld

pytestmark = pytest.mark.anyio


async def test_an_unbound_driver_pays_on_the_page(world: BillingWorld) -> None:
    stay = world.priced("沪B12345", 2_000)
    await world.publish(stay)
    await world.drain()
    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.settle()
    view = await world.obligation(stay)
    assert (view.state, view.payment_method) == ("paid", "checkout")
    with pytest.raises(NothingOwedError):
        await world.checkout(stay.stay_id)
    assert (await world.statement()).reconciled
    await world.assert_sound()


async def test_an_open_page_keeps_the_charge_away_until_it_is_closed(world: BillingWorld) -> None:
    stay = world.priced("浙A8B762", 2_000)
    await world.publish(stay)
    await world.drain()
    url = await world.checkout(stay.stay_id)
    await world.driver("浙A8B762")
    await world.later(minutes=20)
    assert world.charges() == []
    await world.later(minutes=15)
    assert [amount for _, amount in world.charges()] == [2_000]
    reply = world.simulator.http.post(url, data={"card": VISA})
    assert reply.status_code == 409
    await world.settle()
    assert len(world.charges()) == 1
    await world.assert_sound()


async def test_a_driver_who_pays_while_the_page_is_being_closed_has_paid(
    world: BillingWorld,
) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 2_000, chargeable_from=world.now)
    await world.publish(stay)
    await world.consume()
    url = await world.checkout(stay.stay_id)
    world.visit(url, VISA)
    await world.later(minutes=40)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    assert (await world.obligation(stay)).payment_method == "checkout"
    await world.assert_sound()


async def test_a_charge_under_way_keeps_the_page_shut(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 2_000)
    await world.publish(stay)
    world.simulator.faults(
        script=[{"fault": "drop_after", "path": "/v1/payment_intents*", "times": 2}]
    )
    await world.drain()
    with pytest.raises(PaymentInProgressError):
        await world.checkout(stay.stay_id)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]


async def test_a_charge_not_yet_begun_gives_way(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 2_000)
    await world.publish(stay)
    await world.consume()
    await world.gather()
    url = await world.checkout(stay.stay_id)
    await world.drain()
    assert world.charges() == []
    world.visit(url, VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    await world.assert_sound()


async def test_many_at_once_get_one_page_and_pay_once(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 2_000)
    await world.publish(stay)
    await world.consume()
    urls: set[str] = set()

    async def by_hand() -> None:
        with suppress(PaymentInProgressError, NothingOwedError):
            urls.add(await world.checkout(stay.stay_id))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(by_hand)
            group.start_soon(world.worker.step, world.now)
    assert len(urls) <= 1
    for url in urls:
        world.visit(url, VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    await world.assert_sound()


async def test_a_correction_while_the_page_is_open_returns_the_rest(world: BillingWorld) -> None:
    stay = world.priced("沪B12345", 2_000)
    await world.publish(stay)
    await world.drain()
    url = await world.checkout(stay.stay_id)
    await world.publish(world.priced("沪B12345", 1_200, stay_id=stay.stay_id, revision=2))
    await world.drain()
    world.visit(url, VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    assert [refund.amount for refund in world.truth().refunds] == [800]
    assert (await world.obligation(stay)).state == "paid"
    await world.assert_sound()


async def test_what_cannot_be_paid_says_why(world: BillingWorld) -> None:
    small = world.priced("沪B12345", 100)
    free = world.priced("沪B12345", 0)
    await world.publish(small, free)
    await world.drain()
    with pytest.raises(BelowMinimumError):
        await world.checkout(small.stay_id)
    with pytest.raises(NothingOwedError):
        await world.checkout(free.stay_id)
    with pytest.raises(ObligationNotFoundError):
        await world.checkout(StayId(world.priced("沪B12345", 1).stay_id))


async def test_two_workers_share_the_work_without_repeating_it(world: BillingWorld) -> None:
    for number in range(8):
        await world.driver(f"浙A8B7{number:02d}")
    await world.publish(*(world.priced(f"浙A8B7{number:02d}", 1_000) for number in range(8)))
    other = PaymentWorker(world.pool, world.gateway, world.settings)
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(world.worker.step, world.now)

        async def work() -> None:
            for _ in range(6):
                await other.work(now=world.now)

        group.start_soon(work)
    await world.settle()
    assert sorted(amount for _, amount in world.charges()) == [1_000] * 8
    await world.assert_sound()
