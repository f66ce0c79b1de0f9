"""The documented test cards behave as documented, and scripted ones as scripted."""

import pytest
import stripe

from tests.gateway_sim.payments.harness import Simulator

DECLINES = (
    ("4000000000000002", "card_declined", "generic_decline"),
    ("4000000000009995", "card_declined", "insufficient_funds"),
    ("4000000000009987", "card_declined", "lost_card"),
    ("4000000000009979", "card_declined", "stolen_card"),
    ("4000000000000069", "expired_card", "expired_card"),
    ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
    ("4000000000000119", "processing_error", "processing_error"),
    ("4000000000006975", "card_declined", "card_velocity_exceeded"),
)


def method_of(simulator: Simulator, number: str, date: tuple[int, int] = (8, 2034)) -> str:
    card = {"number": number, "exp_month": date[0], "exp_year": date[1]}
    params = {"type": "card", "card": card}
    return simulator.stripe.v1.payment_methods.create(params).id  # type: ignore[arg-type]


@pytest.mark.parametrize(("number", "code", "decline_code"), DECLINES)
def test_a_declined_charge_fails_and_leaves_its_trace(
    simulator: Simulator, number: str, code: str, decline_code: str
) -> None:
    customer, _ = simulator.customer_with_card()
    method = method_of(simulator, number)
    with pytest.raises(stripe.CardError) as caught:
        simulator.pay(customer, method)
    error = caught.value.error
    assert error
    assert (caught.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    assert error.payment_intent
    intent = simulator.stripe.v1.payment_intents.retrieve(
        error.payment_intent.id, {"expand": ["latest_charge"]}
    )
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error
    assert intent.last_payment_error.decline_code == decline_code
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.status, charge.failure_code, charge.balance_transaction) == (
        "failed",
        code,
        None,
    )
    assert simulator.truth()["charges"] == []
    # The same intent may be tried again with another card.
    paid = simulator.stripe.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_visa"}
    )
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)


@pytest.mark.parametrize(("number", "code", "decline_code"), DECLINES)
def test_such_a_card_cannot_be_saved_either(
    simulator: Simulator, number: str, code: str, decline_code: str
) -> None:
    customer, _ = simulator.customer_with_card()
    method = method_of(simulator, number)
    with pytest.raises(stripe.CardError) as caught:
        simulator.stripe.v1.payment_methods.attach(method, {"customer": customer})
    assert caught.value.code == code
    with pytest.raises(stripe.CardError):
        simulator.stripe.v1.setup_intents.create(
            {"customer": customer, "payment_method": method, "confirm": True}
        )
    assert simulator.stripe.v1.payment_methods.retrieve(method).customer is None


def test_a_card_may_save_well_and_fail_later(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        simulator.pay(customer, method)


def test_numbers_that_are_no_test_cards_are_refused(simulator: Simulator) -> None:
    with pytest.raises(stripe.CardError) as wrong:
        method_of(simulator, "4242424242424241")
    assert wrong.value.code == "incorrect_number"
    with pytest.raises(stripe.CardError) as real:
        method_of(simulator, "4111111111111111")
    for date, code in (((13, 2034), "invalid_expiry_month"), ((1, 2019), "invalid_expiry_year")):
        with pytest.raises(stripe.CardError) as expired:
            method_of(simulator, "4242424242424242", date)
        assert expired.value.code == code
    assert real.value.error
    assert real.value.error.decline_code == "test_mode_live_card"


def test_a_card_that_needs_its_owner_fails_without_and_waits_with(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card("pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as caught:
        simulator.pay(customer, method)
    assert caught.value.code == "authentication_required"
    waiting = simulator.pay(
        customer, method, off_session=False, return_url="http://127.0.0.1:9/back"
    )
    assert waiting.status == "requires_action"
    assert waiting.next_action
    step = waiting.next_action.redirect_to_url
    assert step
    page = str(step.url)
    assert simulator.http.get(page).status_code == 200
    reply = simulator.http.post(page, data={"answer": "approve"})
    assert (reply.status_code, reply.headers["location"]) == (303, "http://127.0.0.1:9/back")
    assert simulator.stripe.v1.payment_intents.retrieve(waiting.id).status == "succeeded"
    assert simulator.http.post(page, data={"answer": "approve"}).status_code == 409
    assert len(simulator.truth()["charges"]) == 1


def test_a_card_set_up_with_its_owner_works_without(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card("pm_card_authenticationRequiredOnSetup")
    with pytest.raises(stripe.CardError) as caught:
        simulator.pay(customer, method)
    assert caught.value.code == "authentication_required"
    intent = simulator.stripe.v1.setup_intents.create(
        {"customer": customer, "payment_method": method, "confirm": True}
    )
    assert intent.status == "requires_action"
    simulator.http.post(f"/authenticate/{intent.id}", data={"answer": "approve"})
    assert simulator.stripe.v1.setup_intents.retrieve(intent.id).status == "succeeded"
    assert simulator.pay(customer, method).status == "succeeded"


@pytest.mark.parametrize("named_by", ["number", "payment_method", "token", "customer"])
def test_a_scripted_card_declines_as_told_and_then_succeeds(
    simulator: Simulator, named_by: str
) -> None:
    customer, method = simulator.customer_with_card()
    subject = {
        "number": {"number": "4242 4242 4242 4242"},
        "payment_method": {"payment_method": method},
        "token": {"payment_method": "pm_card_visa"},
        "customer": {"customer": customer},
    }[named_by]
    script = {**subject, "declines": ["insufficient_funds", "processing_error"]}
    assert simulator.http.post("/_sim/cards", json=script).status_code == 200
    for decline_code in ("insufficient_funds", "processing_error"):
        with pytest.raises(stripe.CardError) as caught:
            simulator.pay(customer, method)
        assert caught.value.error
        assert caught.value.error.decline_code == decline_code
    assert simulator.pay(customer, method).status == "succeeded"


def test_a_script_must_name_one_card(simulator: Simulator) -> None:
    for script in (
        {"declines": ["lost_card"]},
        {"declines": [], "number": "4242424242424242", "customer": "cus_x"},
        {"declines": ["lost_card"], "number": "4111111111111111"},
        {"declines": 5},
        {"declines": [], "customer": "cus_x", "extra": 1},
    ):
        assert simulator.http.post("/_sim/cards", json=script).status_code == 422
