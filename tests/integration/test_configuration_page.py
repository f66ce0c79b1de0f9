"""docs/configuration.md says what the programs really read."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lpr.config import AgentSettings
from parking.core.settings import walk
from portal.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "document_settings.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("settings", "prefix"), [(Settings, "PARKING"), (AgentSettings, "LPR")])
def test_every_value_is_described(settings: type[msgspec.Struct], prefix: str) -> None:
    undescribed = [field.key for field in walk(settings, prefix=prefix) if not field.description]
    assert undescribed == []


@pytest.mark.parametrize(("settings", "prefix"), [(Settings, "PARKING"), (AgentSettings, "LPR")])
def test_what_is_called_a_secret_is_one(settings: type[msgspec.Struct], prefix: str) -> None:
    secret_words = ("secret", "password", "api_key", "admin_key", "device_key", "token")
    readable = [
        field.key
        for field in walk(settings, prefix=prefix)
        if field.kind == "text" and field.key.endswith(secret_words)
    ]
    assert readable == []
