"""A fee settles before it is charged: what changes soon costs nobody a charge and a refund."""

from datetime import timedelta

import msgspec
import pytest

from tests.gateway_sim.payments.harness import Simulator
from tests.integration.billing.world import fee_of, open_world

pytestmark = pytest.mark.anyio


async def test_an_entry_that_is_told_late_moves_no_money_to_and_fro(
    database_url: str, simulator: Simulator
) -> None:
    async with open_world(database_url, simulator, settle_seconds=180) as world:
        await world.driver("浙A8B762")
        hasty = world.priced("浙A8B762", 4_800)  # from an entry whose own exit nobody saw
        await world.publish(hasty)
        await world.drain()
        await world.later(seconds=170)
        assert world.charges() == []

        right = msgspec.structs.replace(
            hasty, revision=2, fee=fee_of(500), entered_at=hasty.left_at - timedelta(minutes=20)
        )
        await world.publish(right)
        await world.drain()
        await world.later(seconds=170)  # the change settles as well
        assert world.charges() == []
        await world.later(seconds=11)
        await world.settle()
        assert [amount for _, amount in world.charges()] == [500]
        obligation = await world.obligation(hasty)
        assert (obligation.state, obligation.outstanding_minor) == ("paid", 0)
        await world.assert_sound()
