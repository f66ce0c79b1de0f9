"""The gate agent from frames on disk to a server over HTTP, killed and cut off on the way."""

import json
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from lpr.agent import Agent
from lpr.config import AgentSettings, load_settings
from lpr.core.reading import PlateReading
from lpr.errors import SpoolTakenError
from lpr.health import HealthPortTakenError
from lpr.image_file import Picture
from parking.core.ids import uuid7_unix_ms
from tests.lpr.agent_process import ended, start_agent
from tests.lpr.plates import StripeReader, write_frame
from tests.lpr.server import KEY, Desk, served

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CARS = ("浙A8B762", "浙A8B768", "沪C21F13", "京PL3N67", "苏AD12345")
"""The second differs from the first by one look-alike character."""


def frame_name(second: float, number: int) -> str:
    at = START + timedelta(seconds=second)
    return f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03}Z-{number:06}"


def film(folder: Path, plates: tuple[str, ...], *, frames: int = 4, end: bool = True) -> None:
    """Let cars pass: each is seen in `frames` frames, five seconds after the one before."""
    for car, plate in enumerate(plates):
        for frame in range(frames):
            number = car * frames + frame
            write_frame(folder, frame_name(car * 5 + frame * 0.2, number), plate)
    if end:
        (folder / ".end").touch()


def write_config(tmp_path: Path, url: str, *, lanes: dict[str, str], extra: str = "") -> Path:
    cameras = "".join(
        f'[[cameras]]\nlane_id = "{lane}"\ndirection = "{direction}"\nsource = "{lane}"\n'
        for lane, direction in lanes.items()
    )
    config = tmp_path / "gate.toml"
    config.write_text(
        f'lot_id = "west-lake"\nserver_url = "{url}"\ndevice_key = "{KEY}"\nhealth_port = 0\n'
        f"checkpoint_seconds = 0.0\n{extra}\n{cameras}\n"
        "[crossing]\ngap_seconds = 1.0\n"
        "[uplink]\nretry_base_seconds = 0.02\nretry_bound_seconds = 0.1\n"
    )
    return config


def settings_of(config: Path) -> AgentSettings:
    return load_settings(path=config, flags={}, environ={})


def run_agent(config: Path, *, reader: "StripeReader | None" = None) -> None:
    agent = Agent(settings=settings_of(config), reader=reader or StripeReader())
    agent.run(stop=threading.Event(), until_idle_seconds=0.1)


