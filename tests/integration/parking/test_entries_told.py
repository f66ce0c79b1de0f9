"""A lot that tells of its entries: billing hears of each car once, in the same write."""

import pytest

from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio


async def test_a_lot_that_tells_of_entries_tells_of_each_once(world: World) -> None:
    await world.put_lot("west-lake", rules={"tell_entries": True})
    world.clock.move(minutes=1)
    entry = world.entered("浙A8B762")
    await world.post(entry)
    await world.post(entry)
    (told,) = await world.outbox()
    assert (told["type"], told["plate"]) == ("stay_entered", "浙A8B762")
    assert told["lot_name"]
    world.clock.move(minutes=61)
    reply = await world.post(world.exited("浙A8B762"))
    assert [each["type"] for each in await world.outbox()] == ["stay_entered", "stay_priced"]
    assert told["stay_id"] == reply.json()["display"]["stay_id"]
