"""Charges: looked at only; payment intents make them."""

from typing import TYPE_CHECKING

from gateway_sim.payments.operations.params import (
    ListParams,
    Metadata,
    Page,
    Params,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.shapes.charge import Charge

if TYPE_CHECKING:
    from gateway_sim.payments.world import World


class ChargeListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose, or what for."""

    customer: str | None = None
    payment_intent: str | None = None


class UpdateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only words can be changed."""

    description: str | None = None
    metadata: Metadata | None = None


def retrieve(world: "World", _params: Params, charge_id: str) -> Charge:
    """A charge."""
    return world.load(Charge, charge_id)


def update(world: "World", params: UpdateParams, charge_id: str) -> Charge:
    """Change the words on a charge."""
    charge = world.load(Charge, charge_id)
    if params.description is not None:
        charge.description = params.description or None
    charge.metadata = merge_metadata(charge.metadata, params.metadata)
    world.save(charge)
    world.emit("charge.updated", charge)
    return charge


def list_all(world: "World", params: ChargeListParams) -> Page:
    """Charges, newest first."""
    return list_page(
        world,
        Charge,
        params,
        url="/v1/charges",
        customer=params.customer,
        payment_intent=params.payment_intent,
    )
