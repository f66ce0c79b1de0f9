"""A simulator for each test, in memory, seeded; its clock stands still."""

from collections.abc import Iterator

import pytest

from gateway_sim.wechatpay.server import Options
from tests.gateway_sim.wechatpay.harness import (
    Inbox,
    Simulator,
    notification_inbox,
    running,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(Options(seed=7)) as it:
        yield it


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with notification_inbox() as it:
        yield it
