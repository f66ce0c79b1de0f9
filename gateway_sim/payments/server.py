"""Runs the simulator on a port, with its courier beside it."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway_sim.clock import Clock
from gateway_sim.hosting import Running, listening, make_server, serve_beside
from gateway_sim.payments.app import App
from gateway_sim.payments.courier import Courier
from gateway_sim.payments.faults import FaultPlan, Faults
from gateway_sim.payments.operations import payouts, webhook_endpoints
from gateway_sim.payments.store import Store
from gateway_sim.payments.world import Terms, World
from gateway_sim.rate_limit import RateLimit

_SCHEDULED = "payout_days_of"


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
    limit = RateLimit(options.rate_limit)
    server = make_server(lambda hang_up: App(world, rate_limit=limit, hang_up=hang_up))
    await serve_beside(server, bound, Courier(world).run(), ready)
