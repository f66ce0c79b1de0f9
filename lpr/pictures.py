"""Two pictures of each event, kept on the gate's own disk: the scene, and the plate laid flat.

They show people and cars, so they stay on the box, for a set time and up to a set size, oldest
deleted first; who may see them asks the box (`GET /pictures/<event id>/scene.jpg` and
`/plate.jpg` at the health port). An event never waits for its pictures: where they cannot be
written, it goes without them.
"""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import cv2
import msgspec
import numpy as np
import structlog

from lpr.core.reading import PlateReading
from lpr.errors import ImageError
from lpr.image_file import Picture
from lpr.rectify import rectify
from lpr.shot import Shot
from lpr.unrecognised import unrecognised
from parking.core.ids import uuid7_unix_ms
from parking.core.settings import setting

SCENE_SIDE_PIXELS = 1280
PLATE_WIDTH_PIXELS, PLATE_HEIGHT_PIXELS = 336, 96
JPEG_QUALITY = 85


class PictureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pictures are kept, and how long."""

    folder: Annotated[Path, setting("The folder that events' pictures are kept in")] = Path(
        "lpr-pictures"
    )
    days: Annotated[
        int,
        setting("Older ones are deleted; 0 keeps no pictures at all", unit="days", ge=0, le=3660),
    ] = 7
    bytes_max: Annotated[
        int,
        setting(
            "The most that they may take; the oldest are deleted first",
            unit="bytes",
            ge=1 << 20,
            le=1 << 44,
        ),
    ] = 1 << 30
    blur: Annotated[
        bool,
        setting(
            "Make the scene so coarse, but for the plate and what is around it, that nobody is"
            " recognised on it"
        ),
    ] = False


class Show(Enum):
    """What a picture shows."""

    SCENE = "scene"
    PLATE = "plate"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """A car in one frame: the best so far."""

    shot: Shot
    reading: PlateReading

    @property
    def worth(self) -> tuple[bool, float]:
        """Say how good a picture it makes: a plate before another text, then the surer."""
        return (self.reading.kind is not None, self.reading.confidence)


class PictureStore:
    """The folder. Its methods may be called from any thread."""

    def __init__(self, settings: PictureSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._log = structlog.get_logger()
        self._bytes = sum(path.stat().st_size for path in self._files())

    def keep(self, event_id: UUID, sight: Sight) -> None:
        """Write an event's two pictures; a failure is logged and goes no further."""
        if not self._settings.days:
            return
        try:
            scene = sight.shot.picture()
            flat = rectify(
                scene,
                sight.reading.corners,
                width=PLATE_WIDTH_PIXELS,
                height=PLATE_HEIGHT_PIXELS,
            )
            if self._settings.blur:
                scene = unrecognised(scene, sight.reading.corners)
            with self._lock:
                self._write(self._path(event_id, Show.SCENE), _jpeg(_bounded(scene)))
                self._write(self._path(event_id, Show.PLATE), _jpeg(flat))
        except (OSError, ImageError, cv2.error) as error:
            self._log.warning("picture_not_kept", event_id=str(event_id), reason=str(error))

    def picture(self, event_id: UUID, show: Show) -> bytes | None:
        """Answer a picture as JPEG; None where there is none, or no longer."""
        try:
            return self._path(event_id, show).read_bytes()
        except OSError:
            return None

    def sweep(self, *, now: datetime) -> int:
        """Delete what is too old, then the oldest until the rest has room; answer how many."""
        last_day = f"{now.astimezone(UTC) - timedelta(days=self._settings.days):%Y-%m-%d}"
        deleted = 0
        with self._lock:
            for path in self._files():
                too_old = path.parent.name < last_day
                if not too_old and self._bytes <= self._settings.bytes_max:
                    break
                self._bytes -= path.stat().st_size
                path.unlink()
                deleted += 1
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
        return deleted

    def _files(self) -> Iterator[Path]:
        """List the pictures, oldest event first: ids begin with their time."""
        if not self._settings.folder.is_dir():
            return
        for day in sorted(path for path in self._settings.folder.iterdir() if path.is_dir()):
            yield from sorted(day.glob("*.jpg"))

    def _path(self, event_id: UUID, show: Show) -> Path:
        at = datetime.fromtimestamp(uuid7_unix_ms(event_id) / 1000, tz=UTC)
        return self._settings.folder / f"{at:%Y-%m-%d}" / f"{event_id}-{show.value}.jpg"

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_bytes(data)
        draft.replace(path)
        self._bytes += len(data)


class Sights:
    """The best sight of each car in one lane, until its event. In memory only.

    After a restart a car has the pictures of its later frames, or none.
    """

    def __init__(self) -> None:
        self._best: dict[str, Sight] = {}

    def saw(self, trace_id: str, sight: Sight) -> None:
        """Remember a frame if it shows the car better than those before."""
        known = self._best.get(trace_id)
        if known is None or sight.worth > known.worth:
            self._best[trace_id] = sight

    def take(self, trace_id: str) -> Sight | None:
        """Answer a car's best sight and forget it."""
        return self._best.pop(trace_id, None)

    def keep_only(self, trace_ids: set[str]) -> None:
        """Forget the cars that will not become an event any more."""
        self._best = {key: sight for key, sight in self._best.items() if key in trace_ids}


def _bounded(scene: Picture) -> Picture:
    height, width = scene.shape[:2]
    scale = SCENE_SIDE_PIXELS / max(height, width)
    if scale >= 1:
        return scene
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1])
