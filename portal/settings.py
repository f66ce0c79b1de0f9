"""The server's settings: of `parking serve`, `parking work` and the rest of the command.

One TOML file (`--config` or PARKING_CONFIG, else `parking.toml` here if there is one) and the
environment, which wins. docs/configuration.md lists every value.
"""

import os
import tomllib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec

from billing.settings import BillingSettings
from parking.core.cloning import CloneRules
from parking.core.errors import DomainError
from parking.core.limits import IngestLimits
from parking.core.secret import Secret
from parking.core.settings import decode, setting

PREFIX = "PARKING"
CONFIG_VARIABLE = "PARKING_CONFIG"
_DEFAULT_FILE = Path("parking.toml")


class ConfigFileError(DomainError):
    """The configuration file cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot read the configuration {path}: {reason}")
        self.path = path


class LogLevel(Enum):
    """From where on log lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API and the pages are served."""

    host: Annotated[str, setting("Address to listen on; 0.0.0.0 for all", min_length=1)] = (
        "127.0.0.1"
    )
    port: Annotated[int, setting("Port to listen on; 0 takes any free one", ge=0, le=65535)] = 8080
    public_url: Annotated[
        str,
        setting(
            "How browsers reach it, without a slash at the end; empty: http://host:port",
            pattern="^$|^https?://[^/]+$",
        ),
    ] = ""
    body_bytes_max: Annotated[
        int, setting("Largest request body of any kind", unit="bytes", ge=1024)
    ] = 4 * 1024 * 1024
    stop_seconds: Annotated[
        int, setting("How long requests under way may finish when told to stop", unit="s", ge=1)
    ] = 10

    @property
    def base_url(self) -> str:
        """The address that pages and return links are made with."""
        return self.public_url or f"http://{self.host}:{self.port}"


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which PostgreSQL."""

    url: Annotated[
        Secret,
        setting(
            "Your own server, 15 or later: postgresql://user:password@host:port/database; "
            "empty: the embedded one",
            env="DATABASE_URL",
        ),
    ] = Secret("")
    data_dir: Annotated[Path, setting("Where the embedded PostgreSQL keeps its data")] = Path(
        ".data/postgres"
    )
    name: Annotated[
        str, setting("Database on the embedded PostgreSQL", pattern="^[a-z][a-z0-9_]{0,62}$")
    ] = "parking"
    pool_size: Annotated[
        int, setting("Connections of one process", unit="connections", ge=2, le=200)
    ] = 10


class WorkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often the worker looks after parking; billing's own paces are under `billing`."""

    near_miss_seconds: Annotated[
        float, setting("Between looks for near misses to match or settle", unit="s", ge=0.1)
    ] = 2.0
    sweep_seconds: Annotated[
        float, setting("Between sweeps for stays past their maximum", unit="s", ge=1)
    ] = 300.0
    clone_seconds: Annotated[
        float, setting("Between looks for plates that are on two cars", unit="s", ge=0.1)
    ] = 2.0
    habit_seconds: Annotated[
        float, setting("Between lessons in how long cars stay, 50 lots at a time", unit="s", ge=1)
    ] = 60.0
    partition_seconds: Annotated[
        float,
        setting("Between looks whether the next months' partitions are there", unit="s", ge=1),
    ] = 6 * 3600.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a person may set."""

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    ingest: IngestLimits = IngestLimits()
    billing: BillingSettings = BillingSettings()
    work: WorkSettings = WorkSettings()
    clones: CloneRules = CloneRules()
    log_level: Annotated[LogLevel, setting("The least important lines that are written")] = (
        LogLevel.INFO
    )
    admin_key: Annotated[
        Secret,
        setting("The first admin key, at least 24 characters; stored hashed when serving starts"),
    ] = Secret("")


def load(config: Path | None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the file and the environment.

    Raises ConfigFileError, or a SettingsError that names the key or variable to mend.
    """
    environment = os.environ if environ is None else environ
    return decode(
        Settings,
        toml=_read(_chosen(config, environment)),
        environ=environment,
        prefix=PREFIX,
        other_variables=(CONFIG_VARIABLE,),
    )


def _chosen(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    return _DEFAULT_FILE if _DEFAULT_FILE.is_file() else None


def _read(path: Path | None) -> Mapping[str, object]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigFileError(path, error.strerror or type(error).__name__) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigFileError(path, str(error)) from None
