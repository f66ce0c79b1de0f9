"""`parking serve` as a process of its own: how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(process: subprocess.Popen[str], port: int) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.2)
    pytest.fail("the server did not become ready")


def test_ctrl_c_ends_the_server_quietly(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "parking"), "serve", "--port", str(port)],
        cwd=tmp_path,
        env={
            **{name: text for name, text in os.environ.items() if not name.startswith("PARKING")},
            "DATABASE_URL": database_url,
            "PARKING_BILLING_STRIPE_API_KEY": "sk_test_x",
            "PARKING_BILLING_STRIPE_WEBHOOK_SECRET": "whsec_x",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until_ready(process, port)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Aborted" not in out + err
    assert "Traceback" not in out + err
