"""What drivers are told, who pays later no more and again, and a page that races a charge."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from billing.services.pay_by_hand import NothingOwedError, PaymentInProgressError
from billing.services.work_payments import PaymentWorker
from billing.standings import BillingStandings
from billing.worker import BillingWorker
from parking.core.plate import Plate
from parking.core.standing import Standing
from tests.integration.billing.test_declines import decline
from tests.integration.billing.world import VISA, BillingWorld
from tests.seeds import fresh_seed

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")


def told(world: BillingWorld) -> list[str]:
    """The kinds of messages about payments, as they came."""
    kinds = [each.kind.value for each in world.phones.received]
    return [kind for kind in kinds if kind.startswith("payment")]


async def standing(world: BillingWorld) -> Standing:
    source = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    return (await source.standings([PLATE]))[PLATE]


async def test_a_driver_short_of_money_is_told_reminded_and_let_in_again(
    world: BillingWorld,
) -> None:
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), *["insufficient_funds"] * 4)
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    assert told(world) == ["payment_declined"]
    assert (await standing(world)).bound, "it is tried again: the driver still pays later"
    for _ in range(11):
        await world.later(days=1)
    assert told(world) == ["payment_declined", "payment_stopped"]
    assert await standing(world) == Standing(suspended=True, arrears_minor=1_500)
    await world.later(days=4)
    assert told(world)[2:] == ["payment_reminder_1"]
    assert "15.00 CNY" in world.phones.received[-1].text_en

    world.simulator.advance((world.now - world.start).total_seconds())
    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.settle()
    assert await standing(world) == Standing(bound=True)
    await world.later(days=40)
    assert told(world)[3:] == [], "who has paid is not reminded"
    await world.assert_sound()


async def test_a_lost_card_is_restored_by_another_card_alone(world: BillingWorld) -> None:
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), "lost_card")
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    assert told(world) == ["payment_stopped"]
    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.settle()
    assert (await standing(world)).suspended, "the card is still lost"
    await world.leave_card(driver, VISA)
    assert await standing(world) == Standing(bound=True)


async def test_whoever_owes_too_much_pays_later_again_once_it_is_less(
    world: BillingWorld,
) -> None:
    await world.driver(PLATE)
    until = world.now + timedelta(days=2)
    big = world.priced(PLATE, world.settings.owed_limit_minor, chargeable_from=until)
    await world.publish(big)
    await world.drain()
    assert await standing(world) == Standing(suspended=True)
    await world.later(days=3)
    await world.settle()
    assert await standing(world) == Standing(bound=True)
    await world.assert_sound()


async def test_a_page_and_a_charge_at_once_never_both_take_money(world: BillingWorld) -> None:
    """Pages are opened and paid while two workers charge: the truth log has one charge a stay."""
    import random

    seed = fresh_seed()
    chance = random.Random(seed)
    await world.driver(PLATE)
    other = BillingWorker(world.pool, world.gateway, world.settings, notifier=world.phones)
    stays = [world.priced(PLATE, 500 + number) for number in range(8)]
    ways: Counter[str] = Counter()

    async def by_hand(number: int) -> None:
        await asyncio.sleep(chance.random() / 20)
        try:
            url = await world.checkout(stays[number].stay_id)
        except (PaymentInProgressError, NothingOwedError) as error:
            ways[type(error).__name__] += 1
            return
        await asyncio.to_thread(world.simulator.http.post, url, data={"card": VISA})
        ways["paid by hand"] += 1

    async def work(worker: BillingWorker) -> None:
        for _ in range(12):
            await worker.step(world.now)

    await world.publish(*stays)
    await world.consume()
    await asyncio.gather(*(by_hand(n) for n in range(len(stays))), work(world.worker), work(other))
    await world.settle()
    await world.settle()
    owed = {(await world.obligation(stay)).state for stay in stays}
    assert owed == {"paid"}, (seed, ways)
    assert sum(amount for _, amount in world.charges()) == sum(range(500, 508)), (seed, ways)
    await world.assert_sound()


async def test_a_new_card_left_while_the_old_one_is_asked_is_charged_at_once(
    world: BillingWorld,
) -> None:
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), "lost_card")
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.consume()
    await world.gather()
    payments = PaymentWorker(world.pool, world.gateway, world.settings, refunds=world.gateway)
    _, (work,) = await payments.take(now=world.now)
    world.now += timedelta(seconds=1)
    await world.leave_card(driver, VISA)
    # Only now does the bank say no, to the card that is no longer charged.
    await payments.carry_out(work, now=world.now)
    assert (await standing(world)).bound, "nobody is suspended for a card that was replaced"
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    assert not [kind for kind in told(world) if kind == "payment_stopped"]
    await world.assert_sound()


async def test_a_stopped_payment_that_had_succeeded_after_all_ends_the_suspension(
    world: BillingWorld,
) -> None:
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), "lost_card")
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    assert (await standing(world)).suspended
    (payment,) = await world.payments()
    # The driver talks to the bank, and the gateway takes the money of the same payment.
    world.simulator.stripe.v1.payment_intents.confirm(
        str(payment.payment_ref), {"payment_method": "pm_card_visa", "off_session": True}
    )
    world.change_settings(write_off_after_days=1)
    await world.later(days=3)
    await world.settle()
    assert (await world.obligation(stay)).state == "paid"
    assert (await standing(world)).bound
    await world.assert_sound()
