"""What happens by itself once its time has come."""

from collections.abc import Callable

from gateway_sim.wechatpay.operations import orders, refunds
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject


def _deduction(world: World, body: JsonObject) -> None:
    decided = orders.deduct(world, body["transaction_id"], body["outcome"])
    if decided is not None and body["repaid_after"] is not None:
        world.agenda.add(
            "repayment",
            at=world.clock.now() + body["repaid_after"],
            body={"transaction_id": decided.id},
        )


def _repayment(world: World, body: JsonObject) -> None:
    orders.repay(world, body["transaction_id"])


def _refund_ends(world: World, body: JsonObject) -> None:
    refunds.end(world, body["refund_id"], body["status"])


_HAPPENINGS: dict[str, Callable[[World, JsonObject], None]] = {
    "deduction": _deduction,
    "repayment": _repayment,
    "refund_ends": _refund_ends,
}


def let_happen(world: World) -> int:
    """Do all that is due, in order, each at its own time; how much there was."""
    now, done = world.clock.now(), 0
    while (due_at := world.agenda.next_due_at()) is not None and due_at <= now:
        with world.store.transaction():
            due = world.agenda.take(now=now)
            if due is not None:
                with world.clock.at(due.due_at):
                    _HAPPENINGS[due.what](world, due.body)
        done += 1
    if done:
        world.notifications.wake()
    return done
