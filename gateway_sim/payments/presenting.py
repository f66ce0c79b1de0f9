"""From kept objects to answers: what depends on the time of asking, and `expand`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.shapes.account import BankAccount
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.shapes.transfer import TransferReversal
from gateway_sim.wire import JsonObject

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

EXPAND_DEPTH_MAX = 4
INNER_LIST_MAX = 10
EXPANDABLE = frozenset(
    {
        "balance_transaction",
        "charge",
        "customer",
        "destination",
        "destination_payment",
        "destination_payment_refund",
        "failure_balance_transaction",
        "latest_charge",
        "payment_intent",
        "payment_method",
        "setup_intent",
        "source",
        "source_refund",
        "source_transaction",
        "source_transfer",
        "source_transfer_reversal",
        "transfer",
        "transfer_reversal",
    }
)


def present(world: "World", shape: Shape) -> JsonObject:
    """An object as it is answered now."""
    return _present(world, msgspec.to_builtins(shape))


def _present(world: "World", body: JsonObject) -> JsonObject:
    presenter = _PRESENTERS.get(body["object"])
    return presenter(world, body) if presenter else body


def _move(world: "World", body: JsonObject) -> JsonObject:
    due = world.clock.now() >= body["available_on"]
    told = {key: value for key, value in body.items() if key not in _KEPT_BACK_OF_MOVES}
    return {**told, "status": "available" if due else "pending"}


def _event(world: "World", body: JsonObject) -> JsonObject:
    told = {**body, "pending_webhooks": world.deliveries.pending_of(body["id"])}
    if told["account"] is None:
        del told["account"]
    return told


def _charge(_: "World", body: JsonObject) -> JsonObject:
    told = {key: value for key, value in body.items() if key != "withdrawn"}
    if told["transfer"] is None:
        del told["transfer"]
    return told


def _without(*names: str) -> "_Presenter":
    hidden = frozenset(names)
    return lambda _, body: {key: value for key, value in body.items() if key not in hidden}


def _dispute(world: "World", body: JsonObject) -> JsonObject:
    details = body["evidence_details"]
    past_due = details["due_by"] is not None and world.clock.now() >= details["due_by"]
    return {
        **body,
        "balance_transactions": [
            _present(world, move)
            for move_id in body["balance_transactions"]
            if (move := world.store.get_any(move_id))
        ],
        "evidence_details": {**details, "past_due": past_due},
    }


def _transfer(world: "World", body: JsonObject) -> JsonObject:
    url = f"/v1/transfers/{body['id']}/reversals"
    where = {"transfer": body["id"]}
    return {**body, "reversals": _inner_list(world, TransferReversal, where, url)}


def _account(world: "World", body: JsonObject) -> JsonObject:
    url = f"/v1/accounts/{body['id']}/external_accounts"
    with world.at_platform():
        banks = _inner_list(world, BankAccount, {"of_account": body["id"]}, url)
    return {**_without("restricted")(world, body), "external_accounts": banks}


def _inner_list(
    world: "World", shape: type[Shape], where: dict[str, str | None], url: str
) -> JsonObject:
    """A list inside an object: the newest ten."""
    found = world.store.find(shape, where=where, limit=INNER_LIST_MAX + 1)
    return {
        "object": "list",
        "data": [present(world, one) for one in found[:INNER_LIST_MAX]],
        "has_more": len(found) > INNER_LIST_MAX,
        "url": url,
    }


_Presenter = Callable[["World", JsonObject], JsonObject]
_KEPT_BACK_OF_MOVES = frozenset({"payout", "unreported"})
_PRESENTERS: dict[str, _Presenter] = {
    "account": _account,
    "balance_transaction": _move,
    "bank_account": _without("created", "fails_as"),
    "capability": _without("created"),
    "charge": _charge,
    "dispute": _dispute,
    "event": _event,
    "payout": _without("fails_as"),
    "transfer": _transfer,
    "webhook_endpoint": _without("secret", "old_secret", "old_secret_until", "hears"),
}
"""What depends on the time of asking, and what is never told."""


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
    if isinstance(body[head], str) and (found := _kept_anywhere(world, body[head])):
        body[head] = found
    if rest and isinstance(body[head], dict):
        _expand(world, body[head], rest, path)


def _kept_anywhere(world: "World", object_id: str) -> JsonObject | None:
    """An object by id, in whatever account: a transfer names a payment of its destination."""
    account = world.store.account_of(object_id)
    if account is None:
        return None
    with world.store.within(account):
        found = world.store.get_any(object_id)
        return _present(world, found) if found else None