def eventually(true: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def test_turns_frames_of_several_lanes_into_one_event_a_car(tmp_path: Path) -> None:
    desk = Desk()
    film(tmp_path / "west-in", CARS)
    film(tmp_path / "west-out", CARS[1:3], frames=7)
    with served(desk) as url:
        run_agent(write_config(tmp_path, url, lanes={"west-in": "entry", "west-out": "exit"}))
    by_lane = {
        lane: [event for event in desk.accepted.values() if event["lane_id"] == lane]
        for lane in ("west-in", "west-out")
    }
    assert [event["read"]["plate"] for event in by_lane["west-in"]] == list(CARS)
    assert [event["read"]["plate"] for event in by_lane["west-out"]] == list(CARS[1:3])
    assert {event["type"] for event in by_lane["west-in"]} == {"vehicle_entered"}
    assert {event["type"] for event in by_lane["west-out"]} == {"vehicle_exited"}


def test_tells_a_backlog_of_several_lanes_in_the_order_in_which_cars_went(tmp_path: Path) -> None:
    """The exit lane has one frame of each car and the entry lane many: it would be done first."""
    desk = Desk()
    for number, plate in enumerate(CARS):
        for frame in range(6):
            name = frame_name(number * 60 + frame * 0.2, frame)
            write_frame(tmp_path / "west-in", name, plate)
        write_frame(tmp_path / "west-out", frame_name(number * 60 + 30, 0), plate)
    for lane in ("west-in", "west-out"):
        (tmp_path / lane / ".end").touch()
    with served(desk) as url:
        lanes = {"west-out": "exit", "west-in": "entry"}
        run_agent(write_config(tmp_path, url, lanes=lanes))
    told = [(event["type"], event["read"]["plate"]) for event in desk.accepted.values()]
    assert told == [
        (kind, plate) for plate in CARS for kind in ("vehicle_entered", "vehicle_exited")
    ]


def test_words_an_event_as_the_server_expects_it(tmp_path: Path) -> None:
    desk = Desk()
    film(tmp_path / "west-in", CARS[:1])
    with served(desk) as url:
        run_agent(write_config(tmp_path, url, lanes={"west-in": "entry"}))
    (event,) = desk.accepted.values()
    occurred_at = datetime.fromisoformat(event["occurred_at"])
    event_id = UUID(event["event_id"])
    assert event_id.version == 7
    assert uuid7_unix_ms(event_id) == int(occurred_at.timestamp() * 1000)
    assert START <= occurred_at <= START + timedelta(seconds=1)
    assert len(bytes.fromhex(event["trace_id"])) == 16
    assert event["lot_id"] == "west-lake"
    assert event["read"]["plate"] == CARS[0]
    assert event["read"]["colour"] == "blue"
    assert 0.9 < event["read"]["confidence"] <= 1.0


def test_waits_for_a_folder_and_for_cars_that_come_later(tmp_path: Path) -> None:
    desk = Desk()
    with served(desk) as url:
        config = write_config(tmp_path, url, lanes={"west-in": "entry"})
        agent = Agent(settings=settings_of(config), reader=StripeReader())
        stop = threading.Event()
        thread = threading.Thread(target=agent.run, kwargs={"stop": stop}, daemon=True)
        thread.start()
        film(tmp_path / "west-in", CARS[:2], end=False)
        eventually(lambda: desk.plates == list(CARS[:2]))
        write_frame(tmp_path / "west-in", frame_name(60, 99), CARS[2])
        eventually(lambda: desk.plates == list(CARS[:3]))
        stop.set()
        thread.join()


@pytest.mark.parametrize("end", [True, False])
def test_sees_a_car_whose_frames_were_passed_over_when_no_more_come(
    tmp_path: Path, *, end: bool
) -> None:
    desk, lane = Desk(), tmp_path / "west-in"
    for number in range(4):
        # The lane is glanced at in the second frame; the next is due 0.35 s later.
        write_frame(lane, frame_name(number / 10, number), *CARS[: number == 3])
    if end:
        (lane / ".end").touch()
    with served(desk) as url:
        run_agent(write_config(tmp_path, url, lanes={"west-in": "entry"}))
    assert desk.plates == [CARS[0]]


def test_delivers_what_gathered_while_the_server_was_away(tmp_path: Path) -> None:
    desk = Desk()
    film(tmp_path / "west-in", CARS)
    with served(desk) as url:
        pass
    config = write_config(tmp_path, url, lanes={"west-in": "entry"})
    agent = Agent(settings=settings_of(config), reader=StripeReader())
    thread = threading.Thread(target=agent.run, kwargs={"stop": threading.Event()}, daemon=True)
    thread.start()
    eventually(lambda: agent.health().pending == len(CARS))
    eventually(lambda: agent.health().uplink_failures_in_a_row >= 5)
    assert not agent.health().ok
    assert agent.health().oldest_unsent_seconds is not None
    desk.plan = [503, 503]
    with served(desk, port=int(url.rsplit(":", 1)[1])):
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert desk.plates == list(CARS)


def test_neither_loses_nor_doubles_a_car_killed_between_any_two_statements(
    tmp_path: Path,
) -> None:
    desks, configs = {}, {}
    with ExitStack() as servers:  # side by side: each waits for its own gate most of the time
        for kill_before in (*range(0, 40, 4), 50, 70):
            folder, desk = tmp_path / str(kill_before), Desk()
            film(folder / "west-in", CARS[:3])
            url = servers.enter_context(served(desk))
            desks[kill_before] = desk
            configs[kill_before] = write_config(folder, url, lanes={"west-in": "entry"})
        killed = [start_agent(config, kill_before=before) for before, config in configs.items()]
        deaths = list(map(ended, killed))
        assert {ended(each) for each in [start_agent(config) for config in configs.values()]} == {0}
    for kill_before, desk in desks.items():
        assert desk.plates == list(CARS[:3]), f"killed before statement {kill_before}"
    assert deaths.count(-signal.SIGKILL) >= 9


def test_corrects_an_event_once_though_killed_between_any_two_statements(tmp_path: Path) -> None:
    desks, configs = {}, {}
    with ExitStack() as servers:
        for kill_before in (4, 10, 14, 18, 22, 26, 30, 40):
            folder, desk = tmp_path / str(kill_before), Desk()
            film(folder / "west-in", CARS[:1], frames=1, end=False)
            for frame in range(1, 8):
                write_frame(folder / "west-in", frame_name(frame * 0.2, frame), CARS[1])
            (folder / "west-in" / ".end").touch()
            config = write_config(
                folder, servers.enter_context(served(desk)), lanes={"west-in": "entry"}
            )
            rules = "stable_frames = 1\nstable_confidence = 0.5\n[uplink]"
            config.write_text(config.read_text().replace("[uplink]", rules))
            desks[kill_before], configs[kill_before] = desk, config
        killed = [start_agent(config, kill_before=before) for before, config in configs.items()]
        deaths = list(map(ended, killed))
        assert {ended(each) for each in [start_agent(config) for config in configs.values()]} == {0}
    for kill_before, desk in desks.items():
        told, corrected = desk.accepted.values()
        assert told["read"]["plate"] == CARS[0], f"killed before statement {kill_before}"
        assert (corrected["type"], corrected["plate"]) == ("plate_corrected", CARS[1])
        assert corrected["corrects"] == told["event_id"]
        assert CARS[1] not in corrected["reason"]
    assert deaths.count(-signal.SIGKILL) >= 6


def test_sends_the_same_event_again_when_killed_before_the_answer(tmp_path: Path) -> None:
    desk = Desk()
    film(tmp_path / "west-in", CARS)
    running: list[ForkServerProcess] = []
    ready = threading.Event()

    def kill_the_sender() -> None:
        # The first three answers meet a dead agent: the work is done, nobody knows.
        ready.wait()
        if len(running) <= 3:
            running[-1].kill()
            time.sleep(0.05)

    desk.before_answer = kill_the_sender
    with served(desk) as url:
        config = write_config(tmp_path, url, lanes={"west-in": "entry"})
        for _ in range(4):
            ready.clear()
            running.append(start_agent(config))
            ready.set()
            ended(running[-1])
    assert [agent.exitcode for agent in running] == [-signal.SIGKILL] * 3 + [0]
    assert desk.plates == list(CARS)
    sent = [event["event_id"] for request in desk.requests for event in request]
    assert len(sent) > len(set(sent)) == len(CARS)


def test_survives_kills_at_any_time_while_frames_keep_coming(tmp_path: Path) -> None:
    desk, chance = Desk(), random.Random(20260301)
    folder = tmp_path / "west-in"
    film(folder, CARS[:1], end=False)
    with served(desk) as url:
        config = write_config(tmp_path, url, lanes={"west-in": "entry"})
        for car in range(1, len(CARS)):
            agent = start_agent(config)
            for frame in range(4):
                name = frame_name(car * 5 + frame * 0.2, car * 4 + frame)
                write_frame(folder, name, CARS[car])
                time.sleep(chance.uniform(0.01, 0.15))
            agent.kill()
            ended(agent)
        (folder / ".end").touch()
        assert ended(start_agent(config)) == 0
    assert desk.plates == list(CARS)


def test_holds_its_lane_while_the_disk_is_full_and_loses_nothing(tmp_path: Path) -> None:
    desk = Desk()
    cars = tuple(f"浙A{number:05}" for number in range(10_000, 90_000, 333))
    film(tmp_path / "west-in", cars, frames=1)
    with served(desk) as url:
        pass
    config = write_config(
        tmp_path, url, lanes={"west-in": "entry"}, extra="spool_bytes_max = 65536"
    )
    agent = Agent(settings=settings_of(config), reader=StripeReader())
    thread = threading.Thread(target=agent.run, kwargs={"stop": threading.Event()}, daemon=True)
    thread.start()
    eventually(lambda: "is full" in agent.health().cameras[0].problem)
    assert not agent.health().ok
    with served(desk, port=int(url.rsplit(":", 1)[1])):
        thread.join(timeout=30)
    assert not thread.is_alive()
    assert desk.plates == list(cars)


def test_skips_a_broken_frame_and_says_so(tmp_path: Path) -> None:
    desk = Desk()
    film(tmp_path / "west-in", CARS[:2])
    broken = tmp_path / "west-in" / f"{frame_name(0.1, 900)}.jpg"
    broken.write_bytes(b"\xff\xd8\xff half a picture")
    long_ago = time.time() - 60
    os.utime(broken, (long_ago, long_ago))
    with served(desk) as url:
        agent = Agent(
            settings=settings_of(write_config(tmp_path, url, lanes={"west-in": "entry"})),
            reader=StripeReader(),
        )
        agent.run(stop=threading.Event())
    assert desk.plates == list(CARS[:2])


def test_tells_its_health_over_http(tmp_path: Path) -> None:
    desk = Desk()
    desk.refuse = lambda _: "no such lane"
    film(tmp_path / "west-in", CARS[:1], end=False)
    with served(desk) as url:
        config = write_config(
            tmp_path, url, lanes={"west-in": "entry"}, extra="health_port = 18473"
        )
        config.write_text(config.read_text().replace("health_port = 0\n", ""))
        agent = Agent(settings=settings_of(config), reader=StripeReader())
        stop = threading.Event()
        thread = threading.Thread(target=agent.run, kwargs={"stop": stop}, daemon=True)
        thread.start()
        eventually(lambda: agent.health().rejected == 1)
        with pytest.raises(urllib.error.HTTPError) as degraded:
            urllib.request.urlopen("http://127.0.0.1:18473/healthz")
        told = json.loads(degraded.value.read())
        degraded.value.close()
        with urllib.request.urlopen("http://127.0.0.1:18473/metrics") as answer:
            metrics = answer.read().decode()
        with pytest.raises(SpoolTakenError, match="another gate agent is running"):
            Agent(settings=settings_of(config), reader=StripeReader())
        elsewhere = msgspec.structs.replace(settings_of(config), spool=tmp_path / "other.sqlite3")
        with pytest.raises(HealthPortTakenError, match="18473"):
            Agent(settings=elsewhere, reader=StripeReader()).run(stop=threading.Event())
        stop.set()
        thread.join()
    assert degraded.value.code == 503
    assert (told["status"], told["rejected"], told["pending"]) == ("degraded", 1, 0)
    assert told["cameras"][0]["frames"] == 4
    assert "lpr_spool_rejected_events 1\n" in metrics
    assert 'lpr_frames_total{lane="west-in"} 4\n' in metrics


class FailingReader(StripeReader):
    def read(self, picture: Picture, *, thorough: bool = True) -> list[PlateReading]:
        msg = "the net has gone"
        raise RuntimeError(msg)


def test_fails_as_a_whole_when_a_lane_fails(tmp_path: Path) -> None:
    film(tmp_path / "west-in", CARS[:1])
    with served(Desk()) as url, pytest.raises(RuntimeError, match="the net has gone"):
        run_agent(write_config(tmp_path, url, lanes={"west-in": "entry"}), reader=FailingReader())
