"""A small real HTTP server that speaks `POST /v1/lane-events`, as the counterpart of the agent.

It keeps the contract that the agent relies on: an event accepted once is a duplicate ever after,
and the same id with other content is a conflict. `plan` lets a test have requests fail first.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "device-key-for-tests"
Event = dict[str, Any]


class Desk:
    """What the server has accepted, and what it is told to do wrong."""

    def __init__(self) -> None:
        self.accepted: dict[str, Event] = {}
        self.requests: list[list[Event]] = []
        self.plan: list[int | tuple[int, dict[str, str]]] = []
        """Statuses to answer the next requests with, instead of doing the work."""
        self.refuse: Callable[[Event], str | None] = lambda _: None
        self.before_answer: Callable[[], None] = lambda: None
        """Called when the work is done and nothing has been said yet."""
        self.body_bytes_max = 1 << 20
        self.lock = threading.Lock()
        self.url = ""

    @property
    def plates(self) -> list[str | None]:
        return [event["read"]["plate"] for event in self.accepted.values()]

    def results(self, events: list[Event]) -> list[Event]:
        return [self._result(event) for event in events]

    def _result(self, event: Event) -> Event:
        event_id = event["event_id"]
        if reason := self.refuse(event):
            problem = {"type": "about:blank", "title": "Refused", "detail": reason}
            return {"event_id": event_id, "status": "refused", "problem": problem}
        known = self.accepted.setdefault(event_id, event)
        if known is event:
            return {"event_id": event_id, "status": "accepted", "display": None}
        status = "duplicate" if known == event else "conflict"
        return {"event_id": event_id, "status": status, "display": None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    desk: Desk

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        desk = self.desk
        with desk.lock:
            if desk.plan:
                planned = desk.plan.pop(0)
                status, headers = planned if isinstance(planned, tuple) else (planned, {})
                return self._answer(status, {"title": "as planned"}, headers)
            if self.headers["Authorization"] != f"Bearer {KEY}":
                return self._answer(401, {"title": "No such key"})
            if len(body) > desk.body_bytes_max:
                return self._answer(413, {"title": "Body too large"})
            events = json.loads(body)
            desk.requests.append(events)
            results = desk.results(events)
        desk.before_answer()
        return self._answer(200, {"results": results})

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that was killed in the middle of an answer is part of the tests."""


@contextmanager
def served(desk: Desk, *, port: int = 0) -> Iterator[str]:
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"desk": desk}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    desk.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield desk.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
