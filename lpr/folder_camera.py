"""A folder that a camera uploads pictures into."""

import os
import stat
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from lpr.errors import CameraError, ImageError
from lpr.frame import POLL_SECONDS, Frame, Frames, captured_at_of
from lpr.image_file import IMAGE_SUFFIXES, read_file
from lpr.shot import EncodedShot

END_MARKER = ".end"
"""A file of this name in a folder of frames says that no more will come."""
LISTING_SECONDS = 0.2
"""How often the folder is looked through at most: it may hold many files."""
WRITING_SECONDS_MAX = 2.0
"""A broken frame younger than this may still be being written: it is tried again."""
_TICK_NS = 20_000_000
_COARSE_TICK_NS = 2_000_000_000
"""Two changes of a folder within a tick of its file system's clock may carry the same time."""


class FolderCamera:
    """A folder that a camera uploads pictures into; it may come into being later.

    Frames are taken in the order of their capture: from the file's name
    (`20260102T030405.678Z-17.jpg`), else from its modification time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._end_marker = folder / END_MARKER
        self._listed: dict[str, str] = {}
        self._changed_at_ns = -1
        self._listing_holds = False

    def frames(self, *, after: str, stop: threading.Event) -> Frames:
        """Follow the folder until `stop`, or until its end marker is there and all is read."""
        done = {name for name, key in self._listing().items() if key <= after}
        latest = after
        while not stop.is_set():
            # The marker is looked for before the listing: what it closes is then in the listing.
            ended = self._end_marker.exists()
            listed_at = time.monotonic()
            listing = self._listing()
            done &= listing.keys()
            fresh = sorted((listing[name], name) for name in listing.keys() - done)
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
            stop.wait(max(listed_at + LISTING_SECONDS - time.monotonic(), 0.0))

    def _listing(self) -> dict[str, str]:
        """Name the folder's pictures, each with the key that puts it in order.

        A folder that has not changed since it was read is not read again.
        """
        try:
            changed_at_ns = self._folder.stat().st_mtime_ns
            if changed_at_ns == self._changed_at_ns and self._listing_holds:
                return self._listed
            self._listing_holds = time.time_ns() - changed_at_ns > _tick_ns(changed_at_ns)
            names = set(os.listdir(self._folder))  # noqa: PTH208 - names are enough, and many
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise CameraError(str(self._folder), error.strerror or str(error)) from error
        for name in self._listed.keys() - names:
            del self._listed[name]
        for name in names - self._listed.keys():
            key = self._key(name) if _is_picture(name) else ""
            if key:
                self._listed[name] = key
        self._changed_at_ns = changed_at_ns
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
        captured_at = captured_at_of(name) or _modified_at(path) or datetime.now(tz=UTC)
        try:
            shot = EncodedShot(read_file(path))
            shot.check()
        except ImageError as error:
            modified_at = _modified_at(path)
            age_seconds = time.time() - modified_at.timestamp() if modified_at else 0.0
            if modified_at is not None and 0 <= age_seconds < WRITING_SECONDS_MAX:
                time.sleep(POLL_SECONDS)
                return None
            return Frame(cursor=cursor, captured_at=captured_at, shot=None, problem=str(error))
        return Frame(cursor=cursor, captured_at=captured_at, shot=shot)


def _tick_ns(changed_at_ns: int) -> int:
    """Answer how far apart two changes must be to carry different times for sure.

    File systems that count whole seconds, or two of them, are told by their times.
    """
    return _COARSE_TICK_NS if changed_at_ns % 1_000_000 == 0 else _TICK_NS


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
