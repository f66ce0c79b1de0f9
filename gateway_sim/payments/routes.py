"""Which operation answers which URL."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway_sim.payments.errors import UnknownRouteError
from gateway_sim.payments.operations import (
    account_parts,
    accounts,
    balance,
    charges,
    checkout_sessions,
    customers,
    disputes,
    intents,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    search,
    setup_intents,
    transfers,
    webhook_endpoints,
)
from gateway_sim.payments.operations.params import ListParams, Params
from gateway_sim.payments.operations.records import (
    MetadataParams,
    WordParams,
    list_params,
    lister,
    retriever,
    updater,
)
from gateway_sim.payments.shapes.account import Account
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.checkout_session import CheckoutSession
from gateway_sim.payments.shapes.customer import Customer
from gateway_sim.payments.shapes.dispute import Dispute
from gateway_sim.payments.shapes.event import Event, WebhookEndpoint
from gateway_sim.payments.shapes.payment_intent import PaymentIntent
from gateway_sim.payments.shapes.payment_method import PaymentMethod
from gateway_sim.payments.shapes.payout import Payout
from gateway_sim.payments.shapes.refund import Refund
from gateway_sim.payments.shapes.setup_intent import SetupIntent
from gateway_sim.payments.shapes.transfer import Transfer

Operation = Callable[..., Any]
"""Takes the world, its parameters and the ids in the URL; answers an object, a page or JSON."""


class Route(msgspec.Struct, frozen=True):
    """One endpoint."""

    method: str
    path: str
    """With `{}` where an id stands."""
    params: type[Params]
    operation: Operation

    def pattern(self) -> re.Pattern[str]:
        """What its paths look like."""
        return re.compile(re.escape(self.path).replace(r"\{\}", "([A-Za-z0-9_]+)"))


def _list(path: str, shape: type[Shape], *filters: str) -> Route:
    return Route("GET", path, list_params(*filters), lister(shape, path, *filters))


def _one(path: str, shape: type[Shape]) -> Route:
    return Route("GET", f"{path}/{{}}", Params, retriever(shape))


def _records(path: str, shape: type[Shape], *filters: str) -> tuple[Route, Route]:
    """The two endpoints of nearly every kind: one object, and a list narrowed by filters."""
    return _list(path, shape, *filters), _one(path, shape)


_MONEY_IN = (
    *_records("/v1/checkout/sessions", CheckoutSession, "customer", "payment_intent", "status"),
    Route(
        "POST", "/v1/checkout/sessions", checkout_sessions.CreateParams, checkout_sessions.create
    ),
    Route("POST", "/v1/checkout/sessions/{}", MetadataParams, updater(CheckoutSession)),
    Route("POST", "/v1/checkout/sessions/{}/expire", Params, checkout_sessions.expire),
    Route("GET", "/v1/payment_intents/search", search.SearchParams, payment_intents.search),
    *_records("/v1/payment_intents", PaymentIntent, "customer"),
    Route("POST", "/v1/payment_intents", payment_intents.CreateParams, payment_intents.create),
    Route("POST", "/v1/payment_intents/{}", payment_intents.UpdateParams, payment_intents.update),
    Route("POST", "/v1/payment_intents/{}/cancel", intents.CancelParams, payment_intents.cancel),
    Route(
        "POST",
        "/v1/payment_intents/{}/confirm",
        payment_intents.ConfirmParams,
        payment_intents.confirm,
    ),
    *_records("/v1/setup_intents", SetupIntent, "customer", "payment_method"),
    Route("POST", "/v1/setup_intents", setup_intents.CreateParams, setup_intents.create),
    Route("POST", "/v1/setup_intents/{}", setup_intents.UpdateParams, setup_intents.update),
    Route("POST", "/v1/setup_intents/{}/cancel", intents.CancelParams, setup_intents.cancel),
    Route(
        "POST", "/v1/setup_intents/{}/confirm", setup_intents.ConfirmParams, setup_intents.confirm
    ),
    Route("GET", "/v1/charges/search", search.SearchParams, charges.search),
    *_records("/v1/charges", Charge, "customer", "payment_intent", "transfer_group"),
    Route("POST", "/v1/charges/{}", charges.UpdateParams, charges.update),
)
_PAYERS = (
    _list("/v1/customers", Customer, "email"),
    Route("POST", "/v1/customers", customers.CustomerParams, customers.create),
    Route("GET", "/v1/customers/search", search.SearchParams, customers.search),
    Route("GET", "/v1/customers/{}", Params, customers.retrieve),
    Route("POST", "/v1/customers/{}", customers.CustomerParams, customers.update),
    Route("DELETE", "/v1/customers/{}", Params, customers.delete),
    Route(
        "GET",
        "/v1/customers/{}/payment_methods",
        payment_methods.MethodListParams,
        payment_methods.list_of_customer,
    ),
    Route(
        "GET",
        "/v1/customers/{}/payment_methods/{}",
        Params,
        payment_methods.retrieve_of_customer,
    ),
    *_records("/v1/payment_methods", PaymentMethod, "customer", "type"),
    Route("POST", "/v1/payment_methods", payment_methods.CreateParams, payment_methods.create),
    Route(
        "POST",
        "/v1/payment_methods/{}",
        MetadataParams,
        updater(PaymentMethod, event="payment_method.updated"),
    ),
    Route(
        "POST",
        "/v1/payment_methods/{}/attach",
        payment_methods.AttachParams,
        payment_methods.attach,
    ),
    Route("POST", "/v1/payment_methods/{}/detach", Params, payment_methods.detach),
)
_MONEY_BACK = (
    *_records("/v1/refunds", Refund, "charge", "payment_intent"),
    Route("POST", "/v1/refunds", refunds.CreateParams, refunds.create),
    Route("POST", "/v1/refunds/{}", MetadataParams, updater(Refund, event="refund.updated")),
    *_records("/v1/disputes", Dispute, "charge", "payment_intent"),
    Route("POST", "/v1/disputes/{}", disputes.UpdateParams, disputes.update),
    Route("POST", "/v1/disputes/{}/close", Params, disputes.accept),
)
_MONEY_OUT = (
    Route("GET", "/v1/balance", Params, balance.retrieve),
    Route("GET", "/v1/balance_transactions", balance.MoveListParams, balance.list_moves),
    _one("/v1/balance_transactions", BalanceTransaction),
    Route("GET", "/v1/payouts", payouts.PayoutListParams, payouts.list_all),
    _one("/v1/payouts", Payout),
    Route("POST", "/v1/payouts", payouts.CreateParams, payouts.create),
    Route("POST", "/v1/payouts/{}", MetadataParams, updater(Payout, event="payout.updated")),
    Route("POST", "/v1/payouts/{}/cancel", Params, payouts.cancel),
    *_records("/v1/transfers", Transfer, "destination", "transfer_group"),
    Route("POST", "/v1/transfers", transfers.CreateParams, transfers.create),
    Route("POST", "/v1/transfers/{}", WordParams, updater(Transfer, event="transfer.updated")),
    Route("GET", "/v1/transfers/{}/reversals", ListParams, transfers.list_reversals),
    Route("POST", "/v1/transfers/{}/reversals", transfers.ReversalParams, transfers.reverse),
    Route("GET", "/v1/transfers/{}/reversals/{}", Params, transfers.retrieve_reversal),
    Route("POST", "/v1/transfers/{}/reversals/{}", MetadataParams, transfers.update_reversal),
)
_ACCOUNTS = (
    Route("GET", "/v1/account", Params, accounts.retrieve_own),
    *_records("/v1/accounts", Account),
    Route("POST", "/v1/accounts", accounts.CreateParams, accounts.create),
    Route("POST", "/v1/accounts/{}", accounts.UpdateParams, accounts.update),
    Route("DELETE", "/v1/accounts/{}", Params, accounts.delete),
    Route("POST", "/v1/accounts/{}/reject", accounts.RejectParams, accounts.reject),
    Route("GET", "/v1/accounts/{}/capabilities", Params, account_parts.list_capabilities),
    Route("GET", "/v1/accounts/{}/capabilities/{}", Params, account_parts.retrieve_capability),
    Route(
        "POST",
        "/v1/accounts/{}/capabilities/{}",
        account_parts.CapabilityParams,
        account_parts.update_capability,
    ),
    Route(
        "GET",
        "/v1/accounts/{}/external_accounts",
        account_parts.BankListParams,
        account_parts.list_banks,
    ),
    Route(
        "POST",
        "/v1/accounts/{}/external_accounts",
        account_parts.BankCreateParams,
        account_parts.create_bank,
    ),
    Route("GET", "/v1/accounts/{}/external_accounts/{}", Params, account_parts.retrieve_bank),
    Route(
        "POST",
        "/v1/accounts/{}/external_accounts/{}",
        account_parts.BankUpdateParams,
        account_parts.update_bank,
    ),
    Route("DELETE", "/v1/accounts/{}/external_accounts/{}", Params, account_parts.delete_bank),
    Route("POST", "/v1/accounts/{}/login_links", Params, account_parts.create_login_link),
    Route("POST", "/v1/account_links", account_parts.LinkParams, account_parts.create_link),
)
_NEWS = (
    *_records("/v1/events", Event, "type"),
    *_records("/v1/webhook_endpoints", WebhookEndpoint),
    Route(
        "POST", "/v1/webhook_endpoints", webhook_endpoints.CreateParams, webhook_endpoints.create
    ),
    Route(
        "POST",
        "/v1/webhook_endpoints/{}",
        webhook_endpoints.UpdateParams,
        webhook_endpoints.update,
    ),
    Route("DELETE", "/v1/webhook_endpoints/{}", Params, webhook_endpoints.delete),
)
ROUTES = (*_MONEY_IN, *_PAYERS, *_MONEY_BACK, *_MONEY_OUT, *_ACCOUNTS, *_NEWS)


def _by_shape(
    routes: Sequence[Route],
) -> dict[tuple[str, int], list[tuple[Route, re.Pattern[str]]]]:
    """Routes by method and number of segments, so that few patterns are tried."""
    found: dict[tuple[str, int], list[tuple[Route, re.Pattern[str]]]] = {}
    for route in routes:
        shape = (route.method, route.path.count("/"))
        found.setdefault(shape, []).append((route, route.pattern()))
    return found


_PATTERNS = _by_shape(ROUTES)


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The endpoint of a request, and the ids in its URL.

    Raises UnknownRouteError.
    """
    for route, pattern in _PATTERNS.get((method, path.count("/")), ()):
        if matched := pattern.fullmatch(path):
            return route, matched.groups()
    raise UnknownRouteError(method, path)
