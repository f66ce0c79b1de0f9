"""Runs the simulator on a port, with its courier beside it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvicorn

from gateway_sim.payments.app import App
from gateway_sim.payments.clock import Clock
from gateway_sim.payments.courier import Courier
from gateway_sim.payments.faults import FaultPlan, Faults
from gateway_sim.payments.operations import payouts, webhook_endpoints
from gateway_sim.payments.rate_limit import RateLimit
from gateway_sim.payments.store import Store
from gateway_sim.payments.world import Terms, World
from parking.core.errors import DomainError

BACKLOG = 2048
GRACE_S = 2
KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that none is cut under a request by accident."""


_SCHEDULED = "payout_days_of"


class PortTakenError(DomainError):
    """Something else listens there."""

    def __init__(self, host: str, port: int, reason: OSError) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason.strerror or reason}")
        self.port = port


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    seed: int = 0
    state: Path | None = None
    fee_basis_points: int = 60
    dispute_fee_minor: int = 1500
    payout_interval: str = "manual"
    rate_limit: float | None = None
    """Requests a second; None: any number."""
    webhook_url: str | None = None
    webhook_secret: str = "whsec_simulated"  # noqa: S105 - both ends of it are on this machine
    faults: FaultPlan | None = None


def make_world(options: Options) -> World:
    """Open the state and put the parts together.

    Raises StateFileError.
    """
    store = Store(options.state)
    world = World(
        store=store,
        clock=Clock(store),
        seed=options.seed,
        terms=Terms(
            fee_basis_points=options.fee_basis_points,
            dispute_fee_minor=options.dispute_fee_minor,
            payout_interval=options.payout_interval,
        ),
        faults=Faults(options.seed, options.faults),
    )
    with store.transaction():
        if not store.note(_SCHEDULED):
            payouts.begin_days(world)
            store.set_note(_SCHEDULED, "platform")
        if options.webhook_url:
            webhook_endpoints.register(
                world, url=options.webhook_url, secret=options.webhook_secret
            )
    return world


class Server(uvicorn.Server):
    """uvicorn, able to cut one of its connections."""

    def hang_up(self, client: tuple[str, int]) -> None:
        """Cut the connection from an address, without a word."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.abort()


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


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A simulator that answers."""

    address: str
    server: Server

    def stop(self) -> None:
        """Have it end soon; may be called from any thread."""
        self.server.should_exit = True


def serve(options: Options, *, ready: Callable[[Running], None]) -> None:
    """Run until SIGINT, SIGTERM or `stop`; `ready` is called once requests are taken.

    Raises PortTakenError and StateFileError before anything is answered.
    """
    with listening(options.host, options.port) as bound:
        world = make_world(options)
        try:
            asyncio.run(_serve(world, options, bound, ready))
        finally:
            world.store.close()


async def _serve(
    world: World, options: Options, bound: socket.socket, ready: Callable[[Running], None]
) -> None:
    server = make_server(world, options)
    host, port = bound.getsockname()[:2]
    courier = asyncio.create_task(Courier(world).run())
    # The socket listens already: who connects before uvicorn accepts only waits a moment.
    ready(Running(address=f"http://{host}:{port}", server=server))
    try:
        await server.serve(sockets=[bound])
    finally:
        courier.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await courier


def make_server(world: World, options: Options) -> Server:
    """The HTTP server of a world."""

    def hang_up(client: tuple[str, int]) -> None:
        server.hang_up(client)

    config = uvicorn.Config(
        App(world, rate_limit=RateLimit(options.rate_limit), hang_up=hang_up),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = Server(config)
    return server
