"""A costly answer is found once for all who ask, and told as long as finding it is worth."""

import asyncio

import pytest

from portal.pages.shared import Shared

pytestmark = pytest.mark.anyio


class World:
    """Says how often it was asked; an answer costs what it is told to cost."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.cost_s = 0.0
        self.asked: list[str] = []
        self.shared = Shared(self.find, monotonic_s=lambda: self.now_s)
        self.broken = False

    async def find(self, what: str) -> str:
        self.asked.append(what)
        await asyncio.sleep(0)
        self.now_s += self.cost_s
        if self.broken:
            raise OSError(what)
        return f"{what} {len(self.asked)}"


async def test_what_is_found_quickly_is_never_old() -> None:
    world = World()
    assert [await world.shared.get("city") for _ in range(3)] == ["city 1", "city 2", "city 3"]


async def test_all_who_ask_at_once_share_one_search() -> None:
    world = World()
    told = await asyncio.gather(*(world.shared.get("city") for _ in range(50)))
    assert set(told) == {"city 1"}


async def test_what_took_long_is_told_for_twenty_times_as_long() -> None:
    world = World()
    world.cost_s = 2.0
    assert await world.shared.get("city") == "city 1"
    world.now_s += 39.9
    assert await world.shared.get("city") == "city 1"
    assert await world.shared.get("operator") == "operator 2"
    world.now_s += 0.2
    assert await world.shared.get("city") == "city 3"


async def test_a_search_that_fails_is_told_to_all_who_wait_and_made_again() -> None:
    world = World()
    world.broken, world.cost_s = True, 2.0
    told = await asyncio.gather(
        *(world.shared.get("city") for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in told] == [OSError] * 3
    world.broken = False
    assert await world.shared.get("city") == "city 2"


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    world = World()
    first = asyncio.create_task(world.shared.get("city"))
    second = asyncio.create_task(world.shared.get("city"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "city 1"
    assert world.asked == ["city"]
