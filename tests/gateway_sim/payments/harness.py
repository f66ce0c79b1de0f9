"""Runs the real simulator on a real port, and a real endpoint for its webhooks."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import stripe

from gateway_sim.hosting import Running
from gateway_sim.payments.server import Options, serve

WAIT_S = 60.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loading certificate authorities for each test takes longer than most tests."""


class Simulator:
    """A running simulator, with the SDK and a plain client for `/_sim` and the pages."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._sdk_connections = stripe.RequestsClient(timeout=WAIT_S)
        self.stripe = self.sdk()
        self.http = httpx.Client(base_url=address, trust_env=False, timeout=WAIT_S, verify=_NO_TLS)

    def sdk(self, *, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            "sk_test_simulated",
            base_addresses={"api": self.address},
            max_network_retries=retries,
            http_client=self._sdk_connections,
        )

    def close(self) -> None:
        self.http.close()
        self._sdk_connections.close()

    def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = self.http.get("/_sim/truth").json()
        return truth

    def faults(self, **plan: object) -> None:
        self.http.post("/_sim/faults", json=plan).raise_for_status()

    def advance(self, seconds: float) -> None:
        self.http.post("/_sim/clock", json={"advance_seconds": seconds}).raise_for_status()

    def control(self, path: str, **body: object) -> dict[str, Any]:
        """Ask something of the simulator itself."""
        reply = self.http.post(f"/_sim/{path}", json=body)
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        return told

    def operator(self, *, number: str = "000123456789", interval: str = "manual") -> str:
        """A connected account that may receive transfers and has a bank account."""
        params: Any = {
            "type": "express",
            "country": "CN",
            "business_type": "company",
            "capabilities": {"transfers": {"requested": True}},
            "external_account": {
                "object": "bank_account",
                "country": "CN",
                "account_number": number,
            },
            "settings": {"payouts": {"schedule": {"interval": interval}}},
            "tos_acceptance": {"date": 1_700_000_000, "ip": "127.0.0.1"},
        }
        return self.stripe.v1.accounts.create(params).id

    def deliveries(self) -> dict[str, int]:
        counts: dict[str, int] = self.http.get("/_sim/health").json()["deliveries"]
        return counts

    def customer_with_card(self, card: str = "pm_card_visa") -> tuple[str, str]:
        customer = self.stripe.v1.customers.create()
        method = self.stripe.v1.payment_methods.attach(card, {"customer": customer.id})
        return customer.id, method.id

    def pay(
        self,
        customer: str,
        method: str,
        *,
        amount: int = 1000,
        key: str | None = None,
        **more: object,
    ) -> stripe.PaymentIntent:
        params: Any = {
            "amount": amount,
            "currency": "cny",
            "customer": customer,
            "payment_method": method,
            "confirm": True,
            "off_session": True,
            **more,
        }
        return self.stripe.v1.payment_intents.create(
            params, {"idempotency_key": key} if key else {}
        )


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


@contextmanager
def running(options: Options) -> Iterator[Simulator]:
    """A simulator in a thread of its own."""
    started = threading.Event()
    found: list[Running] = []

    def ready(it: Running) -> None:
        found.append(it)
        started.set()

    thread = threading.Thread(target=serve, args=(options,), kwargs={"ready": ready})
    thread.start()
    assert started.wait(WAIT_S)
    try:
        with closing(Simulator(found[0].address)) as simulator:
            yield simulator
    finally:
        found[0].stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


class Inbox:
    """What an endpoint received, and what it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        """Taken from the front; 200 when it is empty."""
        self._changed = threading.Condition()

    def take(self, body: bytes, signature: str) -> int:
        with self._changed:
            self.posts.append((body, signature))
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait_for(self, count: int) -> list[tuple[bytes, str]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.posts) >= count, WAIT_S)
            return list(self.posts)


@contextmanager
def webhook_inbox() -> Iterator[Inbox]:
    """An endpoint for webhooks on a port of its own."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = inbox.take(body, self.headers["Stripe-Signature"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    inbox.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
