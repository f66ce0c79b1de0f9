"""The motion gate: while nothing moves in a lane, what was read there last still holds.

Each frame is compared, small and grey, with the last one that was *read*, not with the last one
that was seen: a car that creeps by a hair from frame to frame adds up to a change and is read. A
change of the light as a whole (a cloud, the camera's exposure) is subtracted. Whatever cannot be
told from a car, such as rain in lamplight, opens the gate: that costs time and never a car.

Most frames of a lane that is empty and still are not even glanced at. They are kept until the next
glance: if something has moved by then, they are looked at after all, so that a car that came in
between has lost none of its frames.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from lpr.core.reading import PlateReading
from lpr.errors import ImageError
from lpr.image_file import Grey, Picture
from lpr.shot import Shot
from parking.core.settings import setting

NOISE_TIMES = 5.0
"""A pixel has changed when it did so by this many standard deviations of the noise."""
STEP_MIN, STEP_MAX = 6.0, 20.0
"""Grey levels of 255: at least, and at most, what counts as a change whatever the noise."""
PASSED_OVER_MAX = 4
"""So many frames are kept that were passed over: those of a recording take megabytes each."""
_NOISE_MEMORY = 0.9
_TOP = 255
_SIGMAS_PER_MEDIAN_DEVIATION = 1.4826


class MotionRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a frame is worth reading."""

    changed_share_min: Annotated[
        float,
        setting(
            "A frame is read when this share of it has changed since the last one that was read;"
            " 0 reads every frame",
            unit="0.0 to 1.0",
            ge=0,
            le=1,
        ),
    ] = 0.005
    glance_seconds: Annotated[
        float,
        setting(
            "How often a still lane without a plate is looked at; frames between are passed over"
            " until something has moved",
            unit="seconds",
            ge=0,
            le=2,
        ),
    ] = 0.35
    rest_reads: Annotated[
        int,
        setting(
            "How often a plate is read again that has come to rest in view",
            unit="frames",
            ge=1,
            le=100,
        ),
    ] = 5
    plate_reread_seconds: Annotated[
        float,
        setting("After that, how often it is read", unit="seconds", ge=0, le=3600),
    ] = 1.0
    reread_seconds: Annotated[
        float,
        setting("How often a still lane without a plate is read", unit="seconds", ge=0, le=3600),
    ] = 30.0


class FrameReader(Protocol):
    """Reads the plates in a frame (`lpr.pipeline.Pipeline`)."""

    def read(self, picture: Picture, *, thorough: bool = True) -> list[PlateReading]:
        """Answer the plates, the nearest first; not `thorough`: those that are found cheaply."""
        ...


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A frame, and the plates in it."""

    shot: Shot | None
    """None: the frame was broken."""
    captured_at: datetime
    readings: Sequence[PlateReading] = ()


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """The last frame that was read."""

    glance: Grey
    at: datetime
    readings: tuple[PlateReading, ...]
    times: int
    """How many frames in a row were read though nothing had moved, this one included."""


class MotionGate:
    """Stands before the reader of one lane."""

    def __init__(self, reader: FrameReader, *, rules: MotionRules) -> None:
        self._reader = reader
        self._rules = rules
        self._last: _Read | None = None
        self._passed_over: deque[tuple[Shot, datetime]] = deque(maxlen=PASSED_OVER_MAX)
        self._glanced_at: datetime | None = None
        self._still = False
        self._noise = 1.0
        self.frames_read = 0

    def looks(self, shot: Shot, *, captured_at: datetime) -> Iterator[Look]:
        """Answer the plates in a frame, read now or when it last changed; raises ImageError.

        Before it, once more, come frames that were passed over and do show a plate.
        """
        if self._glanced_lately(captured_at):
            self._passed_over.append((shot, captured_at))
            yield Look(shot=shot, captured_at=captured_at)
            return
        self._glanced_at = captured_at
        moved = self._moved(shot)
        if moved and self._passed_over:
            yield from self.passed_over()
            moved = self._moved(shot)
        self._passed_over.clear()
        readings = self._readings(shot, captured_at, moved=moved)
        yield Look(shot=shot, captured_at=captured_at, readings=readings)

    def passed_over(self) -> Iterator[Look]:
        """Look at the frames that were passed over after all; answer those that show a plate.

        To be asked when no further frame comes: the last ones may have been passed over.
        """
        while self._passed_over:
            shot, captured_at = self._passed_over.popleft()
            readings: Sequence[PlateReading] = ()
            with suppress(ImageError):  # as if it had never been taken
                readings = self._readings(shot, captured_at, moved=self._moved(shot))
            if readings:
                yield Look(shot=shot, captured_at=captured_at, readings=readings)

    def _readings(
        self, shot: Shot, captured_at: datetime, *, moved: bool
    ) -> Sequence[PlateReading]:
        """Read a frame, unless what was read last still holds."""
        last = self._last
        self._still = not moved
        if last is not None and not moved and not self._due(last, captured_at):
            return last.readings
        # What has not moved was looked at as well as can be when it came to rest.
        thorough = last is None or moved or bool(last.readings)
        readings = tuple(self._reader.read(shot.picture(), thorough=thorough))
        self.frames_read += 1
        times = 1 if last is None or moved else last.times + 1
        self._last = _Read(glance=shot.glance(), at=captured_at, readings=readings, times=times)
        return readings

    def _glanced_lately(self, captured_at: datetime) -> bool:
        """Say whether the lane was empty and still a moment ago."""
        last = self._last
        if last is None or last.readings or not self._still or self._glanced_at is None:
            return False
        gone_by = abs(captured_at - self._glanced_at)
        return gone_by < timedelta(seconds=self._rules.glance_seconds)

    def _due(self, last: _Read, captured_at: datetime) -> bool:
        if last.readings and last.times <= self._rules.rest_reads:
            return True
        wait = self._rules.plate_reread_seconds if last.readings else self._rules.reread_seconds
        # The camera's clock may be set back: that is time gone by, too.
        return abs(captured_at - last.at) >= timedelta(seconds=wait)

    def _moved(self, shot: Shot) -> bool:
        """Say whether anything has moved since the last frame that was read."""
        now = shot.glance()
        if self._last is None or self._last.glance.shape != now.shape:
            return True
        before = self._last.glance
        away = _changes(before, now)
        step = min(max(NOISE_TIMES * self._noise, STEP_MIN), STEP_MAX)
        if away[int(step) + 1 :].sum() >= self._rules.changed_share_min * now.size:
            return True
        # Only still frames teach how noisy the camera is: a car is no noise.
        noise = _SIGMAS_PER_MEDIAN_DEVIATION * _median(away)
        self._noise = _NOISE_MEMORY * self._noise + (1 - _NOISE_MEMORY) * noise
        return False


def _changes(before: Grey, now: Grey) -> npt.NDArray[np.intp]:
    """Count pixels by how many grey levels they changed, less what all did together.

    By counting levels instead of sorting pixels: a frame costs a tenth of a millisecond.
    """
    levels = np.bincount((now.astype(np.int16) - before).ravel() + _TOP, minlength=2 * _TOP + 1)
    away = np.abs(np.arange(2 * _TOP + 1) - _median(levels))
    return np.bincount(away, weights=levels, minlength=2 * _TOP + 1).astype(np.intp)


def _median(counts: npt.NDArray[np.intp]) -> int:
    """Answer the value in the middle, given how often each value from 0 on was seen."""
    seen = counts.cumsum()
    return int(np.searchsorted(seen, seen[-1] / 2))
