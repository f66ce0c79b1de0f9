"""The payment simulator's own ceiling: how fast it answers when nothing else is in the way.

    python bench/gateway.py [--requests 2000] [--connections 32]

Whoever measures settlement against the simulator measures it as well; these are the rates that no
client can exceed. Starts `gateway-sim payments` with a state file, as the demo does, and posts
ready-made requests with bench/load.py: charges of a card on file (create and confirm in one, each
with a key of its own), the same again (answered from under their keys), look-ups, lists by
customer. The limit, taken in the same run, is the simulator's HTTP server with an empty answer.
Beside the rates stands the processor time that a request cost the simulator.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from processor_time import processor_seconds

HERE = Path(__file__).parent
AUTH = "Bearer sk_test_bench"


class Simulator(NamedTuple):
    """A running one."""

    port: int
    pid: int

    def ask(self, method: str, path: str, **data: str) -> dict[str, Any]:
        """One request, answered."""
        reply = httpx.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            data=data or None,
            headers={"Authorization": AUTH},
            trust_env=False,
        )
        reply.raise_for_status()
        told: dict[str, Any] = reply.json()
        return told


@contextmanager
def simulator(folder: Path) -> Iterator[Simulator]:
    """The simulator as a process of its own, with a state file."""
    code = "from gateway_sim.cli import main; main()"
    arguments = ("payments", "--port", "0", "--state", str(folder / "state.sqlite"))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        port = int(process.stdout.readline().rpartition(":")[2])
        yield Simulator(port, process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def request(method: str, path: str, *, key: str = "", **data: str) -> bytes:
    """A request as it goes over the wire."""
    body = urlencode(data).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {AUTH}"]
    if body:
        head += ["Content-Type: application/x-www-form-urlencoded"]
    if key:
        head += [f"Idempotency-Key: {key}"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


def measure(
    name: str, it: Simulator, requests: Sequence[bytes], *, connections: int, folder: Path
) -> None:
    """Post requests and print what came of them."""
    file = folder / "requests"
    file.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))
    before = processor_seconds(it.pid)
    arguments = ("--port", str(it.port), "--connections", str(connections))
    ran = subprocess.run(
        [sys.executable, HERE / "load.py", *arguments, "--requests", file],
        capture_output=True,
        text=True,
        check=True,
    )
    spent = processor_seconds(it.pid) - before
    told = json.loads(ran.stdout)
    print(
        f"{name:24} {len(requests) / told['seconds']:7.0f}/s"
        f"   p50 {told['p50_ms']:6.1f} ms   p99 {told['p99_ms']:6.1f} ms"
        f"   {spent / len(requests) * 1e6:5.0f} us of processor   {told['statuses']}"
    )


def main() -> None:
    """Measure each kind of request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as it:
        customer = it.ask("POST", "/v1/customers", name="bench")["id"]
        method = it.ask("POST", "/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
        wanted = {
            "amount": "1250",
            "currency": "cny",
            "customer": customer,
            "payment_method": method,
            "confirm": "true",
            "off_session": "true",
        }
        numbers = range(given.requests)
        charges = [request("POST", "/v1/payment_intents", key=f"k{n}", **wanted) for n in numbers]
        one = it.ask("POST", "/v1/payment_intents", **wanted)["id"]
        look_up = request("GET", f"/v1/payment_intents/{one}?expand[]=latest_charge")
        by_customer = request("GET", f"/v1/payment_intents?customer={customer}&limit=10")
        for name_, requests in (
            ("limit: an empty answer", [request("GET", "/nothing")] * given.requests),
            ("charge", charges),
            ("charge again, same key", charges),
            ("look-up", [look_up] * given.requests),
            ("list of ten", [by_customer] * given.requests),
        ):
            measure(name_, it, requests, connections=given.connections, folder=Path(name))


if __name__ == "__main__":
    main()
