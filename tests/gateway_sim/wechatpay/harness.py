"""Runs the real simulator on a real port, with the real library, and takes its notifications."""

import datetime as dt
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from wechatpayv3 import WeChatPay, WeChatPayType

from gateway_sim.hosting import Running
from gateway_sim.wechatpay.keyring import Keyring, make_keyring
from gateway_sim.wechatpay.server import Options, serve

WAIT_S = 60.0
BEIJING = dt.timezone(dt.timedelta(hours=8))
NOW = dt.datetime(2026, 8, 3, 12, 0, tzinfo=BEIJING)
"""Where the simulator's clock of a test stands."""
UNHEARD = "http://127.0.0.1:9/notify"
"""Nobody listens there."""
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loading certificate authorities for each test takes longer than most tests."""


@cache
def keyring() -> Keyring:
    """One set of keys for all tests of a process: making them takes longer than most tests."""
    return make_keyring()


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant configures."""

    mchid: str
    appid: str
    sub_mchid: str
    sub_appid: str
    apiv3_key: str
    merchant_serial_no: str
    merchant_private_key: str
    platform_public_key_id: str
    platform_public_key: str
    platform_certificates: dict[str, str]


class Simulator:
    """A running simulator, with the library and a plain client for `/_sim`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = httpx.Client(base_url=address, trust_env=False, timeout=WAIT_S, verify=_NO_TLS)
        self.wechatpay = self.library()

    def close(self) -> None:
        self.http.close()

    @cached_property
    def credentials(self) -> Credentials:
        """As they were at first: certificates may be rotated since."""
        reply = self.http.get("/_sim/credentials")
        return msgspec.json.decode(reply.content, type=Credentials)

    def library(self, *, partner: bool = True, **more: Any) -> WeChatPay:
        """The library in public-key mode, pointed at the simulator.

        Its base address is a constant set by its constructor, which asks for nothing in this
        mode; so it is replaced right after.
        """
        own = self.credentials
        options = {
            "public_key": own.platform_public_key,
            "public_key_id": own.platform_public_key_id,
            **more,
        }
        client = WeChatPay(
            WeChatPayType.MINIPROG,
            mchid=own.mchid,
            private_key=own.merchant_private_key,
            cert_serial_no=own.merchant_serial_no,
            appid=own.appid,
            apiv3_key=own.apiv3_key,
            partner_mode=partner,
            timeout=(WAIT_S, WAIT_S),
            proxy={"http": "", "https": ""},
            **options,
        )
        client._core._gate_way = self.address
        return client

    wechat = library

    def get(self, path: str) -> dict[str, Any]:
        told: dict[str, Any] = self.http.get(f"/_sim/{path}").json()
        return told

    def truth(self) -> dict[str, Any]:
        return self.get("truth")

    def notifications(self) -> dict[str, int]:
        counts: dict[str, int] = self.get("health")["notifications"]
        return counts

    def control(self, path: str, **body: object) -> Any:
        """Ask something of the simulator itself."""
        reply = self.http.post(f"/_sim/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def faults(self, **plan: object) -> None:
        self.control("faults", **plan)

    def advance(self, seconds: float) -> None:
        self.control("clock", advance_seconds=seconds)

    def set_clock(self, now: dt.datetime) -> None:
        self.control("clock", now=now.timestamp())

    def open_service(self, plate: str, color: str = "BLUE", **more: object) -> str:
        """The openid of the user who opens the service for a plate."""
        told = self.control("services", plate_number=plate, plate_color=color, **more)
        return str(told["openid"])

    # What a billing system does, as the library wants it.

    def find(self, plate: str, openid: str, color: str = "BLUE") -> tuple[int, dict[str, Any]]:
        # The library signs the address as it is given, so it has to be given as it is sent.
        return decoded(
            self.wechatpay.parking_service_find(
                quote(plate), color, openid, sub_mchid=self.credentials.sub_mchid
            )
        )

    def enter(
        self, plate: str = "粤B88888", number: str = "in1", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        asked = {
            "out_parking_no": number,
            "plate_number": plate,
            "plate_color": "BLUE",
            "start_time": (NOW - dt.timedelta(hours=2)).isoformat(),
            "parking_name": "欢乐海岸停车场",
            "free_duration": 900,
            "notify_url": UNHEARD,
            "sub_mchid": self.credentials.sub_mchid,
        }
        return decoded(self.wechatpay.parking_enter(**{**asked, **more}))

    def order(
        self, parking: dict[str, Any], number: str = "out1", total: int = 888, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        own = self.credentials
        asked = {
            "description": "停车场扣费",
            "out_trade_no": number,
            "total": total,
            "parking_id": parking["id"],
            "plate_number": parking["plate_number"],
            "plate_color": parking["plate_color"],
            "start_time": parking["start_time"],
            "end_time": NOW.isoformat(),
            "parking_name": parking["parking_name"],
            "charging_duration": 7200,
            "device_id": "exit-1",
            "attach": "p1",
            "notify_url": UNHEARD,
            "sub_appid": own.sub_appid,
            "sub_mchid": own.sub_mchid,
        }
        return decoded(self.wechatpay.parking_order(**{**asked, **more}))

    def look_up(self, number: str = "out1") -> tuple[int, dict[str, Any]]:
        sub = self.credentials.sub_mchid
        return decoded(self.wechatpay.parking_order_query(number, sub_mchid=sub))

    def refund(
        self, number: str = "r1", of: str = "out1", refund: int = 400, total: int = 888, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        asked = {
            "out_refund_no": number,
            "out_trade_no": of,
            "amount": {"refund": refund, "total": total, "currency": "CNY"},
            "notify_url": UNHEARD,
            "sub_mchid": self.credentials.sub_mchid,
        }
        return decoded(self.wechatpay.refund(**{**asked, **more}))

    def look_up_refund(self, number: str = "r1") -> tuple[int, dict[str, Any]]:
        sub = self.credentials.sub_mchid
        return decoded(self.wechatpay.query_refund(number, sub_mchid=sub))

    def stay(self, number: str = "1", total: int = 888, **more: Any) -> dict[str, Any]:
        """A car of its own enters and leaves; its order is accepted."""
        plate = f"粤A{int(number):05d}"
        self.open_service(plate)
        status, parking = self.enter(plate, f"in{number}")
        assert status == 200, parking
        status, order = self.order(parking, f"out{number}", total, **more)
        assert status == 200, order
        return order


def decoded(answer: tuple[int, str]) -> tuple[int, dict[str, Any]]:
    status, text = answer
    return status, json.loads(text)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


@contextmanager
def running(options: Options, *, now: dt.datetime | None = NOW) -> Iterator[Simulator]:
    """A simulator in a thread of its own; its clock stands at `now` (None: runs)."""
    if options.keyring is None and options.keys is None:
        options = msgspec.structs.replace(options, keyring=keyring())
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
            if now is not None:
                simulator.set_clock(now)
            yield simulator
    finally:
        found[0].stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


class Inbox:
    """What a merchant was told, and what it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        """Taken from the front; 200 when it is empty."""
        self._changed = threading.Condition()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        with self._changed:
            self.posts.append((headers, body))
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.posts) >= count, WAIT_S)
            return list(self.posts)


@contextmanager
def notification_inbox() -> Iterator[Inbox]:
    """An address for notifications on a port of its own."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.title(): value for name, value in self.headers.items()}
            self.send_response(inbox.take(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    inbox.url = f"http://127.0.0.1:{server.server_port}/notify"
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
