"""The command `parking` as a newcomer types it: help, and expected failures in one clear line."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = str(Path(sys.executable).parent / "parking")
_COMMANDS = ("serve", "work", "migrate", "quote", "db", "audit", "key", "demo")


def run(
    *arguments: str, cwd: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty folder, with nothing of this machine's settings."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PARKING")}
    clean.pop("DATABASE_URL", None)
    return subprocess.run(
        [_PROGRAM, *arguments],
        cwd=cwd,
        env={**clean, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_told(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on standard error, exit code 2, no traceback."""
    assert result.returncode == 2, result.stderr
    lines = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("parking: ")
    for word in words:
        assert word in lines[0]


def test_help_names_every_command(tmp_path: Path) -> None:
    result = run("--help", cwd=tmp_path)
    assert result.returncode == 0
    for command in _COMMANDS:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", _COMMANDS)
def test_each_command_explains_itself_even_with_broken_settings(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "parking.toml").write_text("no = toml = at all")
    result = run(command, "--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "Usage: parking" in result.stdout


@pytest.mark.parametrize("command", ["serve", "work", "migrate"])
def test_a_wrong_setting_is_told_before_seconds_of_imports(tmp_path: Path, command: str) -> None:
    told = run(
        command,
        cwd=tmp_path,
        environ={"PARKING_SREVER_PORT": "1", "PYTHONPROFILEIMPORTTIME": "1"},
    )
    assert told.returncode == 2
    assert "PARKING_SREVER_PORT" in told.stderr
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "portal.settings" in imported
    assert imported.isdisjoint({"litestar", "sqlalchemy", "stripe", "asyncpg"})


def test_a_wrong_setting_is_told(tmp_path: Path) -> None:
    (tmp_path / "parking.toml").write_text("[server]\nprot = 1\n")
    assert_told(run("migrate", cwd=tmp_path), "server.prot", "did you mean server.port")


def test_a_slip_in_the_environment_is_told(tmp_path: Path) -> None:
    result = run("serve", cwd=tmp_path, environ={"PARKING_SERVER_PROT": "1"})
    assert_told(result, "PARKING_SERVER_PROT")


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        secret = {"PARKING_BILLING_STRIPE_WEBHOOK_SECRET": "whsec_x"}
        assert_told(run("serve", "--port", port, cwd=tmp_path, environ=secret), port, "--port")
        assert_told(run("demo", "--once", "--port", port, cwd=tmp_path), port, "--port")


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["work"], ["migrate"], ["audit"]])
def test_an_unreachable_database_is_told(tmp_path: Path, command: list[str]) -> None:
    environ = {
        "DATABASE_URL": "postgresql://someone:hush@127.0.0.1:1/parking",
        "PARKING_BILLING_STRIPE_API_KEY": "sk_test_x",
        "PARKING_BILLING_STRIPE_WEBHOOK_SECRET": "whsec_x",
    }
    result = run(*command, cwd=tmp_path, environ=environ)
    assert_told(result, "127.0.0.1:1/parking", "DATABASE_URL")
    assert "hush" not in result.stderr


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("demo", "--once", "--frames", "empty", "--port", "18099", cwd=tmp_path)
    assert_told(result, "no pictures")


TARIFF = """
tariff_id = "two-an-hour"
version = 1
name_zh = "每小时两元"
name_en = "2 an hour"
zone = "Asia/Shanghai"
[[windows]]
from = "00:00"
until = "24:00"
rate = { type = "units", steps = [{ price_minor = 200, unit_minutes = 60 }] }
"""


def test_a_quote_needs_no_database(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TARIFF)
    times = ("--entered", "2026-11-22T09:00", "--left", "2026-11-22T10:30")
    said = run("quote", "t.toml", *times, cwd=tmp_path)
    assert said.returncode == 0
    assert "4.00" in said.stdout.splitlines()[-1]
    fee = json.loads(run("quote", "t.toml", *times, "--json", cwd=tmp_path).stdout)
    assert fee["total"] == {"amount_minor": 400, "currency": "CNY"}
    assert sum(line["amount_minor"] for line in fee["lines"]) == 400


@pytest.mark.parametrize(
    ("entered", "left", "word"),
    [
        ("yesterday", "2026-11-22T10:30", "yesterday"),
        ("2026-11-22T10:30", "2026-11-22T09:00", "before"),
    ],
)
def test_a_quote_with_odd_times_is_told(tmp_path: Path, entered: str, left: str, word: str) -> None:
    (tmp_path / "t.toml").write_text(TARIFF)
    result = run("quote", "t.toml", "--entered", entered, "--left", left, cwd=tmp_path)
    assert_told(result, word)


def test_a_broken_tariff_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TARIFF.replace("price_minor", "price"))
    result = run(
        "quote",
        "t.toml",
        "--entered",
        "2026-11-22T09:00",
        "--left",
        "2026-11-22T10:00",
        cwd=tmp_path,
    )
    assert_told(result, "price")


def test_the_embedded_database_starts_shows_and_stops(tmp_path: Path) -> None:
    assert run("db", "status", cwd=tmp_path).returncode == 1
    try:
        started = run("db", "start", cwd=tmp_path)
        assert started.returncode == 0, started.stderr
        assert "runs on port" in run("db", "status", cwd=tmp_path).stdout
        assert run("db", "url", cwd=tmp_path).stdout.startswith("postgresql://")
        migrated = run("migrate", cwd=tmp_path)
        assert migrated.returncode == 0, migrated.stderr
        assert "every invariant holds" in run("audit", cwd=tmp_path).stdout
        key = run("key", "create", cwd=tmp_path).stdout.strip()
        assert len(key) > 24
        assert_told(run("key", "create", "--operator", "nobody", cwd=tmp_path), "nobody")
    finally:
        assert run("db", "stop", cwd=tmp_path).returncode == 0
    assert run("db", "status", cwd=tmp_path).returncode == 1
