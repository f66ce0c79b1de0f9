"""The gate agent: lanes fill the spool, the uplink empties it, health tells how it goes."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from lpr.camera import open_camera
from lpr.config import AgentSettings, CameraSettings
from lpr.device_key import key_source
from lpr.health import CameraHealth, Health, HealthServer
from lpr.lane import Lane, LaneIdentity
from lpr.motion import FrameReader, MotionGate
from lpr.pictures import PictureStore
from lpr.spool import Spool
from lpr.turns import Turns
from lpr.uplink import Uplink
from parking.core.ids import LaneId, LotId

WATCH_SECONDS = 0.2
SWEEP_SECONDS = 60.0
"""How often pictures are looked for that are too old or too many."""
STOP_SECONDS_MAX = 20.0
"""How long a thread may take to finish what it has begun."""


class Agent:
    """One gate box. `run` blocks until it is stopped, or has nothing left to do."""

    def __init__(self, *, settings: AgentSettings, reader: FrameReader) -> None:
        self._settings = settings
        self._log = structlog.get_logger()
        self._spool = Spool(settings.spool, bytes_max=settings.spool_bytes_max)
        self._spool.claim()
        self._uplink = Uplink(
            spool=self._spool,
            server_url=settings.server_url,
            device_key=key_source(settings.device_key, settings.device_key_file),
            settings=settings.uplink,
        )
        self._pictures = PictureStore(settings.pictures)
        self._turns = Turns(LaneId(camera.lane_id) for camera in settings.cameras)
        self._lanes = [self._lane(camera, reader) for camera in settings.cameras]
        self._started_at = time.monotonic()

    def run(self, *, stop: threading.Event, until_idle_seconds: float | None = None) -> None:
        """Work until `stop` is set.

        Ends by itself when every source has ended and the spool is empty; with
        `until_idle_seconds`, also when no source has shown a new frame for so long and the spool
        is empty.
        """
        stop_uplink = threading.Event()
        lanes = [_Worker(lane.run, stop, lane.identity.lane_id) for lane in self._lanes]
        uplink = _Worker(self._uplink.run, stop_uplink, "uplink")
        try:
            with self._health_server() as server:
                self._log.info(
                    "agent_started", health=server.address, lanes=[lane.name for lane in lanes]
                )
                for worker in (*lanes, uplink):
                    worker.start()
                self._watch([*lanes, uplink], stop, until_idle_seconds)
                stop.set()
                _join(lanes)
        finally:
            stop.set()
            stop_uplink.set()
            self._uplink.wake()
            _join([*lanes, uplink])
            counts = self._spool.counts()
            self._log.info("agent_stopped", pending=counts.pending, rejected=counts.rejected)
            self._spool.close()

    def _watch(
        self,
        workers: Sequence["_Worker"],
        stop: threading.Event,
        until_idle_seconds: float | None,
    ) -> None:
        """Wait until told to stop or done; raises what ended a worker."""
        swept_at = float("-inf")
        while not stop.wait(WATCH_SECONDS):
            self._raise_if_dead(workers)
            if time.monotonic() - swept_at >= SWEEP_SECONDS:
                swept_at = time.monotonic()
                self._pictures.sweep(now=datetime.now(tz=UTC))
            if self._done(until_idle_seconds):
                return

    def health(self) -> Health:
        """Say how the box does."""
        counts = self._spool.counts()
        now = datetime.now(tz=UTC)
        age = (now - counts.oldest_spooled_at) if counts.oldest_spooled_at else None
        uplink = self._uplink.status
        return Health(
            uptime_seconds=time.monotonic() - self._started_at,
            pending=counts.pending,
            oldest_unsent_seconds=None if age is None else max(age.total_seconds(), 0.0),
            rejected=counts.rejected,
            delivered=uplink.delivered,
            uplink_failures_in_a_row=uplink.failures_in_a_row,
            uplink_problem=uplink.last_problem,
            cameras=tuple(_camera_health(lane) for lane in self._lanes),
        )

    def _health_server(self) -> HealthServer:
        settings = self._settings
        return HealthServer(
            settings.health_host,
            settings.health_port,
            health=self.health,
            pictures=self._pictures,
            device_key=key_source(settings.device_key, settings.device_key_file),
        )

    def _lane(self, camera: CameraSettings, reader: FrameReader) -> Lane:
        return Lane(
            identity=LaneIdentity(
                lot_id=LotId(self._settings.lot_id),
                lane_id=LaneId(camera.lane_id),
                direction=camera.direction,
            ),
            camera=open_camera(camera.source),
            gate=MotionGate(reader, rules=self._settings.motion),
            spool=self._spool,
            pictures=self._pictures,
            rules=self._settings.crossing,
            checkpoint_seconds=self._settings.checkpoint_seconds,
            turns=self._turns,
            on_event=self._uplink.wake,
        )

    def _done(self, until_idle_seconds: float | None) -> bool:
        now = time.monotonic()
        for lane in self._lanes:
            status = lane.status
            idle_seconds = 0.0 if status.idle_since is None else now - status.idle_since
            idle = until_idle_seconds is not None and idle_seconds >= until_idle_seconds
            if not (status.ended or (status.idle_since is not None and idle)):
                return False
        return self._spool.counts().pending == 0

    def _raise_if_dead(self, workers: Sequence["_Worker"]) -> None:
        """Fail as a whole when a part has failed: whoever supervises the agent starts it anew."""
        for worker in workers:
            if worker.error is not None:
                self._log.error("worker_died", worker=worker.name, exc_info=worker.error)
                raise worker.error


class _Worker(threading.Thread):
    """A thread that keeps the error that ended it."""

    def __init__(
        self, work: Callable[[threading.Event], None], stop: threading.Event, name: str
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._stop_event = stop
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work(self._stop_event)
        except BaseException as error:  # noqa: BLE001 - handed on to the main thread
            self.error = error


def _join(workers: Sequence[_Worker]) -> None:
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for worker in workers:
        if worker.ident is not None:
            worker.join(timeout=max(deadline - time.monotonic(), 0.0))


def _camera_health(lane: Lane) -> CameraHealth:
    status = lane.status
    seen = status.last_frame_at
    return CameraHealth(
        lane_id=lane.identity.lane_id,
        frames=status.frames,
        frames_read=status.frames_read,
        broken_frames=status.broken_frames,
        crossings=status.crossings,
        last_frame_seconds=None if seen is None else time.monotonic() - seen,
        ended=status.ended,
        problem=status.problem,
    )
