"""The world that billing's tests share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running
from tests.integration.billing.world import BillingWorld, open_world


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(Options(seed=7)) as simulator:
        yield simulator


@pytest.fixture
async def world(
    database_url: str, simulator: Simulator, anyio_backend: str
) -> AsyncIterator[BillingWorld]:
    async with open_world(database_url, simulator) as world:
        yield world
