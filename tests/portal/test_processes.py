"""The demo's process keeper: it brings back what is killed and gives up on what cannot live."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.demo.processes import ChildKeepsDyingError, Household

pytestmark = pytest.mark.anyio


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing tells us when
        await asyncio.sleep(0.02)


_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


async def test_a_killed_process_is_started_again_and_said_so(tmp_path: Path) -> None:
    said: list[str] = []
    household = Household(logs=tmp_path, say=said.append)
    child = await household.start("sleeper", _SLEEP)
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        await until(lambda: child.pid not in {first, None})
    assert child.restarts == 1
    assert any("sleeper" in line and "signal 9" in line for line in said)
    second = child.pid
    assert second is not None
    await household.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def test_a_process_that_cannot_live_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    household = Household(logs=tmp_path, say=lambda _: None)
    child = await household.start("broken", [sys.executable, "-c", "raise SystemExit('no luck')"])
    async with asyncio.timeout(30):
        await until(lambda: child.given_up)
    with pytest.raises(ChildKeepsDyingError, match="no luck"):
        household.raise_if_given_up()
    await household.stop()


async def test_one_that_may_end_by_itself_is_left_alone(tmp_path: Path) -> None:
    household = Household(logs=tmp_path, say=lambda _: None)
    child = await household.start("brief", [sys.executable, "-c", ""], ends_by_itself=True)
    async with asyncio.timeout(10):
        await until(lambda: child.finished)
    assert child.restarts == 0
    await household.stop()
