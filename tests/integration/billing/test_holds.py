"""A stay of a suspected clone: charged to nobody, then to its account, or given back for good."""

import pytest
from msgspec.structs import replace

from billing.standings import BillingStandings
from parking.core.cloning import StayHold
from parking.core.plate import Plate
from tests.integration.billing.world import BillingWorld

pytestmark = pytest.mark.anyio
PLATE = "浙A8B762"
SUSPECTED, OTHER_CAR = StayHold.CLONED_PLATE, StayHold.OTHER_CAR


async def test_a_held_stay_is_charged_once_it_is_let_go(world: BillingWorld) -> None:
    await world.driver(PLATE)
    stay = world.priced(PLATE, 1500, hold=SUSPECTED)
    await world.publish(stay)
    await world.later(days=30)
    assert world.charges() == []
    assert (await world.obligation(stay)).hold == "cloned_plate"
    await world.publish(replace(stay, revision=2, hold=None))
    await world.later(minutes=1)
    assert [amount for _, amount in world.charges()] == [1500]
    assert (await world.obligation(stay)).state == "paid"
    await world.settle()
    await world.assert_sound()


async def test_a_hold_keeps_a_gathered_payment_from_being_attempted(world: BillingWorld) -> None:
    await world.driver(PLATE)
    stay = world.priced(PLATE, 1500)
    await world.publish(stay)
    await world.consume()
    await world.gather()
    await world.publish(replace(stay, revision=2, hold=SUSPECTED))
    await world.later(hours=1)
    assert world.charges() == []
    assert (await world.obligation(stay)).state == "due"
    await world.publish(replace(stay, revision=3, hold=None))
    await world.later(hours=1)
    assert [amount for _, amount in world.charges()] == [1500]
    await world.settle()
    await world.assert_sound()


async def test_what_was_charged_for_another_car_is_given_back(world: BillingWorld) -> None:
    account = await world.driver(PLATE)
    stay = world.priced(PLATE, 1500)
    await world.publish(stay)
    await world.later(minutes=1)
    assert [amount for _, amount in world.charges()] == [1500]
    await world.publish(replace(stay, revision=2, hold=SUSPECTED))
    await world.publish(replace(stay, revision=3, hold=OTHER_CAR))
    await world.later(days=1)
    await world.settle()
    assert [refund.amount for refund in world.truth().refunds] == [1500]
    seen = await world.obligation(stay)
    assert (seen.state, seen.hold, seen.bound, seen.outstanding_minor) == (
        "due",
        "other_car",
        False,
        1500,
    )
    assert len(world.charges()) == 1
    async with world.pool.acquire() as db:
        owner = await db.fetchval("SELECT account_id FROM billing.obligation")
    assert owner is None
    assert account is not None
    await world.assert_sound()
    # The word is taken back: it was the account's car after all.
    await world.publish(replace(stay, revision=4, hold=None))
    await world.later(days=1)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1500, 1500]
    assert (await world.obligation(stay)).state == "paid"
    await world.assert_sound()


async def test_another_cars_stay_does_not_come_with_a_binding(world: BillingWorld) -> None:
    stay = world.priced(PLATE, 1500, hold=OTHER_CAR)
    await world.publish(stay)
    await world.drain()
    await world.driver(PLATE)
    await world.later(days=30)
    assert world.charges() == []
    assert not (await world.obligation(stay)).bound
    await world.assert_sound()


async def test_a_gate_is_told_no_arrears_of_a_held_stay(world: BillingWorld) -> None:
    await world.publish(world.priced(PLATE, 1500, hold=SUSPECTED))
    await world.later(days=30)
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    found = (await standings.standings([Plate(PLATE)])).get(Plate(PLATE))
    assert found is None or found.arrears_minor == 0
