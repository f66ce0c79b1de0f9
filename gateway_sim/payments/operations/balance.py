"""The merchant's balance and the moves on it."""

from collections import Counter
from typing import TYPE_CHECKING

from gateway_sim.payments.operations.params import ListParams, Page, Params, list_page
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction

if TYPE_CHECKING:
    from gateway_sim.payments.wire import JsonObject
    from gateway_sim.payments.world import World


class MoveListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of what kind, or from which charge or refund."""

    currency: str | None = None
    source: str | None = None
    type: str | None = None


def retrieve(world: "World", _params: Params) -> "JsonObject":
    """What the merchant may be paid out now, and what is still on its way."""
    sums: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    now = world.clock.now()
    for move in world.store.find(BalanceTransaction):
        sums[now >= move.available_on][move.currency] += move.net
    currencies = sorted(sums[True].keys() | sums[False].keys()) or ["cny"]
    return {
        "object": "balance",
        "available": [_sum(currency, sums[True][currency]) for currency in currencies],
        "connect_reserved": [{"amount": 0, "currency": currency} for currency in currencies],
        "livemode": False,
        "pending": [_sum(currency, sums[False][currency]) for currency in currencies],
    }


def _sum(currency: str, amount: int) -> "JsonObject":
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def retrieve_move(world: "World", _params: Params, move_id: str) -> BalanceTransaction:
    """A move on the balance."""
    return world.load(BalanceTransaction, move_id)


def list_moves(world: "World", params: MoveListParams) -> Page:
    """Moves on the balance, newest first."""
    return list_page(
        world,
        BalanceTransaction,
        params,
        url="/v1/balance_transactions",
        currency=params.currency,
        source=params.source,
        type=params.type,
    )
