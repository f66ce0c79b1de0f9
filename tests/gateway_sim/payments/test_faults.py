"""Injected faults, and what the SDK makes of them."""

import json
from collections import Counter

import httpx
import pytest
import stripe

from gateway_sim.dice import FaultPlanError
from gateway_sim.payments.faults import Fault, FaultPlan, Faults, read_plan
from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running

CREATE = {"method": "POST", "path": "/v1/payment_intents"}


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "bad_gateway", "bad_gateway_after"])
def test_the_sdks_own_retries_charge_once(simulator: Simulator, fault: str) -> None:
    customer, method = simulator.customer_with_card()
    simulator.faults(script=[{"fault": fault, "times": 2, **CREATE}])
    simulator.stripe = simulator.sdk(retries=3)
    assert simulator.pay(customer, method).status == "succeeded"
    assert len(simulator.truth()["charges"]) == 1
    struck = simulator.http.get("/_sim/faults").json()["struck"]
    assert struck == {fault: 2}


@pytest.mark.parametrize(("fault", "charges"), [("drop_before", 0), ("drop_after", 1)])
def test_without_retries_nobody_can_tell(simulator: Simulator, fault: str, charges: int) -> None:
    customer, method = simulator.customer_with_card()
    simulator.faults(script=[{"fault": fault, **CREATE}])
    with pytest.raises(stripe.APIConnectionError):
        simulator.pay(customer, method)
    assert len(simulator.truth()["charges"]) == charges


def test_each_fault_reaches_the_sdk_as_its_own_error(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    for fault, error, status in (
        ("rate_limited", stripe.RateLimitError, 429),
        ("conflict", stripe.APIError, 409),
        ("server_error", stripe.APIError, 500),
        ("bad_gateway", stripe.APIError, 502),
    ):
        simulator.faults(script=[{"fault": fault, **CREATE}])
        with pytest.raises(error) as caught:
            simulator.pay(customer, method)
        assert caught.value.http_status == status
    assert simulator.truth()["charges"] == []


def test_the_sdk_does_not_retry_a_saved_server_error(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    simulator.faults(script=[{"fault": "server_error_after", **CREATE}])
    simulator.stripe = simulator.sdk(retries=3)
    with pytest.raises(stripe.APIError):
        simulator.pay(customer, method)
    assert len(simulator.truth()["charges"]) == 1


def test_a_slow_answer_outlasts_an_impatient_client(simulator: Simulator) -> None:
    simulator.faults(script=[{"fault": "slow", **CREATE}], slow_seconds=1.0)
    with pytest.raises(httpx.ReadTimeout):
        simulator.http.post(
            "/v1/payment_intents",
            data={
                "amount": "5",
                "currency": "cny",
                "confirm": "true",
                "payment_method": "pm_card_visa",
            },
            headers={"Authorization": "Bearer sk_test_x"},
            timeout=0.2,
        )
    assert len(simulator.truth()["charges"]) == 1


def test_scripts_wait_and_match(simulator: Simulator) -> None:
    simulator.faults(
        script=[{"fault": "rate_limited", "method": "post", "path": "/v1/cust*", "after": 1}]
    )
    create = simulator.stripe.v1.customers.create
    create()
    simulator.stripe.v1.customers.list()
    with pytest.raises(stripe.RateLimitError):
        create()
    create()
    assert simulator.http.get("/_sim/faults").json()["plan"]["script"] == []


def test_rates_follow_from_the_seed() -> None:
    def history(seed: int) -> list[Fault | None]:
        plan = FaultPlan(rates={Fault.DROP_AFTER: 0.2, Fault.SLOW: 0.1})
        faults = Faults(seed, plan)
        return [faults.for_request("POST", "/v1/refunds") for _ in range(2000)]

    assert history(1) == history(1)
    assert history(1) != history(2)
    counted = Counter(history(3))
    assert 300 < counted[Fault.DROP_AFTER] < 500
    assert 130 < counted[Fault.SLOW] < 270


def test_a_plan_that_makes_no_sense_is_refused(simulator: Simulator) -> None:
    for plan in (
        {"rates": {"slow": 0.7, "conflict": 0.7}},
        {"rates": {"slow": 1.1}},
        {"rates": {"sluggish": 0.1}},
        {"script": [{"fault": "slow", "times": 0}]},
        {"unknown": 1},
        {"webhooks": {"late_seconds": -1}},
    ):
        reply = simulator.http.post("/_sim/faults", json=plan)
        assert reply.status_code == 422
        assert reply.json()["error"]
        with pytest.raises(FaultPlanError):
            read_plan(json.dumps(plan))


def test_faults_may_be_given_at_start_and_cleared() -> None:
    plan = read_plan('{"rates": {"rate_limited": 1.0}}')
    with running(Options(faults=plan)) as simulator:
        with pytest.raises(stripe.RateLimitError):
            simulator.stripe.v1.customers.create()
        simulator.http.delete("/_sim/faults")
        simulator.stripe.v1.customers.create()
