"""The server's settings, as a person who gets them wrong meets them."""

from pathlib import Path

import pytest

from parking.core.settings import SettingsError
from portal.settings import ConfigFileError, load


def test_everything_has_a_default() -> None:
    settings = load(None, environ={})
    assert settings.server.port == 8080
    assert settings.server.base_url == "http://127.0.0.1:8080"
    assert not settings.admin_key


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[server]\nport = 9001\npublic_url = "https://park.example"\n')
    settings = load(file, environ={"PARKING_SERVER_PORT": "9002"})
    assert settings.server.port == 9002
    assert settings.server.base_url == "https://park.example"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nport = 70000\n", "server.port"),
        ("[server]\nprot = 80\n", "server.prot"),
        ('[server]\npublic_url = "park.example"\n', "server.public_url"),
        ('[database]\nname = "Robert\'; drop table"\n', "database.name"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "p.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=named):
        load(file, environ={})


@pytest.mark.parametrize("content", [b"[server\n", b"\xff\xfe\x00"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigFileError, match=r"p\.toml"):
        load(file, environ={})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="No such file"):
        load(tmp_path / "p.toml", environ={})


def test_secrets_do_not_show() -> None:
    environ = {
        "PARKING_ADMIN_KEY": "an-admin-key-of-some-length",
        "DATABASE_URL": "postgresql://me:hush@db/parking",
        "PARKING_BILLING_STRIPE_API_KEY": "sk_test_hush",
    }
    shown = repr(load(None, environ=environ))
    assert "hush" not in shown
    assert "an-admin-key" not in shown
