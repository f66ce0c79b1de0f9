"""The demo's stage: a database of its own and all processes, started for real.

Time is compressed by settings only: shorter waits before gathering, retrying and polling. Nothing
in the product knows that it is a demo.
"""

import asyncio
import contextlib
import secrets
import shutil
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo

from parking.core.errors import DomainError
from parking.core.secret import Secret
from parking.postgres import ensure_running
from portal.database import keep_running
from portal.demo.city import DEVICE, IN_LANE, LOTS, OUT_LANE, ZONE, DemoLot
from portal.demo.http import Api
from portal.demo.processes import Child, Household, program
from portal.demo.schema import fresh_database
from portal.settings import DatabaseSettings

DATA_DIR = Path(".data")
POSTGRES_DIR = DATA_DIR / "postgres"
RUNS_KEPT = 3
FRAMES_EACH = 4
"""How many frames the gate simulator renders of a car before a camera."""
READY_SECONDS = 120.0
_EVENING = time(23)
_BILLS_WRITTEN = time(10)

# Every wait of billing that a person would not sit through, made short.
COMPRESSED = {
    "PARKING_BILLING_SETTLE_SECONDS": "1",
    # The story's day is over before its drivers bind their plates.
    "PARKING_BILLING_INHERIT_HOLD_SECONDS": "0",
    "PARKING_BILLING_GATHER_WAIT_SECONDS": "2",
    "PARKING_BILLING_DUNNING_TIME_SCALE": "43200",
    "PARKING_BILLING_POLL_SECONDS": "2",
    "PARKING_BILLING_UNKNOWN_RETRY_SECONDS": "1",
    "PARKING_BILLING_ATTEMPT_LEASE_SECONDS": "10",
    "PARKING_BILLING_REPORT_POLL_SECONDS": "2",
    "PARKING_BILLING_STRIPE_TIMEOUT_SECONDS": "5",
    "PARKING_BILLING_WECHAT_BILL_POLL_SECONDS": "2",
}


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Where one run of the demo keeps its files."""

    path: Path

    @property
    def logs(self) -> Path:
        """What each process said."""
        return self.path / "logs"

    @property
    def rendered(self) -> Path:
        """What the gate simulator has rendered so far: `<lot>/<lane>/<frame>.jpg`."""
        return self.path / "rendered"

    @property
    def frames(self) -> Path:
        """What the cameras have uploaded so far, in the same folders."""
        return self.path / "frames"

    @property
    def messages(self) -> Path:
        """What drivers' phones were sent."""
        return self.path / "messages.ndjson"

    def lane(self, lot: DemoLot, lane_id: str) -> Path:
        """The folder that one camera uploads into."""
        return self.frames / lot.lot_id / lane_id


@dataclass(frozen=True, kw_only=True)
class Video:
    """A recorded video that stands in for one lane's camera."""

    lane_id: str
    direction: str
    path: Path


