"""Cards that say no: by class, in rows, and then yes."""

import pytest

from tests.integration.billing.world import VISA, BillingWorld

pytestmark = pytest.mark.anyio


def decline(world: BillingWorld, customer: str, *codes: str) -> None:
    body = {"customer": customer, "declines": list(codes)}
    world.simulator.http.post("/_sim/cards", json=body).raise_for_status()


async def test_a_declined_card_pays_on_a_later_day(world: BillingWorld) -> None:
    driver = await world.driver("浙A8B762")
    decline(world, await world.customer(driver), "insufficient_funds", "insufficient_funds")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    view = await world.obligation(stay)
    assert (view.state, view.payment_state) == ("collecting", "waiting")
    assert view.decline_code == "insufficient_funds"

    await world.later(hours=23)
    assert len(await world.pool.fetch("SELECT FROM billing.payment_attempt")) == 1
    await world.later(hours=2)
    await world.later(days=3, minutes=1)
    assert [amount for _, amount in world.charges()] == [1_500]
    attempts = await world.pool.fetch(
        "SELECT outcome, operation, idempotency_key FROM billing.payment_attempt ORDER BY number"
    )
    assert [row["outcome"] for row in attempts] == ["declined", "declined", "succeeded"]
    assert len({row["idempotency_key"] for row in attempts}) == 3
    # All attempts are at one payment intent, which can succeed once only.
    assert [row["operation"].rsplit(".", 1)[1] for row in attempts] == [
        "create",
        "confirm",
        "confirm",
    ]
    await world.settle()
    await world.assert_sound()


async def test_a_lost_card_is_not_asked_again_until_there_is_another(world: BillingWorld) -> None:
    driver = await world.driver("浙A8B762")
    decline(world, await world.customer(driver), "lost_card")
    stay = world.priced("浙A8B762", 1_500)
    later = world.priced("浙A8B762", 800)
    await world.publish(stay)
    await world.drain()
    await world.publish(later)
    await world.later(days=30)
    assert world.charges() == []
    assert (await world.obligation(stay)).payment_state == "stopped"
    assert (await world.obligation(later)).state == "due"

    await world.leave_card(driver, VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500, 800]
    await world.assert_sound()


async def test_a_bank_that_wants_its_customer_waits_for_the_customer(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    body = {"number": VISA, "declines": ["authentication_required"]}
    world.simulator.http.post("/_sim/cards", json=body).raise_for_status()
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    assert (await world.obligation(stay)).payment_state == "stopped"

    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    assert (await world.obligation(stay)).state == "paid"
    await world.assert_sound()


async def test_a_card_without_an_end_of_declines_stops(world: BillingWorld) -> None:
    driver = await world.driver("浙A8B762")
    decline(world, await world.customer(driver), *["generic_decline"] * 9)
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    for _ in range(30):
        await world.later(days=1)
    assert (await world.obligation(stay)).payment_state == "stopped"
    assert len(await world.pool.fetch("SELECT FROM billing.payment_attempt")) == 3
    await world.assert_sound()


async def test_a_correction_while_a_payment_rests_gathers_anew(world: BillingWorld) -> None:
    driver = await world.driver("浙A8B762")
    decline(world, await world.customer(driver), "insufficient_funds")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    await world.publish(world.priced("浙A8B762", 900, stay_id=stay.stay_id, revision=2))
    await world.later(days=1, hours=1)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [900]
    assert [payment.state for payment in await world.payments()] == ["abandoned", "succeeded"]
    await world.assert_sound()
