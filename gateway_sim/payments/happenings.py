"""What happens by itself once its time has come."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway_sim.payments.errors import StripeError
from gateway_sim.payments.operations import (
    checkout_sessions,
    dispute_scripts,
    disputes,
    payment_methods,
    payouts,
)
from gateway_sim.payments.operations.params import Params
from gateway_sim.payments.world import Cause

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

_HAPPENINGS: "dict[str, Callable[[World, JsonObject], object]]" = {
    "card_detached": lambda world, body: payment_methods.detach(
        world, Params(), body["payment_method"]
    ),
    "page_closes": lambda world, body: checkout_sessions.time_is_up(world, body["session"]),
    "dispute_opens": dispute_scripts.begin,
    "dispute_decided": dispute_scripts.end,
    "dispute_due": lambda world, body: disputes.time_is_up(world, body["dispute"]),
    "payout_day": lambda world, _: payouts.pay_out_by_schedule(world),
    "payout_leaves": lambda world, body: payouts.leave(world, body["payout"]),
    "payout_arrives": lambda world, body: payouts.arrive(world, body["payout"]),
    "payout_fails": lambda world, body: payouts.fail(world, body["payout"], body["code"]),
}


def let_happen(world: "World") -> int:
    """Do all that is due, in order, each at its own time; how much there was."""
    now, done = world.clock.now(), 0
    while (due_at := world.agenda.next_due_at()) is not None and due_at <= now:
        _next(world, now=now)
        done += 1
    if done:
        world.deliveries.wake()
    return done


def _next(world: "World", *, now: float) -> None:
    with world.store.transaction():
        due = world.agenda.take(now=now)
        if due is None:
            return
        with (
            world.clock.at(due.due_at),
            world.acting_for(Cause(account=due.account)),
            # What it was about may be gone or over: a dispute of a charge refunded meanwhile.
            contextlib.suppress(StripeError),
            world.store.savepoint(),
        ):
            _HAPPENINGS[due.what](world, due.body)
