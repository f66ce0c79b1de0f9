"""Settings are typed, documented, and refused clearly when wrong."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core.settings import (
    MissingSettingError,
    Secret,
    SettingsError,
    UnknownSettingError,
    WrongSettingError,
    decode,
    render_table,
    setting,
    walk,
)


class Mode(Enum):
    QUIET = "quiet"
    LOUD = "loud"


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    lane_id: Annotated[str, setting("Which lane it sees")]
    source: Annotated[str, setting("Where its frames come from")]


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, setting("Where the API listens", unit="port", ge=1, le=65535)] = 8000
    hosts: Annotated[tuple[str, ...], setting("Names it answers to")] = ("localhost",)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    admin_key: Annotated[Secret, setting("The first admin's key")]
    database_url: Annotated[
        Secret | None, setting("A PostgreSQL of your own", env="DATABASE_URL")
    ] = None
    data_dir: Annotated[Path, setting("Where data lie")] = Path(".data")
    mode: Annotated[Mode, setting("How much it says")] = Mode.QUIET
    verbose: Annotated[bool, setting("Say more")] = False
    serving: Serving = Serving()
    cameras: Annotated[tuple[Camera, ...], setting("One a lane")] = ()

    def __post_init__(self) -> None:
        if self.verbose and self.mode is Mode.QUIET:
            msg = "verbose and quiet contradict each other"
            raise ValueError(msg)


def load(toml: dict[str, object] | None = None, environ: dict[str, str] | None = None) -> Settings:
    toml = {"admin_key": "s3cret"} if toml is None else toml
    return decode(Settings, toml=toml, environ=environ or {}, prefix="PARKING")


def test_defaults_fill_what_is_not_said() -> None:
    settings = load()
    assert settings == Settings(admin_key=Secret("s3cret"))


def test_the_environment_wins_over_toml() -> None:
    toml: dict[str, object] = {
        "admin_key": "a",
        "mode": "loud",
        "serving": {"port": 1, "hosts": ["x"]},
    }
    environ = {
        "PARKING_ADMIN_KEY": "b",
        "PARKING_SERVING_PORT": "2",
        "PARKING_SERVING_HOSTS": "y, z",
        "PARKING_VERBOSE": "true",
        "PARKING_DATA_DIR": "/srv/parking",
        "DATABASE_URL": "postgresql://u:p@h/db",
        "UNRELATED": "1",
    }
    settings = load(toml, environ)
    assert settings.admin_key.reveal() == "b"
    assert settings.serving == Serving(port=2, hosts=("y", "z"))
    assert settings.verbose
    assert settings.mode is Mode.LOUD
    assert settings.data_dir == Path("/srv/parking")
    assert settings.database_url == Secret("postgresql://u:p@h/db")


def test_lists_of_tables_come_from_toml() -> None:
    cameras = [{"lane_id": "in-1", "source": "frames"}]
    assert load({"admin_key": "a", "cameras": cameras}).cameras == (
        Camera(lane_id="in-1", source="frames"),
    )


@pytest.mark.parametrize(
    ("toml", "environ", "error", "words"),
    [
        ({"admin_kee": "a"}, {}, UnknownSettingError, ["admin_kee", "admin_key"]),
        ({"admin_key": "a", "serving": {"prot": 1}}, {}, UnknownSettingError,
         ["serving.prot", "serving.port"]),
        ({"admin_key": "a", "cameras": [{"lane": "x"}]}, {}, UnknownSettingError,
         ["cameras[0].lane", "cameras[0].lane_id"]),
        ({"admin_key": "a"}, {"PARKING_SERVING_PROT": "1"}, UnknownSettingError,
         ["PARKING_SERVING_PROT", "PARKING_SERVING_PORT"]),
        ({"admin_key": "a", "zzzz": 1}, {}, UnknownSettingError, ["zzzz is not a setting"]),
        ({}, {}, MissingSettingError, ["admin_key", "PARKING_ADMIN_KEY"]),
        ({"admin_key": "a", "serving": {"port": "80"}}, {}, WrongSettingError, ["serving.port"]),
        ({"admin_key": "a", "serving": 5}, {}, WrongSettingError, ["serving", "table"]),
        ({"admin_key": 5}, {}, WrongSettingError, ["admin_key", "expected text"]),
        ({"admin_key": "a"}, {"PARKING_SERVING_PORT": "70000"}, WrongSettingError,
         ["PARKING_SERVING_PORT", "65535"]),
        ({"admin_key": "a"}, {"PARKING_MODE": "shrill"}, WrongSettingError, ["PARKING_MODE"]),
        ({"admin_key": "a", "verbose": True}, {}, WrongSettingError, ["contradict"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    toml: dict[str, object], environ: dict[str, str], error: type[SettingsError], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        load(toml, environ)
    for word in words:
        assert word in str(caught.value)


def test_a_variable_that_the_program_reads_itself_is_let_through() -> None:
    environ = {"PARKING_CONFIG": "gate.toml", "PARKING_ADMIN_KEY": "a"}
    decode(Settings, toml={}, environ=environ, prefix="PARKING", other_variables=["PARKING_CONFIG"])


@given(st.text("abcdefghijklmnop0123456789", min_size=8))
def test_a_secret_never_shows(text: str) -> None:
    secret = Secret(text)
    shown = f"{secret} {secret!r} {[secret]} {Settings(admin_key=secret)}"
    assert text not in shown
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    assert secret == Secret(text)
    assert secret.reveal() == text


def test_a_wrong_secret_is_not_told() -> None:
    with pytest.raises(WrongSettingError) as caught:
        load({"admin_key": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


def test_every_value_is_documented() -> None:
    table = render_table(Settings, prefix="PARKING")
    for field in walk(Settings, prefix="PARKING"):
        assert f"`{field.key}`" in table
        assert field.description
    assert "| `serving.port` | `PARKING_SERVING_PORT` | whole number | `8000` | port |" in table
    assert "| `admin_key` | `PARKING_ADMIN_KEY` | secret | must be set |" in table
    assert "`DATABASE_URL`" in table
    assert "| `cameras[].lane_id` |  | text | must be set |  | Which lane it sees |" in table
    assert "`quiet` or `loud`" in table


def test_documented_defaults_are_valid_settings() -> None:
    environ = {
        field.variable: field.default.strip('"').strip("[]").replace('"', "")
        for field in walk(Serving, prefix="P")
        if field.variable is not None and field.default is not None
    }
    assert decode(Serving, toml={}, environ=environ, prefix="P") == Serving()
