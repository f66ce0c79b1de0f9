"""The objects that the SDK's own tests name, made by the simulator's own operations.

Imported by the plugin in the process of the SDK's tests, where the package `tests` is the SDK's.
"""

from typing import Any

import msgspec

from gateway_sim.payments import happenings
from gateway_sim.payments.operations import params as parameters
from gateway_sim.payments.routes import find_route
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.world import Cause, World

SUFFIXES = ("123", "xxxxxxxxxxxxx")
OTHER_PREFIXES = {"du": "dp", "cs_test": "cs_test"}
"""Where the SDK's tests call a kind by its older prefix."""
ACCOUNT = {
    "type": "express",
    "country": "US",
    "business_type": "company",
    "capabilities": {
        "transfers": {"requested": True},
        "card_payments": {"requested": True},
        "acap_123": {"requested": True},
    },
    "external_account": "btok_us",
    "tos_acceptance": {"date": 1, "ip": "127.0.0.1"},
}
FUNDS = {
    "amount": 5_000_000,
    "currency": "usd",
    "payment_method": "pm_card_bypassPending",
    "confirm": True,
}
DISPUTED = {"amount": 1000, "payment_method": "pm_card_createDispute"}


class Named:
    """Gives the first object of each kind the name that is wanted."""

    def __init__(self, world: World, suffix: str) -> None:
        self._usual = world.ids.make
        self._suffix = suffix
        self._given: set[str] = set()

    def make(self, prefix: str) -> str:
        if prefix in self._given:
            return self._usual(prefix)
        self._given.add(prefix)
        return f"{OTHER_PREFIXES.get(prefix, prefix)}_{self._suffix}"


def furnish(world: World) -> None:
    usual = world.ids.make
    for suffix in SUFFIXES:
        world.ids.make = Named(world, suffix).make  # type: ignore[method-assign]
        with world.store.transaction(), world.acting_for(Cause()):
            _make_all(world, suffix)
        happenings.let_happen(world)
        world.ids.make = usual  # type: ignore[method-assign]


def _make_all(world: World, suffix: str) -> None:
    customer = _post(world, "/v1/customers")
    _post(world, "/v1/payment_methods/pm_card_visa/attach", customer=customer)
    _post(world, "/v1/setup_intents", customer=customer)
    _post(world, "/v1/payment_intents", amount=1000, currency="usd", customer=customer)
    _post(world, "/v1/payment_intents", **FUNDS)
    _post(world, "/v1/payment_intents", **{**FUNDS, **DISPUTED})
    _post(world, "/v1/refunds", charge=f"ch_{suffix}", amount=1)
    # The named account stays without money, so that it may be deleted.
    _post(world, "/v1/accounts", **ACCOUNT)
    account = _post(world, "/v1/accounts", **ACCOUNT)
    transfer = _post(world, "/v1/transfers", amount=5000, currency="usd", destination=account)
    _post(world, f"/v1/transfers/{transfer}/reversals", amount=100)
    _post(world, "/v1/payouts", amount=10, currency="usd")
    _post(world, "/v1/webhook_endpoints", url="https://example.com/", enabled_events=["*"])
    line = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "Parking"}}
    _post(
        world,
        "/v1/checkout/sessions",
        mode="payment",
        success_url="https://example.com/",
        line_items=[{"price_data": line, "quantity": 1}],
    )


def _post(world: World, path: str, **values: Any) -> str:
    """Do what the endpoint does, in the transaction that is open; the id of what came of it."""
    route, ids = find_route("POST", path)
    params = parameters.decode_params(route.params, values)
    made = route.operation(world, params, *ids)
    told: dict[str, Any] = msgspec.to_builtins(made) if isinstance(made, Shape) else made
    return str(told["id"])
