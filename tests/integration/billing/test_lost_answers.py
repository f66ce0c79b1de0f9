"""The gateway's answer is lost, late, or nonsense: the money moves once, and we find out."""

import pytest

from gateway_sim.payments.faults import Fault
from tests.integration.billing.world import VISA, BillingWorld

pytestmark = pytest.mark.anyio

INTENTS = "/v1/payment_intents*"


def script(world: BillingWorld, fault: Fault, *, path: str = INTENTS, times: int = 1) -> None:
    step = {"fault": fault.value, "method": "POST", "path": path, "times": times}
    world.simulator.faults(script=[step])


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
async def test_whatever_happens_to_the_answer_there_is_one_charge(
    world: BillingWorld, fault: Fault
) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    if fault is Fault.SLOW:
        world.simulator.faults(script=[{"fault": "slow", "path": INTENTS}], slow_seconds=0.2)
    else:
        script(world, fault)
    await world.drain()
    if fault is Fault.SERVER_ERROR:
        # Nothing was done, but only the key's end makes that certain.
        await world.later(hours=1)
        assert world.charges() == []
        world.simulator.advance(24 * 3600)
        await world.later(hours=24)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    assert (await world.obligation(stay)).state == "paid"
    await world.assert_sound()


async def test_a_charge_whose_answers_are_lost_for_hours_is_still_one(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 1_500))
    script(world, Fault.DROP_AFTER, times=5)
    await world.drain()
    waiting = await world.waiting()
    assert waiting.unknown == 1
    for _ in range(8):
        await world.later(minutes=10)
    assert [amount for _, amount in world.charges()] == [1_500]
    sends = await world.pool.fetchval("SELECT sends FROM billing.payment_attempt")
    assert sends >= 6
    assert (await world.waiting()).unknown == 0
    await world.assert_sound()


async def test_after_the_key_is_forgotten_the_charge_is_looked_up(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 1_500))
    script(world, Fault.DROP_AFTER)
    await world.drain()
    world.simulator.advance(25 * 3600)
    await world.later(hours=25)
    assert [amount for _, amount in world.charges()] == [1_500]
    assert (await world.waiting()).unknown == 0
    await world.settle()
    await world.assert_sound()


async def test_a_lost_answer_to_a_second_attempt_is_found_too(world: BillingWorld) -> None:
    driver = await world.driver("浙A8B762")
    body = {"customer": await world.customer(driver), "declines": ["try_again_later"]}
    world.simulator.http.post("/_sim/cards", json=body).raise_for_status()
    await world.publish(world.priced("浙A8B762", 1_500))
    await world.drain()
    script(world, Fault.SERVER_ERROR_AFTER)
    await world.later(minutes=11)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    await world.assert_sound()


async def test_a_lost_answer_to_a_refund_refunds_once(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    script(world, Fault.DROP_AFTER, path="/v1/refunds*", times=3)
    await world.publish(world.priced("浙A8B762", 0, stay_id=stay.stay_id, revision=2))
    await world.later(seconds=1)
    await world.settle()
    assert [refund.amount for refund in world.truth().refunds] == [1_500]
    await world.assert_sound()


@pytest.mark.parametrize(
    "fault", [Fault.DROP_BEFORE, Fault.SERVER_ERROR], ids=lambda each: each.value
)
async def test_a_refund_that_is_lost_for_a_whole_day_is_made_on_the_next(
    world: BillingWorld, fault: Fault
) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    script(world, fault, path="/v1/refunds*", times=1_000)
    await world.publish(world.priced("浙A8B762", 0, stay_id=stay.stay_id, revision=2))
    for _ in range(5):
        world.simulator.advance(6 * 3600)
        await world.later(hours=6)
    assert world.truth().refunds == ()
    world.simulator.faults()
    for _ in range(5):
        world.simulator.advance(6 * 3600)
        await world.later(hours=6)
    assert [refund.amount for refund in world.truth().refunds] == [1_500]
    await world.settle()
    await world.assert_sound()


async def test_faults_by_rate_end_with_nothing_unknown(world: BillingWorld) -> None:
    plates = [f"浙A8B7{number:02d}" for number in range(8)]
    for plate in plates:
        await world.driver(plate)
    rates = {
        "drop_before": 0.1,
        "drop_after": 0.15,
        "rate_limited": 0.1,
        "conflict": 0.1,
        "bad_gateway": 0.05,
        "bad_gateway_after": 0.05,
        "server_error_after": 0.05,
    }
    world.simulator.faults(rates=rates)
    await world.publish(*(world.priced(plate, 1_000) for plate in plates))
    await world.drain()
    for _ in range(10):
        await world.later(minutes=1)
    world.simulator.faults()
    await world.settle()
    assert sorted(amount for _, amount in world.charges()) == [1_000] * 8
    assert (await world.waiting()).unknown == 0
    assert (await world.statement()).reconciled
    await world.assert_sound()


async def test_a_lost_page_is_the_same_page(world: BillingWorld) -> None:
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    script(world, Fault.DROP_AFTER, path="/v1/checkout/sessions*")
    with pytest.raises(Exception, match="did not answer"):
        await world.checkout(stay.stay_id)
    url = await world.checkout(stay.stay_id)
    assert await world.checkout(stay.stay_id) == url
    world.visit(url, VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    await world.assert_sound()
