"""Charges: payment intents make them; here they are looked at, and their words changed."""

from typing import TYPE_CHECKING, Literal

import msgspec

from gateway_sim.payments.operations.params import merge_metadata
from gateway_sim.payments.operations.records import WordParams
from gateway_sim.payments.operations.search import SearchPage, SearchParams, search_page
from gateway_sim.payments.shapes.charge import Charge

if TYPE_CHECKING:
    from gateway_sim.payments.world import World


class FraudParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the merchant thinks of a charge."""

    user_report: Literal["fraudulent", "safe", ""]


class UpdateParams(WordParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words, and the merchant's opinion."""

    fraud_details: FraudParams | None = None
    transfer_group: str | None = None


def update(world: "World", params: UpdateParams, charge_id: str) -> Charge:
    """Change the words on a charge."""
    charge = world.load(Charge, charge_id)
    if params.description is not None:
        charge.description = params.description or None
    if params.transfer_group is not None:
        charge.transfer_group = params.transfer_group or None
    if params.fraud_details is not None:
        report = params.fraud_details.user_report
        charge.fraud_details = {"user_report": report} if report else {}
    charge.metadata = merge_metadata(charge.metadata, params.metadata)
    world.save(charge)
    world.emit("charge.updated", charge)
    return charge


def search(world: "World", params: SearchParams) -> SearchPage:
    """Charges by metadata, status, customer, currency, amount or time."""
    return search_page(world, Charge, params, url="/v1/charges/search")
