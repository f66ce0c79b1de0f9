"""One lane of the gate agent: frames in, events spooled."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from lpr.core.crossing import Crossing, LaneState, Step, leave, leave_all, observe
from lpr.core.crossing_rules import CrossingRules
from lpr.core.lane_event import lane_event, plate_corrected
from lpr.core.second_thought import Correction, known_as
from lpr.errors import CameraError, ImageError, SpoolFullError, SpoolUnusableError
from lpr.frame import Camera, Frame
from lpr.motion import Look, MotionGate
from lpr.pictures import PictureStore, Sight, Sights
from lpr.spool import LaneProgress, Spool, SpooledEvent
from lpr.turns import Turns
from parking.core.ids import EventId, LaneId, LotId, uuid7
from parking.core.place import LaneDirection

SPOOL_RETRY_SECONDS = 1.0
CAMERA_RETRY_SECONDS = 5.0


class LaneIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which lane this is."""

    lot_id: LotId
    lane_id: LaneId
    direction: LaneDirection


class LaneStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one lane does, for health. Times are those of `time.monotonic`, in seconds."""

    frames: int = 0
    frames_read: int = 0
    """Those that the motion gate let through to the detector."""
    broken_frames: int = 0
    crossings: int = 0
    last_frame_at: float | None = None
    idle_since: float | None = None
    """Since when there has been nothing to do; None while there is."""
    ended: bool = False
    """The source has no more frames, and every car of it is spooled."""
    problem: str = ""


class Lane:
    """Follows one camera. `run` is a thread's whole life."""

    def __init__(  # noqa: PLR0913 - all that a lane works with
        self,
        *,
        identity: LaneIdentity,
        camera: Camera,
        gate: MotionGate,
        spool: Spool,
        pictures: PictureStore,
        rules: CrossingRules,
        checkpoint_seconds: float,
        turns: Turns,
        on_event: Callable[[], None],
    ) -> None:
        self.identity = identity
        self.status = LaneStatus()
        self._camera = camera
        self._gate = gate
        self._spool = spool
        self._pictures = pictures
        self._sights = Sights()
        self._rules = rules
        self._checkpoint_seconds = checkpoint_seconds
        self._turns = turns
        self._on_event = on_event
        self._log = structlog.get_logger().bind(lane_id=identity.lane_id)
        self._state = LaneState()
        self._cursor = ""
        self._unstored = False
        self._stored_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Follow the camera until it ends or `stop` is set."""
        try:
            self._run(stop)
        finally:
            self._turns.leave(self.identity.lane_id)

    def _run(self, stop: threading.Event) -> None:
        self._resume()
        while not stop.is_set():
            try:
                self._follow(stop)
            except CameraError as error:
                self._note(problem=str(error))
                self._log.error("camera_failed", reason=str(error))
                self._turns.leave(self.identity.lane_id)
                stop.wait(CAMERA_RETRY_SECONDS)
                continue
            break
        if stop.is_set():
            self._store_if(due=self._unstored, stop=stop)
            return
        self._see_passed_over(stop)
        self._take(leave_all(self._state, rules=self._rules), stop=stop)
        self._store_if(due=self._unstored, stop=stop)
        self._note(ended=not self._unstored)

    def _resume(self) -> None:
        progress = self._spool.progress(self.identity.lane_id)
        if progress is not None:
            self._cursor = progress.cursor
            self._state = msgspec.json.decode(progress.state, type=LaneState)
            self._log.info("lane_resumed", cursor=self._cursor, cars=len(self._state.tracks))

    def _follow(self, stop: threading.Event) -> None:
        for frame in self._camera.frames(after=self._cursor, stop=stop):
            if frame is None:
                self._wait(stop)
            elif self._turn_comes(frame, stop):
                self._see(frame, stop)

    def _turn_comes(self, frame: Frame, stop: threading.Event) -> bool:
        """Wait until no other lane has much older frames; False when told to stop instead.

        Cars that had left before the frame was taken are told first: others go by that.
        """
        self._note(idle_since=None)
        self._take(leave(self._state, now=frame.captured_at, rules=self._rules), stop=stop)
        return self._turns.wait_for(
            self.identity.lane_id, frame.captured_at, now=datetime.now(tz=UTC), stop=stop
        )

    def _see(self, frame: Frame, stop: threading.Event) -> None:
        """Take one frame through: read it, follow the cars, spool what crossed."""
        for look in self._looks(frame):
            # Its own look comes last: until then the frame has not been taken into account.
            if look.shot is frame.shot:
                self._unstored = self._unstored or bool(frame.cursor)
                self._cursor = frame.cursor or self._cursor
            self._observe(look, stop)
        stale = time.monotonic() - self._stored_at >= self._checkpoint_seconds
        self._store_if(due=self._unstored and stale, stop=stop)

    def _see_passed_over(self, stop: threading.Event) -> None:
        """No further frame comes, or not soon: the last ones may not have been looked at."""
        for look in self._gate.passed_over():
            self._observe(look, stop)
        self._note(frames_read=self._gate.frames_read)

    def _observe(self, look: Look, stop: threading.Event) -> None:
        step = observe(
            self._state,
            seen_at=look.captured_at,
            readings=look.readings,
            trace_ids=[secrets.token_hex(16) for _ in look.readings],
            rules=self._rules,
        )
        self._remember(look, step)
        self._take(step, stop=stop)

    def _remember(self, look: Look, step: Step) -> None:
        """Keep the best sight of each car that this look shows, until its event takes it."""
        crossing = {crossing.trace_id for crossing in step.crossings}
        waiting = [t for t in step.state.tracks if not t.crossed or t.trace_id in crossing]
        self._sights.keep_only(crossing | {track.trace_id for track in waiting})
        places = {reading.corners.box(): reading for reading in look.readings}
        for track in waiting:
            reading = places.get(track.last_box)
            if look.shot and reading and track.last_seen_at == look.captured_at:
                self._sights.saw(track.trace_id, Sight(shot=look.shot, reading=reading))

    def _looks(self, frame: Frame) -> Iterator[Look]:
        """Answer what is seen in a frame, after what was passed over before it."""
        self._note(
            frames=self.status.frames + 1,
            last_frame_at=time.monotonic(),
            idle_since=None,
            problem=frame.problem,
        )
        problem = frame.problem
        if frame.shot is not None:
            try:
                yield from self._gate.looks(frame.shot, captured_at=frame.captured_at)
                self._note(frames_read=self._gate.frames_read)
            except ImageError as error:
                problem = str(error)
            else:
                return
        self._note(broken_frames=self.status.broken_frames + 1, problem=problem)
        self._log.warning("frame_broken", frame=frame.cursor, reason=problem)
        yield Look(shot=frame.shot, captured_at=frame.captured_at)

    def _wait(self, stop: threading.Event) -> None:
        """Let time pass without a frame: after a while, whoever was there has left."""
        now = time.monotonic()
        quiet = now - (self.status.last_frame_at or 0.0) >= self._rules.gap_seconds
        if quiet:
            self._see_passed_over(stop)
        if quiet and self._state.waiting:
            self._take(leave_all(self._state, rules=self._rules), stop=stop)
        if not self._state.waiting:
            self._turns.idle(self.identity.lane_id)
        if not quiet:
            return
        self._store_if(due=self._unstored, stop=stop)
        if self.status.idle_since is None:
            self._note(idle_since=now)

    def _take(self, step: Step, *, stop: threading.Event) -> None:
        """Adopt a step. Its events are on disk, with this very state, before anything goes on."""
        self._unstored = self._unstored or step.state != self._state
        self._state = step.state
        if not step.crossings and not step.corrections:
            return
        events = self._events(step.crossings)
        ids = zip(step.crossings, events, strict=True)
        # Stored with the event: a second thought after a crash names the id that was sent.
        named = known_as(
            step.state.tracks,
            {crossing.trace_id: EventId(event.event_id) for crossing, event in ids},
        )
        self._state = LaneState(tracks=named)
        corrections = self._corrections(step.corrections)
        self._store([*events, *corrections], stop=stop, crossings=len(events))

    def _store_if(self, *, due: bool, stop: threading.Event) -> None:
        if due:
            self._store([], stop=stop)

    def _store(
        self, events: Sequence[SpooledEvent], *, stop: threading.Event, crossings: int = 0
    ) -> None:
        """Write progress and events; waits, and loses nothing, while the disk is full.

        Told to stop while it waits, it gives up with nothing written: the next start finds the
        frames where the last stored progress left them.
        """
        progress = LaneProgress(cursor=self._cursor, state=msgspec.json.encode(self._state))
        while True:
            try:
                self._spool.advance(
                    self.identity.lane_id, progress, events=events, now=datetime.now(tz=UTC)
                )
            except (SpoolFullError, SpoolUnusableError) as error:
                self._note(problem=str(error))
                self._log.error("spool_refuses", reason=str(error))
                if stop.wait(SPOOL_RETRY_SECONDS):
                    return
                continue
            break
        self._unstored = False
        self._stored_at = time.monotonic()
        if events:
            self._note(crossings=self.status.crossings + crossings, problem="")
            self._on_event()

    def _events(self, crossings: Sequence[Crossing]) -> list[SpooledEvent]:
        events = []
        for crossing in crossings:
            event_id = _new_id(crossing.occurred_at)
            body = lane_event(crossing, event_id=event_id, **msgspec.structs.asdict(self.identity))
            sight = self._sights.take(crossing.trace_id)
            if sight is not None:
                self._pictures.keep(event_id, sight)
            events.append(SpooledEvent(event_id=event_id, body=msgspec.json.encode(body)))
            self._log.info(
                "car_crossed",
                trace_id=crossing.trace_id,
                event_id=str(event_id),
                type=body.type,
                occurred_at=crossing.occurred_at,
                plate=body.read.plate,
                confidence=body.read.confidence,
                margin=round(crossing.plate.margin, 4),
                frames=crossing.plate.frames,
            )
        return events

    def _corrections(self, corrections: Sequence[Correction]) -> list[SpooledEvent]:
        events = []
        for correction in corrections:
            event_id = _new_id(correction.occurred_at)
            body = plate_corrected(correction, event_id=event_id, lot_id=self.identity.lot_id)
            events.append(SpooledEvent(event_id=event_id, body=msgspec.json.encode(body)))
            self._log.info(
                "plate_corrected",
                trace_id=correction.trace_id,
                event_id=str(event_id),
                corrects=str(correction.corrects),
                plate=body.plate,
                confidence=round(correction.plate.confidence, 4),
            )
        return events

    def _note(self, **changes: float | str | None) -> None:
        self.status = msgspec.structs.replace(self.status, **changes)


def _new_id(occurred_at: datetime) -> EventId:
    return EventId(uuid7(max(int(occurred_at.timestamp() * 1000), 0), secrets.randbits(74)))
