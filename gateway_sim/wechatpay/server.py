"""Runs the simulator on a port, with its messenger beside it."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway_sim.hosting import Running, listening, make_server, serve_beside
from gateway_sim.rate_limit import RateLimit
from gateway_sim.wechatpay.app import App
from gateway_sim.wechatpay.faults import FaultPlan, Faults
from gateway_sim.wechatpay.keyring import Keyring, keyring_in, make_keyring
from gateway_sim.wechatpay.messenger import Messenger
from gateway_sim.wechatpay.sealing import SignedWith
from gateway_sim.wechatpay.store import Store
from gateway_sim.wechatpay.world import Terms, World, keep_keyring, kept_keyring


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    seed: int = 0
    state: Path | None = None
    keys: Path | None = None
    """A folder of keys, made where there is none."""
    keyring: Keyring | None = None
    """Keys that are there already; None: those of the folder, of the state, or new ones."""
    fee_basis_points: int = 60
    deduct_after: float = 2.0
    """Seconds from acceptance to the deduction."""
    refund_after: float = 2.0
    """Seconds from acceptance of a refund to its end."""
    notify_signed_with: SignedWith = "public_key"
    rate_limit: float | None = None
    """Requests a second; None: any number."""
    faults: FaultPlan | None = None


def make_world(options: Options) -> World:
    """Open the state and put the parts together.

    Raises StateFileError and KeysError.
    """
    store = Store(options.state)
    kept = kept_keyring(store)
    if kept is None:
        given = options.keyring or (keyring_in(options.keys) if options.keys else None)
        kept = given or make_keyring()
        keep_keyring(store, kept)
    return World(
        store=store,
        seed=options.seed,
        terms=Terms(
            fee_basis_points=options.fee_basis_points,
            deduct_after=options.deduct_after,
            refund_after=options.refund_after,
            notify_signed_with=options.notify_signed_with,
        ),
        faults=Faults(options.seed, options.faults),
        keyring=kept,
    )


def serve(options: Options, *, ready: Callable[[Running], None]) -> None:
    """Run until SIGINT, SIGTERM or `stop`; `ready` is called once requests are taken.

    Raises PortTakenError, StateFileError and KeysError before anything is answered.
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
    await serve_beside(server, bound, Messenger(world).run(), ready)
