"""What every simulated provider is served with: a port, and connections that can be cut."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn

from gateway_sim.application import Application, HangUp
from parking.core.errors import DomainError

BACKLOG = 2048
GRACE_S = 2
KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that none is cut under a request by accident."""


class PortTakenError(DomainError):
    """Something else listens there."""

    def __init__(self, host: str, port: int, reason: OSError) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason.strerror or reason}")
        self.port = port


class Server(uvicorn.Server):
    """uvicorn, able to cut one of its connections."""

    def hang_up(self, client: tuple[str, int]) -> None:
        """Cut the connection from an address, without a word."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.abort()


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A simulator that answers."""

    address: str
    server: Server

    def stop(self) -> None:
        """Have it end soon; may be called from any thread."""
        self.server.should_exit = True


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket on a port.

    Raises PortTakenError.
    """
    # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer waits for
    # the client's delayed acknowledgement: 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
            bound.listen(BACKLOG)
        except OSError as error:
            raise PortTakenError(host, port, error) from error
        yield bound


def make_server(application: Callable[[HangUp], Application]) -> Server:
    """The HTTP server of an application, which is handed what cuts its connections."""

    def hang_up(client: tuple[str, int]) -> None:
        server.hang_up(client)

    config = uvicorn.Config(
        application(hang_up),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = Server(config)
    return server


async def serve_beside(
    server: Server,
    bound: socket.socket,
    courier: Coroutine[Any, Any, None],
    ready: Callable[[Running], None],
) -> None:
    """Serve until told to stop, with a courier at work beside; `ready` is called at once."""
    host, port = bound.getsockname()[:2]
    at_work = asyncio.create_task(courier)
    # The socket listens already: who connects before uvicorn accepts only waits a moment.
    ready(Running(address=f"http://{host}:{port}", server=server))
    try:
        await server.serve(sockets=[bound])
    finally:
        at_work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await at_work
