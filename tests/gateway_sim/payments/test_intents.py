"""What intents and pages refuse, and the quieter turns of their lives."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import stripe

from tests.gateway_sim.payments.harness import Simulator

DONE = "http://127.0.0.1:9/done"
LINE: Any = {"currency": "cny", "unit_amount": 700, "product_data": {"name": "停车"}}


def refused(call: Callable[[], object]) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def test_a_setup_intent_lives_step_by_step(simulator: Simulator) -> None:
    api = simulator.stripe.v1.setup_intents
    customer, _ = simulator.customer_with_card()
    intent = api.create({"automatic_payment_methods": {"enabled": True}, "metadata": {"a": "1"}})
    assert intent.status == "requires_payment_method"
    assert refused(lambda: api.confirm(intent.id)).code == "setup_intent_unexpected_state"
    prepared = api.update(
        intent.id,
        {"customer": customer, "payment_method": "pm_card_visa", "description": "card of 李"},
    )
    assert (prepared.status, prepared.description) == ("requires_confirmation", "card of 李")
    done = api.confirm(intent.id, {"return_url": DONE})
    assert (done.status, done.customer) == ("succeeded", customer)
    for late in (
        lambda: api.cancel(intent.id),
        lambda: api.confirm(intent.id),
        lambda: api.update(intent.id, {"payment_method": "pm_card_visa"}),
    ):
        assert refused(late).code == "setup_intent_unexpected_state"
    assert [one.id for one in api.list({"customer": customer}).data] == [intent.id]


def test_a_cancelled_setup_intent_saves_nothing(simulator: Simulator) -> None:
    api = simulator.stripe.v1.setup_intents
    intent = api.create()
    cancelled = api.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    refused(lambda: api.confirm(intent.id, {"payment_method": "pm_card_visa"}))


def test_a_bank_that_hears_no_leaves_the_intent_open(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    waiting: Any = {"payment_method": "pm_card_authenticationRequired", "confirm": True}
    setup = api.setup_intents.create(waiting).id
    sum_and_card: Any = {"amount": 5, "currency": "cny", **waiting}
    payment = api.payment_intents.create(sum_and_card).id
    for intent_id in (setup, payment):
        reply = simulator.http.post(f"/authenticate/{intent_id}", data={"answer": "deny"})
        assert reply.status_code == 200
    assert api.setup_intents.retrieve(setup).status == "requires_payment_method"
    assert api.payment_intents.retrieve(payment).status == "requires_payment_method"
    assert simulator.truth()["charges"] == []


def test_pages_refuse_what_makes_no_sense(simulator: Simulator) -> None:
    create = simulator.stripe.v1.checkout.sessions.create
    items = [{"price_data": LINE, "quantity": 1}]
    dollars = {"price_data": {**LINE, "currency": "usd"}, "quantity": 1}
    good: dict[str, Any] = {"mode": "payment", "success_url": DONE, "line_items": items}
    for wrong, param in (
        ({"line_items": []}, "line_items"),
        ({"line_items": [*items, dollars]}, "line_items"),
        ({"line_items": [{"price_data": LINE, "quantity": 0}]}, "line_items"),
        ({"line_items": [{"price_data": {**LINE, "unit_amount": 0}}]}, "line_items"),
        ({"line_items": [{"price": "price_1", "quantity": 1}]}, "line_items[0][price]"),
        ({"mode": "setup"}, "line_items"),
        ({"mode": "subscription"}, "mode"),
        ({"ui_mode": "elements"}, "ui_mode"),
        ({"payment_method_types": ["wechat_pay"]}, "payment_method_types"),
        ({"expires_at": 5}, "expires_at"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"cancel_url": "/back"}, "cancel_url"),
        ({"customer": "cus_none"}, "customer"),
    ):
        params: Any = {**good, **wrong}
        assert str(refused(partial(create, params)).param).startswith(param)
    more: Any = {**good, "metadata": {"a": "1"}}
    page = create(more)
    updated = simulator.stripe.v1.checkout.sessions.update(page.id, {"metadata": {"b": "2"}})
    assert updated.metadata
    assert updated.metadata.to_dict() == {"a": "1", "b": "2"}
    simulator.stripe.v1.checkout.sessions.expire(page.id)
    refused(lambda: simulator.stripe.v1.checkout.sessions.expire(page.id))


def test_payment_intents_refuse_what_is_not_simulated(simulator: Simulator) -> None:
    create = simulator.stripe.v1.payment_intents.create
    for wrong in (
        {"capture_method": "manual"},
        {"off_session": True},
        {"payment_method_types": ["alipay"]},
        {"confirm": True},
        {"metadata": {str(n): "x" for n in range(51)}},
        {"metadata": {"k" * 41: "x"}},
        {"metadata": {"k": "x" * 501}},
        {"expand": ["a.b.c.d.e"]},
    ):
        params: Any = {"amount": 5, "currency": "cny", **wrong}
        refused(partial(create, params))
    assert simulator.stripe.v1.payment_intents.list().data == []


def test_refunds_need_a_payment_that_succeeded(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    unpaid = api.payment_intents.create({"amount": 5, "currency": "cny"})
    customer, method = simulator.customer_with_card("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        simulator.pay(customer, method)
    (failed,) = api.charges.list().data
    for params in (
        {"payment_intent": unpaid.id},
        {"charge": failed.id},
        {"charge": "ch_none"},
        {},
        {"charge": failed.id, "payment_intent": unpaid.id},
    ):
        given: Any = params
        refused(partial(api.refunds.create, given))
    paid = simulator.pay(customer, "pm_card_visa")
    for amount in (0, -1):
        refused(partial(api.refunds.create, {"payment_intent": paid.id, "amount": amount}))
    assert simulator.truth()["refunds"] == []


def test_words_on_objects_may_be_changed(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    customer, method = simulator.customer_with_card()
    changed = api.customers.update(
        customer,
        {
            "name": "李",
            "email": "li@example.com",
            "preferred_locales": ["zh"],
            "invoice_settings": {"default_payment_method": method},
        },
    )
    assert changed.invoice_settings
    assert changed.invoice_settings.default_payment_method == method
    assert api.customers.list({"email": "li@example.com"}).data[0].id == customer
    assert api.customers.update(customer, {"name": ""}).name is None
    intent = simulator.pay(customer, method, setup_future_usage="off_session")
    charge = api.charges.update(str(intent.latest_charge), {"description": "stay 7"})
    assert charge.description == "stay 7"
    refund = api.refunds.create({"charge": charge.id, "metadata": {"a": "1"}})
    cleared: Any = api.refunds.update(refund.id, {"metadata": {"a": ""}})
    assert cleared.metadata.to_dict() == {}
    kept: Any = api.payment_methods.update(method, {"metadata": {"a": "1"}})
    assert kept.metadata.to_dict() == {"a": "1"}
    intent = api.payment_intents.update(intent.id, {"metadata": {"b": "2"}})
    assert intent.metadata.to_dict() == {"b": "2"}


def test_a_first_payment_may_leave_its_card_for_the_next(simulator: Simulator) -> None:
    customer = simulator.stripe.v1.customers.create().id
    first = simulator.pay(
        customer, "pm_card_visa", off_session=False, setup_future_usage="off_session"
    )
    assert simulator.pay(customer, str(first.payment_method)).status == "succeeded"
    stranger = simulator.pay(customer, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        simulator.pay(customer, str(stranger.payment_method))
