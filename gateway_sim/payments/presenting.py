"""From kept objects to answers: what depends on the time of asking, and `expand`."""

from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.wire import JsonObject

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

EXPAND_DEPTH_MAX = 4
EXPANDABLE = frozenset(
    {
        "balance_transaction",
        "charge",
        "customer",
        "latest_charge",
        "payment_intent",
        "payment_method",
        "setup_intent",
        "source",
    }
)


def present(world: "World", shape: Shape) -> JsonObject:
    """An object as it is answered now."""
    return _present(world, msgspec.to_builtins(shape))


def _present(world: "World", body: JsonObject) -> JsonObject:
    match body["object"]:
        case "balance_transaction":
            due = world.clock.now() >= body["available_on"]
            return {**body, "status": "available" if due else "pending"}
        case "event":
            return {**body, "pending_webhooks": world.deliveries.pending_of(body["id"])}
        case "webhook_endpoint":
            return {key: value for key, value in body.items() if key != "secret"}
        case _:
            return body


def expand(world: "World", body: JsonObject, paths: list[str]) -> JsonObject:
    """Replace ids by their objects along dotted paths such as `data.latest_charge`.

    Raises InvalidRequestError for a path that is too deep or cannot be expanded.
    """
    for path in paths:
        parts = path.split(".")
        if len(parts) > EXPAND_DEPTH_MAX:
            msg = f"You cannot expand more than {EXPAND_DEPTH_MAX} levels of a property: {path}"
            raise InvalidRequestError(msg)
        _expand(world, body, parts, path)
    return body


def _expand(world: "World", body: JsonObject, parts: list[str], path: str) -> None:
    head, *rest = parts
    if head == "data" and isinstance(body.get("data"), list):
        for item in body["data"]:
            _expand(world, item, rest, path)
        return
    if head not in EXPANDABLE or head not in body:
        msg = f"This property cannot be expanded ({path})."
        raise InvalidRequestError(msg, code="property_cannot_be_expanded")
    if isinstance(body[head], str) and (found := world.store.get_any(body[head])):
        body[head] = _present(world, found)
    if rest and isinstance(body[head], dict):
        _expand(world, body[head], rest, path)
