"""What an idle camera costs: the share of a core that the agent takes while nothing happens.

    python bench/idle.py [--seconds 30] [--rate 10] [--source folder|video] [--part day|night]

Starts `lpr run` on frames of an empty lane at 1280x720, with the sensor's noise and a clock in the
picture, and counts its processor time after it has warmed up. `folder` uploads JPEG files as a
camera does, at the rate given. `video` lets the agent read a recording (MPEG-4) as fast as it can
and divides: what a stream of the same pictures would cost. There is no server: nothing happens.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
from processor_time import processor_seconds

from gateway_sim.gates.delivery import frame_name
from gateway_sim.gates.frames import render_empty
from gateway_sim.gates.light import DayPart
from lpr.image_file import decode_image

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=8)))
DIFFERENT_FRAMES = 40
"""Rendered once and shown again and again, so that rendering does not compete with the agent."""
WARM_UP_SECONDS = 8.0
LANE = "idle-in"


def main() -> int:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=10.0, help="frames a second")
    parser.add_argument("--source", choices=("folder", "video"), default="folder")
    parser.add_argument("--part", choices=[part.value for part in DayPart], default="day")
    asked = parser.parse_args()
    jpegs = list(_frames(DayPart(asked.part), asked.rate))
    with tempfile.TemporaryDirectory(prefix="idle-") as folder:
        measure = _folder if asked.source == "folder" else _video
        seconds, frames, read = measure(Path(folder), jpegs, asked)
    share = seconds / frames * asked.rate
    print(
        f"{asked.source}, {asked.part}: {seconds / frames * 1e3:.2f} ms a frame, {share:.2%} of a "
        f"core at {asked.rate:g} frames/s ({frames} frames, {read} of them read)"
    )
    return 0


def _frames(part: DayPart, rate: float) -> Iterator[bytes]:
    for number in range(DIFFERENT_FRAMES):
        yield render_empty("idle/in", NOON + timedelta(seconds=number / rate), part=part).jpeg


def _folder(folder: Path, jpegs: list[bytes], asked: argparse.Namespace) -> tuple[float, int, int]:
    lane = folder / LANE
    lane.mkdir()
    stop = threading.Event()
    uploads = threading.Thread(target=_upload, args=(lane, jpegs, asked.rate, stop))
    uploads.start()
    try:
        with _agent(folder, str(lane)) as (pid, health):
            time.sleep(WARM_UP_SECONDS)
            before, began = _camera(health), processor_seconds(pid)
            time.sleep(asked.seconds)
            after, ended = _camera(health), processor_seconds(pid)
    finally:
        stop.set()
        uploads.join()
    frames = after["frames"] - before["frames"]
    return ended - began, frames, after["frames_read"] - before["frames_read"]


def _upload(lane: Path, jpegs: list[bytes], rate: float, stop: threading.Event) -> None:
    began = time.monotonic()
    number = 0
    while not stop.wait(max(began + number / rate - time.monotonic(), 0)):
        name = frame_name(datetime.now(tz=UTC), number)
        part = lane / f".{name}.part"
        part.write_bytes(jpegs[number % len(jpegs)])
        part.rename(lane / name)
        number += 1


def _video(folder: Path, jpegs: list[bytes], asked: argparse.Namespace) -> tuple[float, int, int]:
    path = folder / "20260302T040000.000Z-1.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), asked.rate, (1280, 720))
    for number in range(round(asked.seconds * asked.rate)):
        writer.write(decode_image(jpegs[number % len(jpegs)]))
    writer.release()
    with _agent(folder, str(path)) as (pid, health):
        began, camera = processor_seconds(pid), _camera(health)
        first = camera["frames"]
        while not camera["ended"]:
            time.sleep(0.1)
            camera = _camera(health)
        return processor_seconds(pid) - began, camera["frames"] - first, camera["frames_read"]


@contextmanager
def _agent(folder: Path, source: str) -> Iterator[tuple[int, str]]:
    """Run the agent; answer its process and where its health is served."""
    command = "import cv2; cv2.setNumThreads(1); from lpr.cli import main; main()"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", command, "run", "--lot", "idle", "--health-port", "0"),
            *("--server", "http://127.0.0.1:9", "--spool", str(folder / "spool.sqlite3")),
            *("--camera", f"{LANE}:entry:{source}"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LPR_DEVICE_KEY": "none", "OMP_NUM_THREADS": "1"},
    )
    assert process.stderr
    try:
        said = next(line for line in process.stderr if "agent_started" in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield process.pid, json.loads(said)["health"]
    finally:
        process.terminate()
        process.wait(timeout=60)


def _camera(health: str) -> dict[str, Any]:
    """Ask the agent how its camera does."""
    with urllib.request.urlopen(f"{health}/healthz") as answer:  # noqa: S310 - our own agent
        camera: dict[str, Any] = json.load(answer)["cameras"][0]
        return camera


if __name__ == "__main__":
    sys.exit(main())
