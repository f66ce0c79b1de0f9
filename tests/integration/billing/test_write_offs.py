"""What nobody paid for half a year is given up, and comes back when somebody pays after all."""

from uuid import UUID

import pytest

from billing.core.obligation import Obligation, ObligationArrowError, reinstate, write_off
from billing.standings import BillingStandings
from parking.core.ids import ObligationId, OperatorId
from parking.core.plate import Plate
from tests.integration.billing.test_declines import decline
from tests.integration.billing.world import VISA, BillingWorld

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")


async def test_what_is_given_up_leaves_the_receivables_and_can_still_be_paid(
    world: BillingWorld,
) -> None:
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), "lost_card")
    stopped, unbound = world.priced(PLATE, 1_500), world.priced("沪B12345", 900)
    await world.publish(stopped, unbound)
    await world.drain()
    await world.later(days=world.settings.write_off_after_days - 1)
    assert (await world.obligation(unbound)).state == "due"
    await world.later(days=2)
    world.simulator.advance((world.now - world.start).total_seconds())
    for stay, amount in ((stopped, 1_500), (unbound, 900)):
        view = await world.obligation(stay)
        assert (view.state, view.written_off_minor, view.outstanding_minor) == (
            "written_off",
            amount,
            0,
        )
    statement = await world.statement()
    assert (statement.written_off_minor, statement.outstanding_minor) == (2_400, 0)
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    assert (await standings.standings([PLATE]))[PLATE].arrears_minor == 1_500, "it is still owed"
    await world.assert_sound()

    world.visit(await world.checkout(stopped.stay_id), VISA)
    await world.settle()
    assert (await world.obligation(stopped)).state == "paid"
    # A revised fee revives what was given up and begins its time anew.
    await world.publish(world.priced("沪B12345", 600, stay_id=unbound.stay_id, revision=2))
    await world.later(days=1)
    assert (await world.obligation(unbound)).outstanding_minor == 600
    await world.later(days=world.settings.write_off_after_days + 1)
    assert (await world.obligation(unbound)).written_off_minor == 600
    assert (await world.statement()).outstanding_minor == 0
    await world.assert_sound()


async def test_a_page_that_nobody_used_gives_up_again(world: BillingWorld) -> None:
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    await world.later(days=world.settings.write_off_after_days + 1)
    world.simulator.advance((world.now - world.start).total_seconds())
    await world.checkout(stay.stay_id)
    assert (await world.obligation(stay)).state == "collecting"
    await world.later(hours=2)
    assert (await world.obligation(stay)).state == "written_off"
    kinds = await world.pool.fetch("SELECT kind FROM billing.write_off ORDER BY recorded_at")
    assert [row["kind"] for row in kinds] == ["written_off", "reinstated", "written_off"]
    await world.assert_sound()


def test_only_what_is_due_is_given_up_and_only_that_revived() -> None:
    due = Obligation(
        obligation_id=ObligationId(UUID(int=1)),
        operator_id=OperatorId("west-lake"),
        charged_minor=500,
        commission_bp=0,
    )
    gone = write_off(due)
    assert reinstate(gone) == due
    for wrong in (lambda: write_off(gone), lambda: reinstate(due)):
        with pytest.raises(ObligationArrowError):
            wrong()
