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
    ("/v1/disputes", "dispute"),
    ("/v1/payouts", "payout"),
    ("/v1/transfers", "transfer"),
    ("/v1/accounts", "account"),
)
AUTH = {"Authorization": "Bearer sk_test_x"}


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
    pass_money_on(simulator)


def pass_money_on(simulator: Simulator) -> None:
    """Disputes, transfers and payouts, each ended well and badly."""
    api = simulator.stripe.v1
    customer, method = simulator.customer_with_card("pm_card_bypassPending")
    simulator.pay(customer, method, amount=100_000)
    for card, evidence in (
        ("pm_card_createDispute", "winning_evidence"),
        ("pm_card_createDispute", "losing_evidence"),
        ("pm_card_createDisputeInquiry", "escalate_inquiry_evidence"),
        ("pm_card_createDisputeProductNotReceived", None),
    ):
        simulator.pay(*simulator.customer_with_card(card))
        if evidence:
            dispute = api.disputes.list().data[0]
            api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}})
    account = simulator.operator()
    simulator.operator(number="000111111113")
    transfer = api.transfers.create(
        {"amount": 5000, "currency": "cny", "destination": account, "transfer_group": "g"}
    )
    api.transfers.reversals.create(transfer.id, {"amount": 1000})
    paid = simulator.pay(customer, method, transfer_data={"destination": account, "amount": 900})
    api.refunds.create({"payment_intent": paid.id, "amount": 500, "reverse_transfer": True})
    api.payouts.cancel(api.payouts.create({"amount": 50, "currency": "cny"}).id)
    api.payouts.create({"amount": 60, "currency": "cny"})
    on_behalf: Any = {"stripe_account": account}
    failing = api.payouts.create({"amount": 70, "currency": "cny"}, on_behalf)
    simulator.control("payouts/failure", payout=failing.id)
    api.payouts.create({"amount": 80, "currency": "cny"}, on_behalf)
    simulator.advance(3 * 86_400)


@pytest.fixture(scope="module")
def operator(lived_in: Simulator) -> dict[str, str]:
    """Headers on behalf of the connected account that money was passed on to."""
    account = lived_in.stripe.v1.transfers.list({"limit": 1}).data[0].destination
    return {**AUTH, "Stripe-Account": str(account)}


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/balance_transactions", "balance_transaction"),
        ("/v1/charges", "charge"),
        ("/v1/refunds", "refund"),
        ("/v1/payouts", "payout"),
        ("/v1/events", "event"),
    ],
)
def test_what_a_connected_account_has_is_stripes_too(
    lived_in: Simulator, operator: dict[str, str], path: str, schema: str
) -> None:
    page = lived_in.http.get(path, params={"limit": 100}, headers=operator).json()
    assert page["data"]
    for body in page["data"]:
        assert_is_stripes(body, schema)
        if schema == "event":
            assert body["account"] == operator["Stripe-Account"]
            snapshot = body["data"]["object"]
            assert_is_stripes(snapshot, snapshot["object"])


def test_what_hangs_on_an_account_is_stripes(lived_in: Simulator, operator: dict[str, str]) -> None:
    account = operator["Stripe-Account"]
    links: Any = {
        "account": account,
        "type": "account_onboarding",
        "refresh_url": "http://127.0.0.1/again",
        "return_url": "http://127.0.0.1/done",
    }
    for method, path, data, schema in (
        ("GET", f"/v1/accounts/{account}/capabilities", None, "capability"),
        ("GET", f"/v1/accounts/{account}/external_accounts", None, "bank_account"),
        ("GET", f"/v1/transfers/{first_transfer(lived_in)}/reversals", None, "transfer_reversal"),
        ("POST", "/v1/account_links", links, "account_link"),
        ("POST", f"/v1/accounts/{account}/login_links", None, "login_link"),
        ("GET", "/v1/account", None, "account"),
    ):
        body = lived_in.http.request(method, path, data=data, headers=AUTH).json()
        for one in body["data"] if body["object"] == "list" else [body]:
            assert_is_stripes(one, schema)


def first_transfer(simulator: Simulator) -> str:
    return simulator.stripe.v1.transfers.list().data[-1].id


@pytest.mark.parametrize(("path", "schema"), ANSWERED)
def test_every_object_answered_is_stripes(lived_in: Simulator, path: str, schema: str) -> None:
    page = lived_in.http.get(path, params={"limit": 100}, headers=AUTH).json()
    assert page["object"] == "list"
    assert page["data"]
    for body in page["data"]:
        assert_is_stripes(body, schema)
        again = lived_in.http.get(f"{path}/{body['id']}", headers=AUTH).json()
        assert again == body
        if schema == "event":
            snapshot = body["data"]["object"]
            assert_is_stripes(snapshot, snapshot["object"])


def test_the_balance_is_stripes(lived_in: Simulator) -> None:
    body = lived_in.http.get("/v1/balance", headers=AUTH).json()
    assert_is_stripes(body, "balance")


def test_errors_are_stripes(lived_in: Simulator) -> None:
    for auth, method, path, data in (
        ({}, "GET", "/v1/customers", {}),
        (AUTH, "GET", "/v1/customers/cus_none", {}),
        (AUTH, "POST", "/v1/payment_intents", {"amount": "x"}),
        (
            AUTH,
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
    oldest = lived_in.stripe.v1.events.list({"type": "customer.created"}).data[-1]
    assert oldest.request
    assert str(oldest.request.id).startswith("req_")
    assert oldest.request.idempotency_key
