"""Disputes that were arranged: by a test card, by a script, or by the rate of a fault plan."""

from typing import TYPE_CHECKING, Annotated

import msgspec

from gateway_sim.payments.operations import disputes
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.dispute import Dispute
from gateway_sim.payments.shapes.payment_intent import PaymentIntent

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class DisputeScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which payment is disputed, when, and how it ends.

    Without `outcome` it goes as at Stripe: by the evidence, or lost when the day has passed.
    """

    charge: str | None = None
    payment_intent: str | None = None
    reason: str = "fraudulent"
    amount: int | None = None
    inquiry: bool = False
    despite_refund: bool = False
    """The bank has not heard of refunds: all of the charge is disputed, whatever was given back."""
    after_seconds: Seconds = 0.0
    outcome: disputes.Outcome | None = None
    decided_after_seconds: Seconds = 0.0
    """From its opening."""


def arrange(world: "World", script: DisputeScript) -> None:
    """Have a dispute happen.

    Raises NestedResourceMissingError for a payment that does not exist.
    """
    charge = script.charge
    if charge is None:
        named = str(script.payment_intent)
        intent = world.load(PaymentIntent, named, param="payment_intent")
        charge = str(intent.latest_charge)
    world.load(Charge, charge, param="charge")
    found = msgspec.structs.replace(script, charge=charge, payment_intent=None)
    at = world.clock.now() + script.after_seconds
    world.agenda.add("dispute_opens", at=at, body=msgspec.to_builtins(found))


def begin(world: "World", body: "JsonObject") -> Dispute:
    """The day has come: the dispute is opened."""
    script = msgspec.convert(body, DisputeScript)
    dispute = disputes.open_dispute(
        world,
        world.load(Charge, str(script.charge)),
        reason=script.reason,
        amount=script.amount,
        inquiry=script.inquiry,
        despite_refund=script.despite_refund,
        decided_elsewhere=script.outcome is not None,
    )
    if script.outcome is not None:
        at = world.clock.now() + script.decided_after_seconds
        decision = {"dispute": dispute.id, "outcome": script.outcome}
        world.agenda.add("dispute_decided", at=at, body=decision)
    return dispute


def end(world: "World", body: "JsonObject") -> Dispute:
    """The bank decides as arranged, whatever evidence there is."""
    return disputes.decide(world, body["dispute"], body["outcome"])
