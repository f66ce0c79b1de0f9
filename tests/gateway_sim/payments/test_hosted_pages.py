"""The hosted pages, walked through as a person would."""

from typing import Any

import httpx
import pytest
import stripe

from tests.gateway_sim.payments.harness import Simulator, wait_until

SUCCESS = "http://127.0.0.1:9/done?s={CHECKOUT_SESSION_ID}"
GOOD = "4242424242424242"


def setup_session(simulator: Simulator) -> tuple[str, stripe.checkout.Session]:
    customer = simulator.stripe.v1.customers.create()
    session = simulator.stripe.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "currency": "cny",
            "customer": customer.id,
            "success_url": SUCCESS,
            "cancel_url": "http://127.0.0.1:9/cancel",
            "setup_intent_data": {"metadata": {"account_id": "a1"}},
        }
    )
    return customer.id, session


def payment_session(simulator: Simulator, **more: object) -> stripe.checkout.Session:
    price = {"currency": "cny", "unit_amount": 750, "product_data": {"name": "停车 <b>浙A"}}
    params: Any = {
        "mode": "payment",
        "success_url": SUCCESS,
        "line_items": [{"price_data": price, "quantity": 2}],
        "payment_intent_data": {"metadata": {"payment_id": "p1"}},
        **more,
    }
    return simulator.stripe.v1.checkout.sessions.create(params)


def submit(simulator: Simulator, session: stripe.checkout.Session, card: str) -> httpx.Response:
    return simulator.http.post(str(session.url), data={"card": card})


def test_a_driver_leaves_a_card(simulator: Simulator) -> None:
    customer, session = setup_session(simulator)
    page = simulator.http.get(str(session.url), headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert page.status_code == 200
    assert 'lang="zh-CN"' in page.text
    assert "绑定银行卡" in page.text
    assert 'name="viewport"' in page.text
    reply = submit(simulator, session, GOOD)
    assert reply.status_code == 303
    assert reply.headers["location"] == SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id)
    done = simulator.stripe.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["setup_intent.payment_method"]}
    )
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    intent: Any = done.setup_intent
    assert (intent.status, intent.metadata.to_dict()) == ("succeeded", {"account_id": "a1"})
    assert (intent.payment_method.customer, intent.payment_method.card.last4) == (customer, "4242")
    completed = simulator.stripe.v1.events.list({"type": "checkout.session.completed"}).data
    assert completed[0].data.object["id"] == session.id
    assert simulator.pay(customer, intent.payment_method.id).status == "succeeded"


def test_a_driver_pays_by_hand(simulator: Simulator) -> None:
    session = payment_session(simulator)
    assert (session.amount_total, session.payment_status) == (1500, "unpaid")
    page = simulator.http.get(str(session.url), headers={"Accept-Language": "en"}).text
    assert "¥15.00" in page
    assert "停车 &lt;b&gt;浙A × 2" in page
    assert submit(simulator, session, "pm_card_visa").status_code == 303
    done = simulator.stripe.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "paid")
    (charge,) = simulator.truth()["charges"]
    assert charge["payment_intent"] == done.payment_intent
    assert (charge["amount"], charge["metadata"]) == (1500, {"payment_id": "p1"})


def test_a_refused_card_may_be_followed_by_a_good_one(simulator: Simulator) -> None:
    session = payment_session(simulator)
    for card, problem in (
        ("4000000000009995", "insufficient funds"),
        ("4242", "number is incorrect"),
        ("", "number is incorrect"),
        ("🚗", "number is incorrect"),
    ):
        reply = submit(simulator, session, card)
        assert reply.status_code == 402
        assert problem in reply.text
    assert submit(simulator, session, GOOD).status_code == 303
    assert len(simulator.truth()["charges"]) == 1
    assert len(simulator.stripe.v1.payment_intents.list().data) == 1


def test_pressing_twice_pays_once(simulator: Simulator) -> None:
    session = payment_session(simulator)
    assert submit(simulator, session, GOOD).status_code == 303
    again = submit(simulator, session, GOOD)
    assert again.status_code == 409
    assert "done" in again.text
    assert len(simulator.truth()["charges"]) == 1


@pytest.mark.parametrize("mode", ["payment", "setup"])
def test_the_bank_may_ask_and_be_told_no_then_yes(simulator: Simulator, mode: str) -> None:
    session = payment_session(simulator) if mode == "payment" else setup_session(simulator)[1]
    asked = submit(simulator, session, "4000002500003155")
    assert asked.status_code == 303
    bank = asked.headers["location"]
    denied = simulator.http.post(bank, data={"answer": "deny"})
    assert denied.status_code == 402
    assert "unable to authenticate" in denied.text
    assert simulator.truth()["charges"] == []
    asked = submit(simulator, session, "4000002500003155")
    approved = simulator.http.post(asked.headers["location"], data={"answer": "approve"})
    assert approved.headers["location"] == SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id)
    assert simulator.stripe.v1.checkout.sessions.retrieve(session.id).status == "complete"


def test_a_page_expires_by_time_and_by_request(simulator: Simulator) -> None:
    simulator.advance(0)
    by_time, by_request = payment_session(simulator), payment_session(simulator)
    submit(simulator, by_time, "4000000000000002")
    expired = simulator.stripe.v1.checkout.sessions.expire(by_request.id)
    assert (expired.status, expired.url) == ("expired", None)
    simulator.advance(24 * 3600)
    for session in (by_time, by_request):
        assert submit(simulator, session, GOOD).status_code == 409
    (intent,) = simulator.stripe.v1.payment_intents.list().data
    retrieve = simulator.stripe.v1.checkout.sessions.retrieve
    wait_until(lambda: retrieve(by_time.id).status == "expired")
    assert simulator.stripe.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert simulator.truth()["charges"] == []
    closed = simulator.stripe.v1.events.list({"type": "checkout.session.expired"}).data
    assert {event.data.object["id"] for event in closed} == {by_time.id, by_request.id}


def test_unknown_pages_are_told(simulator: Simulator) -> None:
    for path in ("/pay/cs_test_none", "/authenticate/pi_none", "/pay/", "/favicon.ico"):
        assert simulator.http.get(path).status_code == 404
