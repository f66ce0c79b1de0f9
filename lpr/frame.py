"""A frame, and what every camera promises."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import msgspec

from lpr.shot import Shot

POLL_SECONDS = 0.1
"""How often a source that has nothing new is asked again."""
_CAPTURED_AT = re.compile(r"^(\d{8}T\d{6})\.(\d{1,6})Z-")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a lane."""

    cursor: str
    """Names the frame; later frames compare greater. Empty where the past cannot be had again."""
    captured_at: datetime
    shot: Shot | None
    """None: the frame was broken, and `problem` says how."""
    problem: str = ""


Frames: TypeAlias = Iterator[Frame | None]


class Camera(Protocol):
    """Something that delivers frames.

    It names them, so that the agent can say how far it is and go on there after a restart.
    """

    def frames(self, *, after: str, stop: threading.Event) -> Frames:
        """Deliver the frames that come after the one named `after` (empty: all).

        None is delivered while nothing new is there. Ends when the source has ended or `stop` is
        set.
        """
        ...


def captured_at_of(name: str) -> datetime | None:
    """Read the capture time from a frame's name; None when it carries none."""
    found = _CAPTURED_AT.match(name)
    if found is None:
        return None
    try:
        whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return whole + timedelta(microseconds=int(found[2].ljust(6, "0")))
