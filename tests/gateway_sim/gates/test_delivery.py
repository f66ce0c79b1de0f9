"""Frames land whole, in order, under names that a gate agent understands; a kill loses nothing."""

import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from gateway_sim.gates.delivery import DeliveryFailedError, Truth, deliver
from gateway_sim.gates.scenario import Pass, Scenario, to_json
from lpr.folder_camera import END_MARKER
from lpr.frame import captured_at_of

CHINA = timezone(timedelta(hours=8))


def crossing(lane: str, hour: int, plate: str, **more: object) -> Pass:
    at = datetime(2026, 11, 22, hour, 5, tzinfo=CHINA)
    plain = Pass(lane=lane, captured_at=at, plate=plate, frames=2)
    return msgspec.structs.replace(plain, **more)


SCENARIO = Scenario(
    passes=(
        crossing("riverside/out", 11, "浙A8B762"),
        crossing("riverside/in", 9, "浙A8B762"),
        crossing("riverside/out", 15, "皖B6H253", delivered=False),
        crossing("riverside/in", 10, "皖B6H253"),
    ),
    seed=2,
)


def files_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_names_tell_the_time_of_capture_and_sort_by_it(tmp_path: Path) -> None:
    deliver(SCENARIO, tmp_path)
    names = sorted(path.name for path in (tmp_path / "riverside/in").glob("*.jpg"))
    assert names == [
        "20261122T010500.000Z-00001.jpg",
        "20261122T010500.240Z-00002.jpg",
        "20261122T020500.000Z-00003.jpg",
        "20261122T020500.240Z-00004.jpg",
    ]
    times = [captured_at_of(name) for name in names]
    first, second = (item.captured_at for item in SCENARIO.passes[1::2])
    gap = timedelta(milliseconds=240)
    assert times == [first, first + gap, second, second + gap]


def test_every_frame_can_be_decoded_and_the_truth_names_it(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    deliver(SCENARIO, tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    truth = msgspec.json.decode((tmp_path / "truth.json").read_bytes(), type=Truth)
    named = [name for item in truth.passes for name in item.files]
    assert sorted(named) == sorted(name for name in files_of(tmp_path) if name.endswith(".jpg"))
    for name in named:
        data = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR) is not None
    assert [item.files for item in truth.passes if not item.happened.delivered] == [()]


def test_end_markers_say_that_no_more_will_come_unless_cameras_stay(tmp_path: Path) -> None:
    deliver(SCENARIO, tmp_path / "ended")
    deliver(SCENARIO, tmp_path / "live", end=False)
    lanes = ("riverside/in", "riverside/out")
    assert all((tmp_path / "ended" / lane / END_MARKER).exists() for lane in lanes)
    assert not any((tmp_path / "live" / lane / END_MARKER).exists() for lane in lanes)


def test_a_delivery_that_was_killed_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    deliver(SCENARIO, tmp_path / "whole")
    plan = tmp_path / "scenario.json"
    plan.write_bytes(to_json(SCENARIO))
    command = [sys.executable, "-c", "from gateway_sim.cli import main; main()", "gates"]
    command += ["--scenario", str(plan), "--out", str(tmp_path / "torn"), "--end"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "torn").rglob("*.jpg")) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    whole = files_of(tmp_path / "whole")
    for name, data in files_of(tmp_path / "torn").items():
        assert name.endswith(".part") or whole[name] == data
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    torn = {n: d for n, d in files_of(tmp_path / "torn").items() if not n.endswith(".part")}
    assert torn == whole


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DeliveryFailedError, match="cannot deliver frames to"):
        deliver(SCENARIO, tmp_path / "file")
