import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from lpr.config import UplinkSettings
from lpr.core.backoff import delay_seconds
from lpr.device_key import key_source
from lpr.spool import LaneProgress, Spool, SpooledEvent
from lpr.uplink import ServerUnavailableError, Uplink
from parking.core.ids import uuid7
from parking.core.settings import Secret
from tests.lpr.server import KEY, Desk, served

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
QUICK = UplinkSettings(
    retry_base_seconds=0.01, retry_bound_seconds=0.05, request_timeout_seconds=5.0
)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.sqlite3", bytes_max=1 << 24)
    yield spool
    spool.close()


def fill(spool: Spool, count: int) -> None:
    events = []
    for number in range(count):
        event_id = uuid7(1_000_000 + number, number)
        body = {
            "event_id": str(event_id),
            "type": "vehicle_entered",
            "lane_id": f"lane-{number}",
            "read": {"plate": "浙A8B762"},
            "trace_id": f"{number:032x}",
        }
        events.append(SpooledEvent(event_id=event_id, body=msgspec.json.encode(body)))
    spool.advance("west-in", LaneProgress(cursor="a", state=b"{}"), events=events, now=NOW)


def uplink(spool: Spool, url: str, *, key: str = KEY, settings: UplinkSettings = QUICK) -> Uplink:
    return Uplink(spool=spool, server_url=url, device_key=lambda: Secret(key), settings=settings)


def drain(link: Uplink, spool: Spool, *, seconds: float = 10.0) -> None:
    """Run the uplink's own loop until the spool is empty."""
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
    thread.start()
    deadline = time.monotonic() + seconds
    while spool.counts().pending and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    link.wake()
    thread.join()
    assert spool.counts().pending == 0


def test_delivers_in_batches_and_empties_the_spool(spool: Spool) -> None:
    fill(spool, 250)
    desk = Desk()
    with served(desk) as url:
        link = uplink(spool, url)
        assert [link.step(), link.step(), link.step(), link.step()] == [100, 100, 50, 0]
        link.close()
    assert len(desk.accepted) == 250
    assert link.status.delivered == 250


def test_waits_for_its_key_and_takes_a_new_one_at_once(spool: Spool, tmp_path: Path) -> None:
    fill(spool, 2)
    key_file = tmp_path / "device.key"
    with served(Desk()) as url:
        source = key_source(Secret(""), key_file)
        link = Uplink(spool=spool, server_url=url, device_key=source, settings=QUICK)
        for text, reason in (
            (None, "no device key in .*device.key yet"),
            ("\n", "holds no key"),
            ("钥匙", "holds no key"),
            ("revoked", "refuses the device key"),
        ):
            if text is not None:
                key_file.write_text(text, encoding="utf-8")
            with pytest.raises(ServerUnavailableError, match=reason):
                link.step()
        key_file.write_text(f"{KEY}\n")
        assert link.step() == 2
        link.close()


def test_takes_a_duplicate_for_done(spool: Spool) -> None:
    fill(spool, 3)
    desk = Desk()
    with served(desk) as url:
        drain(uplink(spool, url), spool)
        fill_again = [msgspec.json.encode(event) for event in desk.requests[0]]
        spool.advance(
            "west-in",
            LaneProgress(cursor="a", state=b"{}"),
            events=[
                SpooledEvent(event_id=uuid7(1_000_000 + n, n), body=body)
                for n, body in enumerate(fill_again)
            ],
            now=NOW,
        )
        drain(uplink(spool, url), spool)
    assert len(desk.accepted) == 3
    assert spool.counts().rejected == 0


def test_outlasts_a_server_that_is_down_busy_and_slow_to_know_its_mind(spool: Spool) -> None:
    fill(spool, 5)
    desk = Desk()
    desk.plan = [503, (429, {"Retry-After": "0"}), 500, 502, (503, {"Retry-After": "later"})]
    with served(desk) as url:
        drain(uplink(spool, url), spool)
    assert len(desk.accepted) == 5
    assert spool.counts().rejected == 0


def test_waits_for_a_server_that_is_not_there_yet(spool: Spool) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fill(spool, 2)
    link = uplink(spool, f"http://127.0.0.1:{port}")
    with pytest.raises(ServerUnavailableError, match="no answer from the server"):
        link.step()
    desk = Desk()
    with served(desk, port=port):
        drain(link, spool)
    assert len(desk.accepted) == 2


def test_puts_aside_what_is_refused_and_goes_on_with_the_rest(spool: Spool) -> None:
    fill(spool, 5)
    desk = Desk()
    desk.refuse = lambda event: "no such lane" if event["lane_id"] == "lane-2" else None
    with served(desk) as url:
        drain(uplink(spool, url), spool)
    assert len(desk.accepted) == 4
    (rejected,) = spool.rejected()
    assert (rejected.status, rejected.reason) == ("refused", "Refused: no such lane")


def test_halves_a_batch_that_is_too_large(spool: Spool) -> None:
    fill(spool, 40)
    desk = Desk()
    desk.body_bytes_max = 2000
    with served(desk) as url:
        drain(uplink(spool, url), spool)
    assert len(desk.accepted) == 40
    assert max(map(len, desk.requests)) < 40


def test_puts_aside_the_one_event_that_spoils_its_batch(spool: Spool) -> None:
    fill(spool, 1)
    desk = Desk()
    desk.plan = [422]
    with served(desk) as url:
        drain(uplink(spool, url), spool)
    (rejected,) = spool.rejected()
    assert rejected.reason == "HTTP 422 as planned"


def test_keeps_everything_while_its_key_is_refused(spool: Spool) -> None:
    fill(spool, 2)
    with served(Desk()) as url:
        link = uplink(spool, url, key="a stolen key")
        with pytest.raises(ServerUnavailableError, match="refuses the device key: HTTP 401"):
            link.step()
        link.close()
    assert (spool.counts().pending, spool.counts().rejected) == (2, 0)


def test_keeps_everything_while_its_address_is_wrong(spool: Spool) -> None:
    fill(spool, 2)
    desk = Desk()
    desk.plan = [404]
    with served(desk) as url:
        link = uplink(spool, url)
        with pytest.raises(ServerUnavailableError, match="HTTP 404"):
            link.step()
        link.close()
    assert (spool.counts().pending, spool.counts().rejected) == (2, 0)


def test_keeps_an_event_whose_answer_it_does_not_understand(spool: Spool) -> None:
    fill(spool, 2)
    desk = Desk()
    desk.results = lambda events: [{"status": "thinking"} for _ in events]  # type: ignore[method-assign]
    with served(desk) as url:
        link = uplink(spool, url)
        with pytest.raises(ServerUnavailableError, match="neither yes nor no"):
            link.step()
        desk.results = lambda events: []  # type: ignore[method-assign]
        with pytest.raises(ServerUnavailableError, match="answered for 0 of 2 events"):
            link.step()
        link.close()
    assert spool.counts().pending == 2


def test_waits_longer_each_time_up_to_a_bound() -> None:
    waits = [
        delay_seconds(attempt, base_seconds=0.5, bound_seconds=60, chance=0.0)
        for attempt in range(1, 200)
    ]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits == sorted(waits)
    assert waits[-1] == 60
    assert delay_seconds(1, base_seconds=0.5, bound_seconds=60, chance=1.0) == 0.25
