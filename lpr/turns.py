"""In which order the lanes of a box read what has gathered before them.

Each camera delivers its own frames in order, but one may lie hours behind another: after a night
without power, or with recorded videos. Read lane by lane, cars would seem to leave before they
came. So a lane whose next frame is old waits while another still has older ones. Frames of just now
are read at once, whatever lies behind elsewhere: a gate where a car stands does not wait for
yesterday.
"""

import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from parking.core.ids import LaneId

LIVE_SECONDS = 30.0
"""A frame younger than this is of now, and waits for nobody."""
LEAD = timedelta(seconds=5)
"""So far ahead of another lane one may read: no stay is as short, and two cores have work."""
PATIENCE_SECONDS = 5.0
"""A lane that says nothing for so long, for its disk or camera is stuck, holds nobody up."""
LOOK_AGAIN_SECONDS = 0.3
"""What one lane has just got, an idle one may have got too: it is given this long to look."""
_POLL_SECONDS = 0.1


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a lane is. Instants other than the frame's are those of `time.monotonic`."""

    said_at: float
    captured_at: datetime | None = None
    """Of the frame that it reads, or would like to. None: it has none, or has not said yet."""
    idle: bool = False
    since: float = 0.0
    """When it first spoke of this frame, or of the first of the frames in a row."""


class Turns:
    """Shared by the lanes of a box, each in a thread of its own."""

    def __init__(self, lanes: Iterable[LaneId]) -> None:
        """Expect each of the lanes to say how far it is."""
        self._changed = threading.Condition()
        now = time.monotonic()
        self._standings = {lane: _Standing(said_at=now) for lane in lanes}

    def wait_for(
        self, lane: LaneId, captured_at: datetime, *, now: datetime, stop: threading.Event
    ) -> bool:
        """Wait until the lane may read its next frame; False when it was told to stop instead.

        Everything that this lane saw before the frame must be in the spool by now.
        """
        live = (now - captured_at).total_seconds() < LIVE_SECONDS
        with self._changed:
            since = self._since(lane, captured_at)
            while not stop.is_set():
                self._say(lane, captured_at=captured_at, since=since)
                if live or self._is_turn_of(lane, captured_at, since=since):
                    return True
                self._changed.wait(_POLL_SECONDS)
        return False

    def idle(self, lane: LaneId) -> None:
        """Say that the lane has looked for frames, has none, and no car in mind either."""
        with self._changed:
            self._say(lane, idle=True)

    def leave(self, lane: LaneId) -> None:
        """Say that the lane will not look again, or not soon."""
        with self._changed:
            self._standings.pop(lane, None)
            self._changed.notify_all()

    def _since(self, lane: LaneId, captured_at: datetime) -> float:
        """Since when the lane speaks of this frame; frames in a row are one car's, and one word."""
        before = self._standings.get(lane)
        if before is None or before.captured_at is None or captured_at > before.captured_at + LEAD:
            return time.monotonic()
        return before.since

    def _say(
        self,
        lane: LaneId,
        *,
        captured_at: datetime | None = None,
        idle: bool = False,
        since: float = 0.0,
    ) -> None:
        self._standings[lane] = _Standing(
            said_at=time.monotonic(), captured_at=captured_at, idle=idle, since=since
        )
        self._changed.notify_all()

    def _is_turn_of(self, lane: LaneId, captured_at: datetime, *, since: float) -> bool:
        now = time.monotonic()
        for other, standing in self._standings.items():
            if other == lane or now - standing.said_at > PATIENCE_SECONDS:
                continue
            if standing.idle:
                if standing.said_at < since and now - since < LOOK_AGAIN_SECONDS:
                    return False
            elif standing.captured_at is None or captured_at > standing.captured_at + LEAD:
                return False
        return True
