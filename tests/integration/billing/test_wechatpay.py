"""A stay paid by WeChat Pay parking, against the real simulator: once, whatever happens."""

from collections.abc import AsyncIterator

import pytest

from billing.core.reconcile import agrees
from tests.integration.billing.wechat_world import WeChatWorld, open_wechat_world

pytestmark = pytest.mark.anyio
PLATE = "浙A8B762"


@pytest.fixture
async def world(database_url: str, anyio_backend: str) -> AsyncIterator[WeChatWorld]:
    async with open_wechat_world(database_url) as world:
        yield world


async def test_a_stay_is_registered_deducted_and_reconciled(world: WeChatWorld) -> None:
    await world.wechat_driver(PLATE)
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    (payment,) = await world.payments()
    assert (payment.method, payment.state) == ("deduction", "pending")
    await world.later(seconds=60)
    view = await world.obligation(stay)
    assert (view.state, view.captured_minor) == ("paid", 1_500)
    assert [it["amount"] for it in world.deductions()] == [1_500]
    await world.later(days=2)
    assert agrees(await world.reconcile_wechat())
    (payment,) = await world.payments()
    assert payment.fee_minor == 9
    await world.assert_sound()
