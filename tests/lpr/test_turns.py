"""Lanes with a backlog read in the order of capture; a lane of now, or a stuck one, is let be."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from lpr import turns as turns_module
from lpr.turns import LEAD, Turns
from parking.core.ids import LaneId

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
A, B, C = LaneId("a"), LaneId("b"), LaneId("c")


def read_all(lanes: dict[LaneId, list[datetime]], *, seed: int) -> list[tuple[LaneId, datetime]]:
    """Let each lane read its frames in a thread of its own; answers what was read when."""
    turns, read = Turns(lanes), list[tuple[LaneId, datetime]]()

    def follow(lane: LaneId) -> None:
        chance = random.Random(f"{seed} {lane}")
        for captured_at in lanes[lane]:
            assert turns.wait_for(lane, captured_at, now=NOW, stop=threading.Event())
            read.append((lane, captured_at))
            time.sleep(chance.random() / 200)
        turns.leave(lane)

    threads = [threading.Thread(target=follow, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return read


@pytest.mark.parametrize("seed", range(5))
def test_a_backlog_is_read_in_the_order_of_capture(seed: int) -> None:
    chance = random.Random(seed)
    lanes = {
        lane: sorted(LONG_AGO + timedelta(minutes=chance.randrange(600)) for _ in range(12))
        for lane in (A, B, C)
    }
    read = [captured_at for _, captured_at in read_all(lanes, seed=seed)]
    assert len(read) == 36
    newest = LONG_AGO
    for captured_at in read:
        assert captured_at >= newest - LEAD
        newest = max(newest, captured_at)


def may_go(turns: Turns, lane: LaneId, captured_at: datetime) -> bool:
    """Whether the lane gets its turn within a moment."""
    stop = threading.Event()
    timer = threading.Timer(0.15, stop.set)
    timer.start()
    went = turns.wait_for(lane, captured_at, now=NOW, stop=stop)
    timer.cancel()
    return went


def test_a_live_lane_waits_for_no_backlog() -> None:
    turns = Turns([A, B])
    assert not may_go(turns, A, LONG_AGO)  # B has not looked yet
    assert may_go(turns, B, NOW - timedelta(seconds=1))
    assert may_go(turns, A, LONG_AGO)
    assert not may_go(turns, B, LONG_AGO + timedelta(hours=1))
    assert may_go(turns, B, NOW)


def test_an_idle_lane_is_given_a_moment_to_look_and_a_stuck_one_is_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = Turns([A, B])
    turns.idle(B)
    assert not may_go(turns, A, LONG_AGO)
    turns.idle(B)
    assert may_go(turns, A, LONG_AGO)
    assert may_go(turns, A, LONG_AGO + LEAD)  # the same car
    assert not may_go(turns, B, LONG_AGO + timedelta(hours=1))  # A is at work on it
    monkeypatch.setattr(turns_module, "PATIENCE_SECONDS", 0.05)
    assert may_go(turns, B, LONG_AGO + timedelta(hours=1))


def test_a_lane_that_leaves_is_not_waited_for() -> None:
    turns = Turns([A, B])
    turns.leave(B)
    assert may_go(turns, A, LONG_AGO)
