"""A simulator for each test, in memory, seeded."""

from collections.abc import Iterator

import pytest

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(Options(seed=7)) as it:
        yield it
