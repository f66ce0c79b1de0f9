from pathlib import Path

import pytest

from lpr.config import AgentSettings, load_settings
from parking.core.place import LaneDirection
from parking.core.settings import SettingsError

GOOD = """
lot_id = "west-lake"
server_url = "https://parking.example"
device_key = "only here"
[[cameras]]
lane_id = "west-in"
direction = "entry"
source = "frames/west-in"
[[cameras]]
lane_id = "west-out"
direction = "exit"
source = "rtsp://camera/stream"
"""


def load(tmp_path: Path, text: str, **environ: str) -> AgentSettings:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    return load_settings(path=path, flags={}, environ=environ)


def test_reads_a_file_with_paths_beside_it(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    assert settings.cameras[0].source == str(tmp_path / "frames/west-in")
    assert settings.cameras[1].source == "rtsp://camera/stream"
    assert settings.cameras[1].direction is LaneDirection.EXIT
    assert settings.spool == tmp_path / "lpr-spool.sqlite3"
    assert "only here" not in repr(settings)


def test_finds_the_key_s_file_beside_its_own(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD.replace('device_key = "only here"', 'device_key_file = "key"'))
    assert settings.device_key_file == tmp_path / "key"


def test_lets_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(GOOD)
    settings = load_settings(
        path=path,
        flags={"lot_id": "east", "spool": "/var/spool.sqlite3", "health_port": None},
        environ={"LPR_LOT_ID": "south", "LPR_HEALTH_PORT": "9000", "LPR_DEVICE_KEY": "secret"},
    )
    assert settings.lot_id == "east"
    assert settings.spool == Path("/var/spool.sqlite3")
    assert settings.health_port == 9000
    assert settings.device_key.reveal() == "secret"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('direction = "exit"', 'direction = "both"'), "direction must be entry or exit"),
        (('"west-out"', '"west-in"'), "more than one camera looks at lane west-in"),
        (("[[cameras]]", "healthport = 1\n[[cameras]]"), "did you mean health_port"),
        (('"https://parking.example"', '"parking.example"'), "server_url"),
        (('"west-lake"', '"West Lake"'), "lot_id"),
        (("[[cameras]]", "threads = 0\n[[cameras]]"), "threads"),
        (("device_key", "#"), "LPR_DEVICE_KEY"),
        (("device_key", 'device_key_file = "k"\ndevice_key'), "one device key"),
        (("lot_id", "lot id"), "is not TOML"),
    ],
)
def test_refuses_a_slip_by_its_name(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        load(tmp_path, GOOD.replace(*change, 1))


def test_says_that_the_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(path=tmp_path / "nothing.toml", flags={}, environ={})
