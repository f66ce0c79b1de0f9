"""Uploads of cameras: each lane's frames land in its own folder, whole, in the order of time.

A frame is written beside its place under a hidden name and then renamed, so that whoever follows
the folder never sees half a picture. What is already there is not rendered again: a delivery that
was killed goes on where it was.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from gateway_sim.gates.frames import render_pass
from gateway_sim.gates.scenario import Pass, Scenario
from parking.core.errors import DomainError

END_MARKER = ".end"
"""A lane's folder holds a file of this name once no more frames will come."""
TRUTH_FILE = "truth.json"


class DeliveryFailedError(DomainError):
    """A folder cannot be written to."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot deliver frames to {path}: {reason}")
        self.path = path
        self.reason = reason


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What happened before a camera, and the frames it made of it."""

    happened: Pass
    files: tuple[str, ...]
    """Paths below the delivery's folder; empty where the camera missed the car."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """`truth.json`: the scenario again, with the frames of each pass."""

    scenario: Scenario
    passes: tuple[Delivered, ...]


Progress: TypeAlias = Callable[[int, int], None]
"""Told after each pass: how many are done, and of how many."""


def deliver(
    scenario: Scenario, out_dir: Path, *, end: bool = True, progress: Progress | None = None
) -> Truth:
    """Write all frames of a scenario, oldest pass first, then the truth and the end markers.

    Without `end` the markers are left out: the cameras stay, as live ones do. Raises
    DeliveryFailedError.
    """
    passes = sorted(scenario.passes, key=lambda item: item.captured_at)
    delivered = list(_numbered(passes))
    try:
        for done, item in enumerate(delivered, start=1):
            _deliver_pass(item, out_dir, seed=scenario.seed)
            if progress is not None:
                progress(done, len(delivered))
        truth = Truth(scenario=scenario, passes=tuple(delivered))
        _write(out_dir / TRUTH_FILE, msgspec.json.format(msgspec.json.encode(truth), indent=1))
        for lane in sorted({item.lane for item in passes}) if end else ():
            _write(out_dir / lane / END_MARKER, b"")
    except OSError as error:
        raise DeliveryFailedError(out_dir, error.strerror or str(error)) from error
    return truth


def frame_name(captured_at: datetime, sequence: int) -> str:
    """Name a frame by its capture in UTC (`20261122T010500.240Z-00017.jpg`)."""
    milliseconds = captured_at.microsecond // 1000
    return f"{captured_at:%Y%m%dT%H%M%S}.{milliseconds:03d}Z-{sequence:05d}.jpg"


def _numbered(passes: Iterable[Pass]) -> Iterable[Delivered]:
    """Name the frames of each pass; the number in the name counts a lane's frames."""
    counts: dict[str, int] = {}
    for item in passes:
        first = counts.get(item.lane, 0)
        frames = item.frames if item.delivered else 0
        counts[item.lane] = first + frames
        names = (frame_name(item.frame_at(i), first + i + 1) for i in range(frames))
        yield Delivered(happened=item, files=tuple(f"{item.lane}/{name}" for name in names))


def _deliver_pass(item: Delivered, out_dir: Path, *, seed: int) -> None:
    paths = [out_dir / name for name in item.files]
    if all(path.exists() for path in paths):
        return
    for path, frame in zip(paths, render_pass(item.happened, seed=seed), strict=True):
        _write(path, frame.jpeg)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    being_written = path.with_name(f".{path.name}.part")
    being_written.write_bytes(data)
    being_written.replace(path)