def new_folder(now: datetime) -> Folder:
    """Make the folder of a new run and let old ones go."""
    runs = DATA_DIR / "demo"
    runs.mkdir(parents=True, exist_ok=True)
    old = sorted(path for path in runs.iterdir() if path.is_dir())
    for path in old[: max(0, len(old) - RUNS_KEPT + 1)]:
        shutil.rmtree(path, ignore_errors=True)
    folder = Folder(path=(runs / now.strftime("%Y%m%dT%H%M%S%f")).resolve())
    folder.logs.mkdir(parents=True)
    for lot in LOTS:
        for lane_id in (IN_LANE, OUT_LANE):
            folder.lane(lot, lane_id).mkdir(parents=True)
    return folder


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stage:
    """Everything that runs, and the addresses of it."""

    def __init__(self, *, folder: Folder, port: int, seed: int, say: Callable[[str], None]) -> None:
        """Plan the stage; `open` builds it."""
        self.folder = folder
        self.base_url = f"http://127.0.0.1:{port}"
        self.admin_key = f"admin_{secrets.token_urlsafe(24)}"
        self.database_url = ""
        self.household = Household(logs=folder.logs, say=say)
        self.agents: dict[str, str] = {}
        """Health address of each lot's gate agent."""
        self.videos: dict[str, list[Video]] = {}
        """Recorded videos that a lot's gates watch beside their folders, by lot."""
        self._port = port
        self._seed = seed
        self._say = say
        self._webhook_secret = f"whsec_{secrets.token_hex(24)}"
        self._sim_port = free_port()
        self._wechat_port = free_port()
        self._wechat: dict[str, str] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def sim_url(self) -> str:
        """Where the payment gateway listens."""
        return f"http://127.0.0.1:{self._sim_port}"

    @property
    def wechat_url(self) -> str:
        """Where WeChat Pay listens."""
        return f"http://127.0.0.1:{self._wechat_port}"

    @property
    def truth_urls(self) -> tuple[str, ...]:
        """The simulators that tell what they really charged."""
        return self.sim_url, self.wechat_url

    async def open_database(self) -> None:
        """Start PostgreSQL if it does not run, and make a fresh database for this demo."""
        server = await asyncio.to_thread(ensure_running, POSTGRES_DIR, progress=self._say)
        name = await fresh_database(server, now=datetime.now(UTC))
        self.database_url = server.url(name)
        self._keeper = asyncio.create_task(
            keep_running(
                DatabaseSettings(url=Secret(""), data_dir=POSTGRES_DIR, name=name), say=self._say
            )
        )

    def _environment(self) -> dict[str, str]:
        return {
            **COMPRESSED,
            "DATABASE_URL": self.database_url,
            "PARKING_CONFIG": "",
            "PARKING_ADMIN_KEY": self.admin_key,
            "PARKING_SERVER_PORT": str(self._port),
            "PARKING_BILLING_STRIPE_API_KEY": "sk_test_demo",
            "PARKING_BILLING_STRIPE_API_URL": self.sim_url,
            "PARKING_BILLING_STRIPE_WEBHOOK_SECRET": self._webhook_secret,
            "PARKING_BILLING_NOTIFICATION_FILE": str(self.folder.messages),
            "PYTHONUNBUFFERED": "1",
            **self._wechat,
        }

    async def open_wechat(self) -> Child:
        """Start WeChat Pay, which makes its keys and ours; nothing else is needed for it."""
        return await self.household.start(
            "WeChat Pay",
            [
                program("gateway-sim"),
                "wechatpay",
                *("--port", str(self._wechat_port)),
                *("--seed", str(self._seed)),
                *("--state", str(self.folder.path / "wechat.sqlite3")),
                *("--deduct-after", "0"),
            ],
            environment={},
            health_url=f"{self.wechat_url}/_sim/health",
        )

    async def agree_with_wechat(self, day: date) -> None:
        """Become its merchant; it lives in the evening of the story's day, so that its bill comes.

        Raises DemoCallRefusedError.
        """
        wechat = Api(self.wechat_url)
        await wechat.post("/_sim/clock", {"now": _in_the_lots(day, _EVENING)})
        told = await wechat.get("/_sim/credentials")
        await wechat.close()
        self._wechat = {
            f"PARKING_BILLING_WECHAT_{name}": text
            for name, text in {
                "MCHID": told["mchid"],
                "APPID": told["appid"],
                "SUB_MCHID": told["sub_mchid"],
                "SUB_APPID": told["sub_appid"],
                "SERIAL_NO": told["merchant_serial_no"],
                "PRIVATE_KEY": told["merchant_private_key"],
                "APIV3_KEY": told["apiv3_key"],
                "PUBLIC_KEY": told["platform_public_key"],
                "PUBLIC_KEY_ID": told["platform_public_key_id"],
                "API_URL": self.wechat_url,
                "NOTIFY_URL": f"{self.base_url}/v1/webhooks/wechatpay",
            }.items()
        }

    async def pass_wechats_night(self, day: date) -> None:
        """Have it be the morning after the story's day, when WeChat writes that day's bill."""
        wechat = Api(self.wechat_url)
        morning = _in_the_lots(day + timedelta(days=1), _BILLS_WRITTEN)
        await wechat.post("/_sim/clock", {"now": morning})
        await wechat.close()

    async def open_gateway(self) -> Child:
        """Start the payment gateway; nothing else is needed for it."""
        return await self.household.start(
            "payment gateway",
            [
                program("gateway-sim"),
                "payments",
                *("--port", str(self._sim_port)),
                *("--seed", str(self._seed)),
                *("--state", str(self.folder.path / "gateway.sqlite3")),
                *("--webhook-url", f"{self.base_url}/v1/webhooks/stripe"),
            ],
            environment={"GATEWAY_SIM_WEBHOOK_SECRET": self._webhook_secret},
            health_url=f"{self.sim_url}/_sim/health",
        )

    async def open_servers(self) -> None:
        """Start the API, wait until it answers, and start the worker."""
        api = await self.household.start(
            "API",
            [program("parking"), "serve", "--port", str(self._port)],
            environment=self._environment(),
            health_url=f"{self.base_url}/readyz",
        )
        await api.wait_ready(seconds=READY_SECONDS)
        await self.household.start(
            "worker", [program("parking"), "work"], environment=self._environment()
        )

    def open_gates(self, *, first: DemoLot) -> None:
        """Begin to start one gate agent for each lot, that of the first car's lot first.

        They need nobody: an agent spools. But loading its nets keeps a processor busy for seconds,
        so this happens while the rest of the stage comes up.
        """
        self._opening = asyncio.create_task(self._open_gates(first), name="open the gates")

    async def _open_gates(self, first: DemoLot) -> None:
        await self._open_gate(first)
        await asyncio.gather(*(self._open_gate(lot) for lot in LOTS if lot is not first))

    async def _open_gate(self, lot: DemoLot) -> None:
        agent = await self._start_agent(lot)
        await agent.wait_ready(seconds=READY_SECONDS)
        self._say(f"the gates of {lot.name_en} are watched")

    def hand_over_keys(self, device_keys: dict[str, str]) -> None:
        """Give each gate box its key, as a person does who sets one up."""
        for lot in LOTS:
            path = self._key_file(lot)
            draft = path.with_suffix(".new")
            draft.touch(mode=0o600)
            draft.write_text(device_keys[lot.lot_id], encoding="utf-8")
            draft.replace(path)

    def _key_file(self, lot: DemoLot) -> Path:
        return self.folder.path / f"{lot.lot_id}.key"

    def raise_if_given_up(self) -> None:
        """Raise when a part of the stage cannot be kept running, or a gate did not open."""
        self.household.raise_if_given_up()
        if self._opening is not None and self._opening.done():
            self._opening.result()

    async def _start_agent(self, lot: DemoLot) -> Child:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        self.agents[lot.lot_id] = f"{address}/healthz"
        config = self.folder.path / f"{lot.lot_id}.toml"
        cameras = [
            *_folder_cameras(self.folder, lot),
            *(
                (video.lane_id, video.direction, video.path)
                for video in self.videos.get(lot.lot_id, ())
            ),
        ]
        config.write_text(
            _agent_config(
                self.folder.path / lot.lot_id,
                lot,
                cameras,
                server_url=self.base_url,
                key_file=self._key_file(lot),
                port=port,
            )
        )
        return await self.household.start(
            f"gate agent {lot.lot_id}",
            [program("lpr"), "run", "--config", str(config)],
            environment={"OMP_NUM_THREADS": "1"},
            # Not /healthz: a camera that cannot be read makes a box degraded, and it works on.
            health_url=f"{address}/metrics",
        )

    async def close(self) -> None:
        """Stop everything but PostgreSQL, which the next demo and the other commands share."""
        for task in (self._opening, self._keeper):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, DomainError):
                    await task
        await self.household.stop()


