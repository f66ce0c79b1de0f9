"""The simulator as a process: killed, restarted, started wrongly, with keys in a folder."""

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from gateway_sim.hosting import PortTakenError
from gateway_sim.state_file import StateFileError
from gateway_sim.wechatpay.keyring import Keyring, keyring_in
from gateway_sim.wechatpay.server import Options, serve
from gateway_sim.wechatpay.store import Store
from tests.gateway_sim.wechatpay.harness import NOW, Simulator, keyring, running


def command(*arguments: str) -> list[str]:
    code = "from gateway_sim.cli import main; main()"
    return [sys.executable, "-c", code, "wechatpay", *arguments]


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Simulator]]:
    started = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, text=True)
    assert started.stdout
    try:
        address = started.stdout.readline().split()[-1]
        with closing(Simulator(address)) as simulator:
            yield started, simulator
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


def test_kill_9_loses_nothing_answered_and_the_keys_stay(tmp_path: Path) -> None:
    arguments = (
        "--port",
        "0",
        "--state",
        str(tmp_path / "state"),
        "--keys",
        str(tmp_path / "keys"),
    )
    with process(*arguments) as (server, simulator):
        simulator.set_clock(NOW)
        simulator.stay("1")
        simulator.stay("2")
        simulator.control("certificates/rotate")
        before = simulator.get("credentials")
        os.kill(server.pid, signal.SIGKILL)
    with process(*arguments) as (_, simulator):
        assert simulator.get("credentials") == before
        simulator.advance(2)
        assert [one["out_trade_no"] for one in simulator.truth()["deductions"]] == ["out1", "out2"]
        assert simulator.look_up("out1")[1]["trade_state"] == "SUCCESS"


def test_keys_in_a_folder_are_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = keyring_in(folder)
    assert keyring_in(folder) == made
    assert {path.name for path in folder.iterdir()} == {
        "credentials.json",
        "merchant_key.pem",
        "merchant_certificate.pem",
        "platform_certificate.pem",
        "platform_public_key.pem",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert msgspec.json.decode((folder / "credentials.json").read_bytes(), type=Keyring) == made


def test_the_truth_log_refuses_changes(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(Options(state=state, keyring=keyring())) as simulator:
        simulator.stay("1")
        simulator.advance(2)
    with closing(sqlite3.connect(state)) as database:
        for change in ("UPDATE truth SET body = '{}'", "DELETE FROM truth"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(change)


def test_mistakes_at_start_are_told_in_one_line(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "credentials.json").write_text("{}")
    ended = subprocess.run(
        command("--port", "0", "--keys", str(keys)),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: cannot use the keys in {keys}: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_state_or_a_port_that_is_something_elses_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "newer")) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StateFileError, match="format 99"):
        Store(tmp_path / "newer")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = Options(port=taken.getsockname()[1])
        with pytest.raises(PortTakenError, match="cannot listen on 127"):
            serve(options, ready=lambda _: None)


def test_it_needs_neither_opencv_nor_the_library_that_talks_to_it() -> None:
    code = (
        "import sys; import gateway_sim.wechatpay.server, gateway_sim.wechatpay.command;"
        " print({'cv2', 'numpy', 'wechatpayv3', 'stripe'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
