"""How the gate box does, over HTTP: `/healthz` as JSON, `/metrics` for Prometheus.

And the events' pictures, `/pictures/<event id>/scene.jpg` and `/plate.jpg`: to the box itself, and
to whoever shows the device key.
"""

import hmac
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from uuid import UUID

import msgspec

from lpr.device_key import KeyMissingError, KeySource
from lpr.pictures import PictureStore, Show
from parking.core.errors import DomainError

UPLINK_FAILURES_MAX = 5
"""After so many failures in a row the box calls itself degraded."""
STOP_SECONDS_MAX = 0.1
"""How soon the server notices that it is to stop."""
_PICTURES = "/pictures/"
_TEXT = "text/plain; charset=utf-8"
_DISTRIBUTION = "leave-first"


class HealthPortTakenError(DomainError):
    """Something else listens where health should be served."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"health cannot be served on {host}:{port} ({reason}): "
            "set health_port (LPR_HEALTH_PORT) to a free port, or 0 to take any"
        )
        self.host = host
        self.port = port


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one camera does."""

    lane_id: str
    frames: int
    frames_read: int
    """Those in which something had moved, so that the detector was asked."""
    broken_frames: int
    crossings: int
    last_frame_seconds: float | None
    """Since its last frame; None before the first."""
    ended: bool
    problem: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the box does."""

    uptime_seconds: float
    pending: int
    """Events that the server has not answered for."""
    oldest_unsent_seconds: float | None
    rejected: int
    """Events that the server would not have; see `lpr rejected`."""
    delivered: int
    uplink_failures_in_a_row: int
    uplink_problem: str
    cameras: tuple[CameraHealth, ...]

    @property
    def ok(self) -> bool:
        """Say whether nobody need come: nothing put aside, all cameras and the server fine."""
        return (
            self.rejected == 0
            and self.uplink_failures_in_a_row < UPLINK_FAILURES_MAX
            and not any(camera.problem for camera in self.cameras)
        )


class HealthServer:
    """Serves health while it is entered. Raises HealthPortTakenError."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        health: Callable[[], Health],
        pictures: PictureStore,
        device_key: KeySource,
    ) -> None:
        served = {
            "health": staticmethod(health),
            "pictures": pictures,
            "device_key": staticmethod(device_key),
        }
        handler = type("Handler", (_Handler,), served)
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise HealthPortTakenError(host, port, error.strerror or str(error)) from error
        self._server.daemon_threads = True
        self.address = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start to serve."""
        threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS_MAX,), name="health", daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    health: Callable[[], Health]
    pictures: PictureStore
    device_key: KeySource

    def do_GET(self) -> None:
        """Answer `/healthz` (503 when someone should come), `/metrics`, and pictures."""
        if self.path == "/healthz":
            health = self.health()
            status = "ok" if health.ok else "degraded"
            said = {
                "status": status,
                "version": agent_version(),
                **msgspec.structs.asdict(health),
            }
            body, kind = msgspec.json.encode(said), "application/json"
            self._answer(200 if health.ok else 503, body, kind)
        elif self.path == "/metrics":
            text = "\n".join(metrics(self.health())) + "\n"
            self._answer(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")
        elif self.path.startswith(_PICTURES):
            self._show(self.path.removeprefix(_PICTURES))
        else:
            self._answer(404, b"try /healthz or /metrics\n", _TEXT)

    def _show(self, asked: str) -> None:
        if not self._may_see():
            self._answer(401, b"pictures are for the holder of the device key\n", _TEXT)
            return
        event, _, name = asked.partition("/")
        try:
            picture = self.pictures.picture(UUID(event), Show(name.removesuffix(".jpg")))
        except ValueError:
            picture = None
        if picture is None:
            self._answer(404, b"there is no such picture, or no longer\n", _TEXT)
        else:
            self._answer(200, picture, "image/jpeg")

    def _may_see(self) -> bool:
        """Pictures show people: only this box, or the holder of its key, may have them."""
        if ip_address(self.client_address[0]).is_loopback:
            return True
        try:
            wanted = f"Bearer {self.device_key().reveal()}"
        except KeyMissingError:
            return False
        given = self.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), wanted.encode())

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Stay quiet: a line a probe would drown the log."""


def metrics(health: Health) -> Iterator[str]:
    """Write health in Prometheus' text format."""
    yield from _metric("lpr_up_seconds", "gauge", health.uptime_seconds)
    yield from _metric("lpr_spool_pending_events", "gauge", health.pending)
    yield from _metric("lpr_spool_oldest_unsent_seconds", "gauge", health.oldest_unsent_seconds)
    yield from _metric("lpr_spool_rejected_events", "gauge", health.rejected)
    yield from _metric("lpr_delivered_events_total", "counter", health.delivered)
    yield from _metric("lpr_uplink_failures_in_a_row", "gauge", health.uplink_failures_in_a_row)
    yield f'lpr_build_info{{version="{agent_version()}"}} 1'
    for name, kind, field in (
        ("lpr_frames_total", "counter", "frames"),
        ("lpr_frames_read_total", "counter", "frames_read"),
        ("lpr_broken_frames_total", "counter", "broken_frames"),
        ("lpr_crossings_total", "counter", "crossings"),
        ("lpr_last_frame_seconds", "gauge", "last_frame_seconds"),
    ):
        yield f"# TYPE {name} {kind}"
        for camera in health.cameras:
            value = getattr(camera, field)
            if value is not None:
                yield f'{name}{{lane="{camera.lane_id}"}} {value}'


def _metric(name: str, kind: str, value: float | None) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"{name} {0 if value is None else value}"


def agent_version() -> str:
    """Answer the installed version."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return "uninstalled"
