"""Where frames come from: a folder that fills up, a video file, or a network stream.

Every camera names its frames so that the agent can say how far it is, and go on there after a
restart. `None` among the frames means: nothing new just now, time passes.
"""

import re
import stat
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

import cv2
import msgspec
import numpy as np

from lpr.core.backoff import delay_seconds
from lpr.errors import CameraError, ImageError
from lpr.image_file import IMAGE_SUFFIXES, Picture, read_image_file

POLL_SECONDS = 0.1
END_MARKER = ".end"
"""A file of this name in a folder of frames says that no more will come."""
WRITING_SECONDS_MAX = 2.0
"""A broken frame younger than this may still be being written: it is tried again."""
STREAM_TIMEOUT_MS = 5000
RECONNECT_BASE_SECONDS = 0.5
RECONNECT_BOUND_SECONDS = 30.0
VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".ts", ".m4v", ".webm"})

_SECOND_NS = 1_000_000_000
_CAPTURED_AT = re.compile(r"^(\d{8}T\d{6})\.(\d{1,6})Z-")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a lane."""

    cursor: str
    """Names the frame; later frames compare greater. Empty where the past cannot be had again."""
    captured_at: datetime
    picture: Picture | None
    """None: the frame was broken, and `problem` says how."""
    problem: str = ""


Frames: TypeAlias = Iterator[Frame | None]


class Camera(Protocol):
    """Something that delivers frames."""

    def frames(self, *, after: str, stop: threading.Event) -> Frames:
        """Deliver the frames that come after the one named `after` (empty: all).

        None is delivered while nothing new is there. Ends when the source has ended or `stop` is
        set.
        """
        ...


def open_camera(source: str) -> Camera:
    """Choose the camera for a source; raises CameraError."""
    if "://" in source:
        scheme = source.split("://", 1)[0].lower()
        if scheme not in {"rtsp", "rtsps", "http", "https"}:
            raise CameraError(source, f"streams are rtsp or http, not {scheme}")
        return StreamCamera(source)
    path = Path(source)
    if path.is_file():
        return VideoFileCamera(path)
    if path.exists() and not path.is_dir():
        raise CameraError(source, "is neither a folder nor a file")
    if not path.exists() and path.suffix.lower() in VIDEO_SUFFIXES:
        raise CameraError(source, "there is no such file")
    return FolderCamera(path)


class FolderCamera:
    """A folder that a camera uploads pictures into; it may come into being later.

    Frames are taken in the order of their capture: from the file's name
    (`20260102T030405.678Z-17.jpg`), else from its modification time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, str] = {}
        self._listed_at_ns = -1

    def frames(self, *, after: str, stop: threading.Event) -> Frames:
        """Follow the folder until `stop`, or until its end marker is there and all is read."""
        done = {name for name, key in self._listing().items() if key <= after}
        latest = after
        while not stop.is_set():
            # The marker is looked for before the listing: what it closes is then in the listing.
            ended = (self._folder / END_MARKER).exists()
            listing = self._listing()
            done &= listing.keys()
            fresh = sorted((key, name) for name, key in listing.items() if name not in done)
            for key, name in fresh:
                if stop.is_set():
                    return
                frame = self._read(name, cursor=max(key, latest))
                if frame is None:
                    break
                done.add(name)
                latest = frame.cursor
                yield frame
            else:
                if ended:
                    return
            if not fresh:
                yield None
                stop.wait(POLL_SECONDS)

    def _listing(self) -> dict[str, str]:
        """Name the folder's pictures, each with the key that puts it in order.

        A folder that has not changed for a second is not read again.
        """
        try:
            changed_at_ns = self._folder.stat().st_mtime_ns
            if changed_at_ns == self._listed_at_ns and time.time_ns() - changed_at_ns > _SECOND_NS:
                return self._listed
            names = [path.name for path in self._folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise CameraError(str(self._folder), error.strerror or str(error)) from error
        keys = ((name, self._key(name)) for name in names if _is_picture(name))
        self._listed = {name: key for name, key in keys if key}
        self._listed_at_ns = changed_at_ns
        return self._listed

    def _key(self, name: str) -> str:
        captured_at = captured_at_of(name) or _modified_at(self._folder / name)
        return (
            ""
            if captured_at is None
            else f"{captured_at.isoformat(timespec='microseconds')} {name}"
        )

    def _read(self, name: str, *, cursor: str) -> Frame | None:
        """Read one frame; None while it may still be being written."""
        path = self._folder / name
        modified_at = _modified_at(path)
        captured_at = captured_at_of(name) or modified_at or datetime.now(tz=UTC)
        try:
            picture = read_image_file(path)
        except ImageError as error:
            age_seconds = time.time() - modified_at.timestamp() if modified_at else 0.0
            if modified_at is not None and 0 <= age_seconds < WRITING_SECONDS_MAX:
                time.sleep(POLL_SECONDS)
                return None
            return Frame(cursor=cursor, captured_at=captured_at, picture=None, problem=str(error))
        return Frame(cursor=cursor, captured_at=captured_at, picture=picture)


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
                    picture=np.asarray(picture, dtype=np.uint8) if decoded else None,
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
                        picture=np.asarray(picture, dtype=np.uint8),
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


def captured_at_of(name: str) -> datetime | None:
    """Read the capture time from a frame's name; None when it carries none."""
    found = _CAPTURED_AT.match(name)
    if found is None:
        return None
    try:
        whole = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return whole + timedelta(microseconds=int(found[2].ljust(6, "0")))


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def _modified_at(path: Path) -> datetime | None:
    """Answer when a regular file was last written; None for anything else, or nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return datetime.fromtimestamp(status.st_mtime, tz=UTC)