def _in_the_lots(day: date, clock: time) -> float:
    return datetime.combine(day, clock, tzinfo=ZoneInfo(ZONE)).timestamp()


_Camera: TypeAlias = tuple[str, str, Path]


def _folder_cameras(folder: Folder, lot: DemoLot) -> Iterable[_Camera]:
    yield IN_LANE, "entry", folder.lane(lot, IN_LANE)
    yield OUT_LANE, "exit", folder.lane(lot, OUT_LANE)


def _agent_config(
    base: Path,
    lot: DemoLot,
    cameras: Iterable[_Camera],
    *,
    server_url: str,
    key_file: Path,
    port: int,
) -> str:
    shown = "".join(
        f'\n[[cameras]]\nlane_id = "{lane_id}"\ndirection = "{direction}"\nsource = "{source}"\n'
        for lane_id, direction, source in cameras
    )
    return (
        f"# The gate box of {lot.name_en}, {DEVICE}.\n"
        f'lot_id = "{lot.lot_id}"\n'
        f'server_url = "{server_url}"\n'
        f'device_key_file = "{key_file}"\n'
        f'spool = "{base}.spool.sqlite3"\n'
        f"health_port = {port}\n"
        f"[crossing]\nstable_frames = {FRAMES_EACH}\n"
        "[uplink]\nretry_bound_seconds = 2.0\n"
        f"{shown}"
    )
