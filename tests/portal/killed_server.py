"""`parking serve` in a process that kills itself at a chosen step of a chosen kind of request.

The server is the real one: its application, its pool, uvicorn, a port. Only its pool and the two
ends of a request are watched: a request's steps are that it came, each connection that it borrows,
each statement after which it might be the end, each connection that it gives back (what it did is
committed then, and what it asks of a payment provider comes after), that it is about to answer, and
that it has answered.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

import portal.app
import portal.serving
from parking.db.pool import Pool, open_pool
from portal.settings import Settings

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATEMENTS = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval"})
_SENT_S = 0.005
"""What is sent lies with the kernel after so long: the event loop writes at the end of a turn."""
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Boundary(msgspec.Struct, frozen=True):
    """Where a server dies: in the first request of this kind that comes so far."""

    route: str
    """`POST /v1/stays/*/checkout`: ids are left out."""
    step: int
    """From 1."""

    def __str__(self) -> str:
        """As a failure names it."""
        return f"step {self.step} of {self.route}"


class Passage(msgspec.Struct):
    """How far a request has come."""

    route: str
    steps: int = 0


class Watch:
    """Counts the steps of requests, and kills the process at the boundary."""

    def __init__(self, boundary: Boundary | None, last_words: Path) -> None:
        self._boundary = boundary
        self._last_words = last_words
        self._passage: ContextVar[Passage | None] = ContextVar("passage", default=None)

    def begin(self, route: str) -> None:
        self._passage.set(Passage(route))

    def is_next(self) -> bool:
        """Whether the process dies at the next step of this request."""
        at, passage = self._boundary, self._passage.get()
        return at is not None and passage == Passage(at.route, at.step - 1)

    def step(self, what: str) -> None:
        if self.is_next():
            self._last_words.write_text(f"{self._boundary} ({what})", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
        passage = self._passage.get()
        if passage is not None:
            passage.steps += 1


class WatchedConnection:
    """A connection whose every statement is a step."""

    def __init__(self, connection: Any, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in _STATEMENTS:
            return found

        async def run(*arguments: Any, **more: Any) -> Any:
            answer = await found(*arguments, **more)
            self._watch.step(f"after {' '.join(arguments[0].split())[:60]}")
            return answer

        return run


class WatchedPool:
    """A pool of which each use begins and ends with a step."""

    def __init__(self, pool: Pool, watch: Watch) -> None:
        self._pool = pool
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    @asynccontextmanager
    async def acquire(self, **how: Any) -> AsyncIterator[WatchedConnection]:
        async with self._pool.acquire(**how) as connection:
            self._watch.step("with a connection")
            yield WatchedConnection(connection, self._watch)
        self._watch.step("all that it did is committed")


class Mortal:
    """The application, ready to be served by one process after the other, each with its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watch = Watch(None, Path())
        self._app = portal.app.create_app(settings)
        self._inner: Any = self._app.asgi_handler
        self._app.asgi_handler = self._handle  # type: ignore[assignment]

    def serve(self, boundary: Boundary | None, last_words: Path) -> None:
        """Serve as `parking serve` does, and die at the boundary, if there is one."""
        self._watch = Watch(boundary, last_words)
        with (
            patch.object(portal.app, "open_pool", self._open_pool),
            patch.object(portal.serving, "create_app", lambda _: self._app),
        ):
            portal.serving.serve(self._settings)

    async def _open_pool(self, url: str, *, size_max: int) -> Any:
        return WatchedPool(await open_pool(url, size_max=size_max), self._watch)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = self._watch
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return

        async def sending(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                watch.step("about to answer")
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                if watch.is_next():
                    await asyncio.sleep(_SENT_S)
                watch.step("answered")

        watch.begin(f"{scope['method']} {_ID.sub('*', scope['path'])}")
        watch.step("it came")
        await self._inner(scope, receive, sending)


def keep_serving(settings: Settings, orders: Connection) -> None:
    """The body of a process that forks a server for each order, and tells of its birth and end.

    The application is built once: that takes longer than most of these servers live.
    """
    mortal = Mortal(settings)
    while (order := orders.recv()) is not None:
        pid = os.fork()
        if pid == 0:
            mortal.serve(*order)
            os._exit(0)
        orders.send(pid)
        orders.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
