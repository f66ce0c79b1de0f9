"""The spool, killed with SIGKILL before every SQL statement that it runs."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from lpr.errors import SpoolFullError, SpoolUnusableError
from lpr.spool import LaneProgress, RejectedEvent, Spool, SpooledEvent
from parking.core.ids import uuid7
from tests.forks import FORKS

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ROOM = 1 << 24


def event(number: int) -> SpooledEvent:
    return SpooledEvent(event_id=uuid7(1_000_000, number), body=b'{"number":%d}' % number)


def progress(cursor: str) -> LaneProgress:
    return LaneProgress(cursor=cursor, state=b"{}")


def opened(path: Path) -> Spool:
    return Spool(path / "spool.sqlite3", bytes_max=ROOM)


def ids(spool: Spool) -> list[UUID]:
    return [item.event_id for item in spool.pending(100)]


def test_keeps_events_and_progress_together_and_in_order(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    assert spool.progress("west-in") is None
    spool.advance("west-in", progress("a"), events=[event(2)], now=NOW)
    spool.advance("west-in", progress("b"), events=[event(1)], now=NOW)
    spool.close()
    again = opened(tmp_path)
    assert ids(again) == [event(2).event_id, event(1).event_id]
    assert again.progress("west-in") == progress("b")
    assert again.counts().oldest_spooled_at == NOW
    again.close()


def test_puts_aside_what_the_server_would_not_have(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.advance("west-in", progress("a"), events=[event(1), event(2), event(3)], now=NOW)
    refused = RejectedEvent(
        event_id=event(2).event_id, status="refused", reason="no such lane", body=event(2).body
    )
    spool.settle(delivered=[event(1).event_id], rejected=[refused], now=NOW)
    assert ids(spool) == [event(3).event_id]
    assert spool.rejected() == [refused]
    assert spool.retry_rejected(now=NOW) == 1
    assert (spool.counts().pending, spool.counts().rejected) == (2, 0)
    spool.close()


def test_says_when_it_is_full_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite3"
    small = Spool(path, bytes_max=1 << 16)
    kept = 0

    def fill() -> None:
        nonlocal kept
        while kept < 1000:
            new = SpooledEvent(event_id=uuid7(1, kept), body=b"x" * 900)
            small.advance("west-in", progress(f"{kept:04}"), events=[new], now=NOW)
            kept += 1

    with pytest.raises(SpoolFullError, match="free disk space or raise spool_bytes_max"):
        fill()
    assert 0 < kept < 1000
    assert small.counts().pending == kept
    assert small.progress("west-in") == progress(f"{kept - 1:04}")
    small.settle(delivered=ids(small), now=NOW)
    small.advance("west-in", progress("z"), events=[event(1)], now=NOW)
    assert small.counts().pending == 1
    small.close()


def test_refuses_a_file_that_is_no_spool(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite3").write_bytes(b"a letter to the editor, " * 99)
    with pytest.raises(SpoolUnusableError, match="not a database"):
        opened(tmp_path)


def _work_until_killed(path: Path, kill_before: int) -> None:
    """Open, advance twice and settle; die right before one of the statements."""
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        if seen == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    spool = opened(path)
    spool._db.set_trace_callback(count)
    spool.advance("west-in", progress("a"), events=[event(1)], now=NOW)
    spool.advance("west-in", progress("b"), events=[event(2), event(3)], now=NOW)
    refused = RejectedEvent(event_id=event(2).event_id, status="refused", reason="", body=b"{}")
    spool.settle(delivered=[event(1).event_id], rejected=[refused], now=NOW)
    os._exit(0)


def test_survives_a_kill_before_any_statement(tmp_path: Path) -> None:
    states = []
    for kill_before in range(40):
        folder = tmp_path / str(kill_before)
        process = FORKS.Process(target=_work_until_killed, args=(folder, kill_before))
        process.start()
        process.join()
        spool = opened(folder)
        found = spool.progress("west-in")
        states.append((found.cursor if found else "", len(ids(spool)), len(spool.rejected())))
        spool.close()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    else:
        pytest.fail("the work never came to its end")
    # Before, after the first, after the second, and settled: nothing in between, none skipped.
    whole = [("", 0, 0), ("a", 1, 0), ("b", 3, 0), ("b", 1, 1)]
    assert [whole.index(state) for state in states] == sorted(
        whole.index(state) for state in states
    )
    assert set(states) == set(whole)
    assert len(states) > 10
