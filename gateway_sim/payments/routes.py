"""Which operation answers which URL."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from gateway_sim.payments.errors import UnknownRouteError
from gateway_sim.payments.operations import (
    balance,
    charges,
    checkout_sessions,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    search,
    setup_intents,
    webhook_endpoints,
)
from gateway_sim.payments.operations.params import ListParams, Params

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


ROUTES = (
    Route("GET", "/v1/balance", Params, balance.retrieve),
    Route("GET", "/v1/balance_transactions", balance.MoveListParams, balance.list_moves),
    Route("GET", "/v1/balance_transactions/{}", Params, balance.retrieve_move),
    Route("GET", "/v1/charges", charges.ChargeListParams, charges.list_all),
    Route("GET", "/v1/charges/{}", Params, charges.retrieve),
    Route("POST", "/v1/charges/{}", charges.UpdateParams, charges.update),
    Route(
        "GET",
        "/v1/checkout/sessions",
        checkout_sessions.SessionListParams,
        checkout_sessions.list_all,
    ),
    Route(
        "POST", "/v1/checkout/sessions", checkout_sessions.CreateParams, checkout_sessions.create
    ),
    Route("GET", "/v1/checkout/sessions/{}", Params, checkout_sessions.retrieve),
    Route(
        "POST",
        "/v1/checkout/sessions/{}",
        checkout_sessions.UpdateParams,
        checkout_sessions.update,
    ),
    Route("POST", "/v1/checkout/sessions/{}/expire", Params, checkout_sessions.expire),
    Route("GET", "/v1/customers", customers.CustomerListParams, customers.list_all),
    Route("POST", "/v1/customers", customers.CustomerParams, customers.create),
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
    Route("GET", "/v1/events", events.EventListParams, events.list_all),
    Route("GET", "/v1/events/{}", Params, events.retrieve),
    Route("GET", "/v1/payment_intents", payment_intents.IntentListParams, payment_intents.list_all),
    Route("POST", "/v1/payment_intents", payment_intents.CreateParams, payment_intents.create),
    Route("GET", "/v1/payment_intents/search", search.SearchParams, payment_intents.search),
    Route("GET", "/v1/payment_intents/{}", Params, payment_intents.retrieve),
    Route("POST", "/v1/payment_intents/{}", payment_intents.UpdateParams, payment_intents.update),
    Route(
        "POST",
        "/v1/payment_intents/{}/cancel",
        payment_intents.CancelParams,
        payment_intents.cancel,
    ),
    Route(
        "POST",
        "/v1/payment_intents/{}/confirm",
        payment_intents.ConfirmParams,
        payment_intents.confirm,
    ),
    Route("GET", "/v1/payment_methods", payment_methods.MethodListParams, payment_methods.list_all),
    Route("POST", "/v1/payment_methods", payment_methods.CreateParams, payment_methods.create),
    Route("GET", "/v1/payment_methods/{}", Params, payment_methods.retrieve),
    Route("POST", "/v1/payment_methods/{}", payment_methods.UpdateParams, payment_methods.update),
    Route(
        "POST",
        "/v1/payment_methods/{}/attach",
        payment_methods.AttachParams,
        payment_methods.attach,
    ),
    Route("POST", "/v1/payment_methods/{}/detach", Params, payment_methods.detach),
    Route("GET", "/v1/refunds", refunds.RefundListParams, refunds.list_all),
    Route("POST", "/v1/refunds", refunds.CreateParams, refunds.create),
    Route("GET", "/v1/refunds/{}", Params, refunds.retrieve),
    Route("POST", "/v1/refunds/{}", refunds.UpdateParams, refunds.update),
    Route("GET", "/v1/setup_intents", setup_intents.IntentListParams, setup_intents.list_all),
    Route("POST", "/v1/setup_intents", setup_intents.CreateParams, setup_intents.create),
    Route("GET", "/v1/setup_intents/{}", Params, setup_intents.retrieve),
    Route("POST", "/v1/setup_intents/{}", setup_intents.UpdateParams, setup_intents.update),
    Route(
        "POST", "/v1/setup_intents/{}/cancel", payment_intents.CancelParams, setup_intents.cancel
    ),
    Route(
        "POST", "/v1/setup_intents/{}/confirm", setup_intents.ConfirmParams, setup_intents.confirm
    ),
    Route("GET", "/v1/webhook_endpoints", ListParams, webhook_endpoints.list_all),
    Route(
        "POST", "/v1/webhook_endpoints", webhook_endpoints.CreateParams, webhook_endpoints.create
    ),
    Route("GET", "/v1/webhook_endpoints/{}", Params, webhook_endpoints.retrieve),
    Route(
        "POST",
        "/v1/webhook_endpoints/{}",
        webhook_endpoints.UpdateParams,
        webhook_endpoints.update,
    ),
    Route("DELETE", "/v1/webhook_endpoints/{}", Params, webhook_endpoints.delete),
)
_PATTERNS = tuple((route, route.pattern()) for route in ROUTES)


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The endpoint of a request, and the ids in its URL.

    Raises UnknownRouteError.
    """
    for route, pattern in _PATTERNS:
        if route.method == method and (matched := pattern.fullmatch(path)):
            return route, matched.groups()
    raise UnknownRouteError(method, path)
