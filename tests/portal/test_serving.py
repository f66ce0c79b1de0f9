"""`parking serve` as a process of its own: how it ends, and what it counts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
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


def serve(port: int, *, database_url: str, cwd: Path, workers: int) -> subprocess.Popen[str]:
    # A suite that a shell runs in the background ignores Ctrl-C, and its children inherit that.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [
                *(str(Path(sys.executable).parent / "parking"), "serve"),
                *("--port", str(port), "--workers", str(workers)),
            ],
            cwd=cwd,
            env={
                **{name: text for name, text in os.environ.items() if name[:7] != "PARKING"},
                "DATABASE_URL": database_url,
                "PARKING_BILLING_STRIPE_API_KEY": "sk_test_x",
                "PARKING_BILLING_STRIPE_WEBHOOK_SECRET": "whsec_x",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, ours)


def test_ctrl_c_ends_the_server_quietly(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    process = serve(port, database_url=database_url, cwd=tmp_path, workers=1)
    try:
        wait_until_ready(process, port)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Aborted" not in out + err
    assert "Traceback" not in out + err


def test_any_of_several_processes_tells_the_counts_of_all(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    process = serve(port, database_url=database_url, cwd=tmp_path, workers=2)
    asked = 40
    try:
        wait_until_ready(process, port)
        with ThreadPoolExecutor(8) as at_once:
            refused = list(at_once.map(httpx.get, [f"http://127.0.0.1:{port}/v1/stays"] * asked))
            told = list(at_once.map(httpx.get, [f"http://127.0.0.1:{port}/metrics"] * asked))
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert {reply.status_code for reply in refused} == {401}
    counted = re.compile(
        r'^leavefirst_http_requests_total\{.*status="401".*\} (\S+)$', re.MULTILINE
    )
    assert {sum(map(float, counted.findall(reply.text))) for reply in told} == {float(asked)}
    assert all("leavefirst_open_stays 0.0" in reply.text for reply in told)
