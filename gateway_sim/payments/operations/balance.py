"""A balance and the moves on it."""

from typing import TYPE_CHECKING

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations.params import ListParams, Page, Params, list_page
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
from gateway_sim.payments.shapes.payout import Payout

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject


class MoveListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of what kind, from which charge or refund, or in which automatic payout."""

    currency: str | None = None
    payout: str | None = None
    source: str | None = None
    type: str | None = None


def retrieve(world: "World", _params: Params) -> "JsonObject":
    """What may be paid out now, and what is still on its way."""
    sums = world.store.balances(until=world.clock.created()) or {"cny": (0, 0)}
    return {
        "object": "balance",
        "available": [_sum(currency, available) for currency, (available, _) in sums.items()],
        "connect_reserved": [{"amount": 0, "currency": currency} for currency in sums],
        "livemode": False,
        "pending": [_sum(currency, pending) for currency, (_, pending) in sums.items()],
    }


def _sum(currency: str, amount: int) -> "JsonObject":
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def list_moves(world: "World", params: MoveListParams) -> Page:
    """Moves on the balance, newest first.

    Raises InvalidRequestError for a payout that was not automatic: nobody can tell of what
    money it was made.
    """
    if params.payout is not None:
        payout = world.load(Payout, params.payout, param="payout")
        if not payout.automatic:
            msg = (
                "Balance transaction history can only be filtered on automatic payouts, not manual."
            )
            raise InvalidRequestError(msg, param="payout")
    return list_page(
        world,
        BalanceTransaction,
        params,
        url="/v1/balance_transactions",
        currency=params.currency,
        payout=params.payout,
        reported="yes",
        source=params.source,
        type=params.type,
    )
