"""The gate agent's settings: one TOML file, with the environment (`LPR_…`) on top."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from lpr.core.crossing_rules import CrossingRules
from lpr.motion import MotionRules
from lpr.pictures import PictureSettings
from parking.core.ids import SLUG_PATTERN
from parking.core.place import LaneDirection
from parking.core.settings import Secret, WrongSettingError, decode, setting

PREFIX = "LPR"
SPOOL_BYTES_MAX = 1 << 30


class CameraSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera, which looks at one lane."""

    lane_id: Annotated[str, setting("The lane it looks at", pattern=SLUG_PATTERN)]
    direction: Annotated[LaneDirection, setting("Which way cars go there: entry or exit")]
    source: Annotated[
        str,
        setting("A folder that frames appear in, a video file, or an rtsp:// or http:// address"),
    ]

    def __post_init__(self) -> None:
        """Refuse a camera that cannot say which way a car went."""
        if self.direction is LaneDirection.BOTH:
            msg = (
                f"camera of lane {self.lane_id}: direction must be entry or exit; "
                "give a reversible lane one camera for each direction"
            )
            raise ValueError(msg)


class UplinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How events go to the server."""

    batch_events_max: Annotated[
        int, setting("Events in one request", unit="events", ge=1, le=1000)
    ] = 100
    request_timeout_seconds: Annotated[
        float, setting("How long an answer may take", unit="seconds", ge=0.1, le=300)
    ] = 15.0
    retry_base_seconds: Annotated[
        float, setting("The wait before the first retry", unit="seconds", ge=0.01, le=60)
    ] = 0.5
    retry_bound_seconds: Annotated[
        float, setting("The longest wait between retries", unit="seconds", ge=0.01, le=3600)
    ] = 60.0


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a gate box is told."""

    lot_id: Annotated[str, setting("The lot that the gates belong to", pattern=SLUG_PATTERN)]
    server_url: Annotated[
        str, setting("Where the server listens, without /v1", pattern="^https?://.+")
    ]
    cameras: Annotated[tuple[CameraSettings, ...], setting("The cameras", min_length=1)]
    device_key: Annotated[
        Secret, setting("The key that the server gave this device; this or a file with it")
    ] = Secret("")
    device_key_file: Annotated[
        Path | None,
        setting("The file that holds the key; may come later, and be exchanged at any time"),
    ] = None
    spool: Annotated[Path, setting("The file that events wait in until they are acknowledged")] = (
        Path("lpr-spool.sqlite3")
    )
    spool_bytes_max: Annotated[
        int, setting("The most that the spool may take", unit="bytes", ge=1 << 16, le=1 << 40)
    ] = SPOOL_BYTES_MAX
    health_host: Annotated[str, setting("The address that health is served on")] = "127.0.0.1"
    health_port: Annotated[
        int, setting("The port that health is served on; 0 takes a free one", ge=0, le=65535)
    ] = 8090
    threads: Annotated[
        int, setting("Processor threads for one frame", unit="threads", ge=1, le=64)
    ] = 1
    checkpoint_seconds: Annotated[
        float,
        setting(
            "How often a lane's progress is stored while no event stores it anyway",
            unit="seconds",
            ge=0,
            le=60,
        ),
    ] = 1.0
    crossing: CrossingRules = CrossingRules()
    motion: MotionRules = MotionRules()
    pictures: PictureSettings = PictureSettings()
    uplink: UplinkSettings = UplinkSettings()

    def __post_init__(self) -> None:
        """Refuse two cameras on one lane, which would tell each car twice; two keys, or none."""
        if bool(self.device_key) == (self.device_key_file is not None):
            msg = (
                "the box needs one device key: set device_key (LPR_DEVICE_KEY) "
                "or device_key_file (LPR_DEVICE_KEY_FILE)"
            )
            raise ValueError(msg)
        lanes = [camera.lane_id for camera in self.cameras]
        twice = sorted({lane for lane in lanes if lanes.count(lane) > 1})
        if twice:
            msg = f"more than one camera looks at lane {', '.join(twice)}"
            raise ValueError(msg)


def load_settings(
    *, path: Path | None, flags: Mapping[str, object], environ: Mapping[str, str]
) -> AgentSettings:
    """Read the settings; flags win over the environment, and that over the file.

    Paths in the file are relative to the file. Raises SettingsError.
    """
    document: dict[str, object] = {} if path is None else _read_toml(path)
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    variables = {f"{PREFIX}_{name.upper()}" for name in given}
    remaining = {name: value for name, value in environ.items() if name not in variables}
    settings = decode(AgentSettings, toml={**document, **given}, environ=remaining, prefix=PREFIX)
    return settings if path is None else _relative_to(path.parent, settings, flags=given)


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongSettingError(str(path), f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSettingError(str(path), f"is not TOML: {error}") from error


def _relative_to(
    folder: Path, settings: AgentSettings, *, flags: Mapping[str, object]
) -> AgentSettings:
    cameras = settings.cameras
    if "cameras" not in flags:
        cameras = tuple(
            camera
            if "://" in camera.source
            else msgspec.structs.replace(camera, source=str(folder / camera.source))
            for camera in cameras
        )
    spool = settings.spool if "spool" in flags else folder / settings.spool
    key_file = settings.device_key_file
    return msgspec.structs.replace(
        settings,
        cameras=cameras,
        spool=spool,
        pictures=msgspec.structs.replace(
            settings.pictures, folder=folder / settings.pictures.folder
        ),
        device_key_file=None if key_file is None else folder / key_file,
    )
