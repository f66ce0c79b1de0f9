"""A settled world for each test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.parking.world import World, open_world


@pytest.fixture
async def world(database_url: str, anyio_backend: str) -> AsyncIterator[World]:
    async with open_world(database_url) as world:
        yield world
