"""Moving pictures through OpenCV: a recorded video, or a network stream."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from lpr.core.backoff import delay_seconds
from lpr.errors import CameraError
from lpr.frame import POLL_SECONDS, Frame, Frames, captured_at_of
from lpr.shot import DecodedShot

STREAM_TIMEOUT_MS = 5000
RECONNECT_BASE_SECONDS = 0.5
RECONNECT_BOUND_SECONDS = 30.0


class VideoFileCamera:
    """A recorded video.

    It began when its name says, else as long before its modification time as it lasts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def frames(self, *, after: str, stop: threading.Event) -> Frames:
        """Deliver the video's frames, then end."""
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise CameraError(str(self._path), "the file is not a video that can be decoded")
        try:
            began_at = self._began_at(capture)
            index = 0
            while not stop.is_set() and capture.grab():
                # Read before the next grab: the position is that of the frame just grabbed.
                offset_ms = max(capture.get(cv2.CAP_PROP_POS_MSEC), 0.0)
                index += 1
                cursor = f"{index:012d}"
                if cursor <= after:
                    continue
                decoded, picture = capture.retrieve()
                yield Frame(
                    cursor=cursor,
                    captured_at=began_at + timedelta(milliseconds=offset_ms),
                    shot=DecodedShot(np.asarray(picture, np.uint8)) if decoded else None,
                    problem="" if decoded else "the frame cannot be decoded",
                )
        finally:
            capture.release()

    def _began_at(self, capture: cv2.VideoCapture) -> datetime:
        named = captured_at_of(self._path.name)
        if named is not None:
            return named
        frames_per_second = capture.get(cv2.CAP_PROP_FPS) or 25.0
        lasts_seconds = max(capture.get(cv2.CAP_PROP_FRAME_COUNT), 0.0) / frames_per_second
        ended_at = datetime.fromtimestamp(self._path.stat().st_mtime, tz=UTC)
        return ended_at - timedelta(seconds=lasts_seconds)


class StreamCamera:
    """A network stream. Only its newest frame is kept: a slow reader must not fall behind.

    Reconnects for ever, with growing waits.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def frames(self, *, after: str, stop: threading.Event) -> Frames:
        """Deliver the newest frame each time, as it comes; `after` has no meaning here."""
        del after
        newest = _Newest()
        quit_grabbing = threading.Event()
        grabber = threading.Thread(
            target=self._grab, args=(newest, quit_grabbing), name="grab", daemon=True
        )
        grabber.start()
        try:
            while not stop.is_set():
                yield newest.take(timeout_seconds=5 * POLL_SECONDS)
        finally:
            quit_grabbing.set()
            grabber.join(timeout=2 * STREAM_TIMEOUT_MS / 1000)

    def _grab(self, newest: "_Newest", stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            failures = 1 if self._watch(newest, stop) else failures + 1
            stop.wait(
                delay_seconds(
                    failures,
                    base_seconds=RECONNECT_BASE_SECONDS,
                    bound_seconds=RECONNECT_BOUND_SECONDS,
                    chance=0.0,
                )
            )

    def _watch(self, newest: "_Newest", stop: threading.Event) -> bool:
        """Take frames until the stream breaks; answer whether there was any."""
        timeouts = (
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            STREAM_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            STREAM_TIMEOUT_MS,
        )
        capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, timeouts)
        seen = False
        try:
            while capture.isOpened() and not stop.is_set():
                read, picture = capture.read()
                if not read:
                    break
                seen = True
                newest.put(
                    Frame(
                        cursor="",
                        captured_at=datetime.now(tz=UTC),
                        shot=DecodedShot(np.asarray(picture, dtype=np.uint8)),
                    )
                )
        finally:
            capture.release()
        return seen


class _Newest:
    """Holds one frame; a newer one replaces it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None

    def put(self, frame: Frame) -> None:
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def take(self, *, timeout_seconds: float) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, timeout=timeout_seconds)
            frame, self._frame = self._frame, None
            return frame
