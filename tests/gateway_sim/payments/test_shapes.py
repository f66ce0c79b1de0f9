"""Each answer is what Stripe would answer, by its OpenAPI document and its example objects."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running
from tests.gateway_sim.payments.oracle import assert_is_stripes, needs_oracle, schema_mistakes

pytestmark = needs_oracle
ANSWERED = (
    ("/v1/customers", "customer"),
    ("/v1/payment_intents", "payment_intent"),
    ("/v1/charges", "charge"),
    ("/v1/refunds", "refund"),
    ("/v1/balance_transactions", "balance_transaction"),
    ("/v1/setup_intents", "setup_intent"),
    ("/v1/checkout/sessions", "checkout.session"),
    ("/v1/payment_methods", "payment_method"),
    ("/v1/webhook_endpoints", "webhook_endpoint"),
    ("/v1/events", "event"),
)


@pytest.fixture(scope="module")
def lived_in() -> Iterator[Simulator]:
    """A simulator in which everything has happened once, well and badly."""
    with running(Options(seed=7)) as simulator:
        live(simulator)
        yield simulator


def live(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    customer, method = simulator.customer_with_card()
    api.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["payout.paid"]})
    paid = simulator.pay(customer, method, metadata={"payment_id": "p"}, description="stay")
    api.refunds.create({"payment_intent": paid.id, "amount": 400})
    with pytest.raises(stripe.CardError):
        simulator.pay(customer, "pm_card_visa_chargeDeclinedInsufficientFunds")
    waiting = api.payment_intents.create(
        {
            "amount": 5,
            "currency": "cny",
            "confirm": True,
            "payment_method": "pm_card_authenticationRequired",
        }
    )
    assert waiting.status == "requires_action"
    api.payment_intents.cancel(api.payment_intents.create({"amount": 5, "currency": "cny"}).id)
    for card in ("4242424242424242", "4000000000000002", "4000002500003155"):
        session = api.checkout.sessions.create(
            {"mode": "setup", "customer": customer, "success_url": "http://127.0.0.1/done"}
        )
        simulator.http.post(str(session.url), data={"card": card})
    line: Any = {"currency": "cny", "unit_amount": 700, "product_data": {"name": "停车"}}
    for card in ("4242424242424242", "4000000000000069"):
        session = api.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [{"price_data": line, "quantity": 1}],
                "success_url": "http://127.0.0.1/done",
            }
        )
        simulator.http.post(str(session.url), data={"card": card})
    unused = api.checkout.sessions.list({"status": "open"}).data[0]
    api.checkout.sessions.expire(unused.id)


@pytest.mark.parametrize(("path", "schema"), ANSWERED)
def test_every_object_answered_is_stripes(lived_in: Simulator, path: str, schema: str) -> None:
    auth = {"Authorization": "Bearer sk_test_x"}
    page = lived_in.http.get(path, params={"limit": 100}, headers=auth).json()
    assert page["object"] == "list"
    assert page["data"]
    for body in page["data"]:
        assert_is_stripes(body, schema)
        again = lived_in.http.get(f"{path}/{body['id']}", headers=auth).json()
        assert again == body
        if schema == "event":
            snapshot = body["data"]["object"]
            assert_is_stripes(snapshot, snapshot["object"])


def test_the_balance_is_stripes(lived_in: Simulator) -> None:
    auth = {"Authorization": "Bearer sk_test_x"}
    body = lived_in.http.get("/v1/balance", headers=auth).json()
    assert_is_stripes(body, "balance")


def test_errors_are_stripes(lived_in: Simulator) -> None:
    for auth, method, path, data in (
        ({}, "GET", "/v1/customers", {}),
        ({"Authorization": "Bearer sk_test_x"}, "GET", "/v1/customers/cus_none", {}),
        ({"Authorization": "Bearer sk_test_x"}, "POST", "/v1/payment_intents", {"amount": "x"}),
        (
            {"Authorization": "Bearer sk_test_x"},
            "POST",
            "/v1/payment_intents",
            {
                "amount": "5",
                "currency": "cny",
                "confirm": "true",
                "payment_method": "pm_card_visa_chargeDeclined",
            },
        ),
    ):
        reply = lived_in.http.request(method, path, headers=auth, data=data or None)
        assert reply.status_code >= 400
        assert reply.headers["request-id"].startswith("req_")
        assert schema_mistakes(reply.json(), "error") == []


def test_events_carry_the_request_that_caused_them(lived_in: Simulator) -> None:
    (oldest,) = lived_in.stripe.v1.events.list({"type": "customer.created"}).data
    assert oldest.request
    assert str(oldest.request.id).startswith("req_")
    assert oldest.request.idempotency_key
