"""The simulator as a process: killed, restarted, started wrongly."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running, webhook_inbox


def command(*arguments: str) -> list[str]:
    code = "from gateway_sim.cli import main; main()"
    return [sys.executable, "-c", code, "payments", *arguments]


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Simulator]]:
    started = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, text=True)
    assert started.stdout
    try:
        address = started.stdout.readline().split()[-1]
        simulator = Simulator(address)
        try:
            yield started, simulator
        finally:
            simulator.close()
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


def test_kill_9_in_the_middle_of_payments_loses_nothing_answered(tmp_path: Path) -> None:
    state = str(tmp_path / "state.sqlite")
    answered: dict[str, str] = {}
    asked: list[str] = []
    with process("--port", "0", "--state", state) as (server, simulator):
        customer, method = simulator.customer_with_card()

        def pay_on_and_on() -> None:
            for number in range(10_000):
                key = f"k{number}"
                asked.append(key)
                try:
                    answered[key] = simulator.pay(customer, method, key=key).id
                except stripe.APIConnectionError:
                    return

        payer = threading.Thread(target=pay_on_and_on)
        payer.start()
        while len(answered) < 20:
            time.sleep(0.001)
        os.kill(server.pid, signal.SIGKILL)
        payer.join()
    assert len(asked) == len(answered) + 1
    with process("--port", "0", "--state", state) as (_, simulator):
        for key in asked:
            intent = simulator.pay(customer, method, key=key)
            assert answered.get(key, intent.id) == intent.id
        truth = simulator.truth()["charges"]
        assert [one["idempotency_key"] for one in truth] == asked
        assert len({one["payment_intent"] for one in truth}) == len(asked)


def test_deliveries_go_on_after_a_restart(tmp_path: Path) -> None:
    with webhook_inbox() as inbox:
        inbox.answers = [503]
        options = Options(state=tmp_path / "state.sqlite", webhook_url=inbox.url)
        with running(options) as simulator:
            simulator.advance(0)
            simulator.stripe.v1.customers.create()
            inbox.wait_for(1)
        with running(options) as simulator:
            simulator.advance(3600)
            inbox.wait_for(2)
            assert len(simulator.stripe.v1.webhook_endpoints.list().data) == 1


def run_to_end(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=30, check=False
    )


def test_mistakes_at_start_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('{"rates": {"slow": 2}}')
    (tmp_path / "not-a-state").write_text("plain text, long enough to be no database" * 10)
    with sqlite3.connect(tmp_path / "newer.sqlite") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for arguments, told in (
            (("--port", str(taken.getsockname()[1])), "cannot listen on 127.0.0.1:"),
            (("--port", "0", "--faults", str(tmp_path / "faults.json")), "cannot read the faults"),
            (("--port", "0", "--state", str(tmp_path / "not-a-state")), "cannot keep state in"),
            (("--port", "0", "--state", str(tmp_path / "newer.sqlite")), "format 99"),
            (("--port", "0", "--state", "/proc/none/state"), "cannot keep state in"),
        ):
            ended = run_to_end(*arguments)
            assert ended.returncode == 1
            assert told in ended.stderr
            assert len(ended.stderr.splitlines()) == 1


def test_payments_need_no_opencv() -> None:
    code = (
        "import sys; import gateway_sim.payments.server, gateway_sim.payments.command,"
        " gateway_sim.cli; print({'cv2', 'numpy', 'stripe'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"


def test_a_body_too_large_is_refused(simulator: Simulator) -> None:
    reply = simulator.http.post(
        "/v1/customers", content=b"x" * 1_000_001, headers={"Authorization": "Bearer sk_test_x"}
    )
    assert reply.status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"hour": 1}', b"\xff"])
def test_a_clock_move_that_makes_no_sense_is_refused(simulator: Simulator, body: bytes) -> None:
    assert simulator.http.post("/_sim/clock", content=body).status_code == 422


def test_the_clock_stops_moves_and_runs_again(simulator: Simulator) -> None:
    assert simulator.http.get("/_sim/clock").json()["virtual"] is False
    simulator.http.post("/_sim/clock", json={"now": 1_800_000_000})
    simulator.advance(60)
    assert simulator.stripe.v1.customers.create().created == 1_800_000_060
    simulator.http.post("/_sim/clock", json={"real": True})
    assert simulator.http.get("/_sim/clock").json()["virtual"] is False
    assert simulator.http.get("/_sim/health").json()["status"] == "ok"
    assert simulator.http.get("/_sim/none").status_code == 404


def test_help_and_a_missing_library_are_told_without_opencv() -> None:
    code = "import sys; sys.modules['cv2'] = None; from gateway_sim.cli import main; main()"
    helped, failed = (
        subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )
        for arguments in (("--help",), ("gates", "--help"))
    )
    assert helped.returncode == 0
    assert "payments" in helped.stdout
    assert failed.returncode == 1
    assert failed.stderr.startswith("Error: `gateway-sim gates` needs cv2")
