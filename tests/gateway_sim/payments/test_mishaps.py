"""What goes wrong behind requests: cards, disputes, payouts, false reports, false webhooks."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

import gateway_sim.payments
from gateway_sim.payments.faults import CARD_MISHAPS, Fault, FaultPlan, Faults, Mishap
from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Inbox, Simulator, running, wait_until, webhook_inbox

DAY_S = 24 * 3600
SECRET = "whsec_of_this_test"


def decline_of(simulator: Simulator, customer: str, method: str) -> str | None:
    try:
        simulator.pay(customer, method)
    except stripe.CardError as error:
        return error.error.decline_code if error.error else error.code
    return None


@pytest.mark.parametrize(("mishap", "code"), [(m.value, c) for m, c in CARD_MISHAPS.items()])
def test_what_befalls_a_card(simulator: Simulator, mishap: str, code: str) -> None:
    customer, method = simulator.customer_with_card()
    simulator.faults(mishap_script=[{"mishap": mishap, "after": 1}])
    assert decline_of(simulator, customer, method) is None
    assert decline_of(simulator, customer, method) == code
    for_good = mishap in {"card_lost", "card_expired"}
    assert decline_of(simulator, customer, method) == (code if for_good else None)
    assert simulator.http.get("/_sim/faults").json()["struck"] == {mishap: 1}


def test_a_card_may_be_detached_behind_our_back(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    simulator.faults(mishap_script=[{"mishap": "card_detached"}])
    simulator.pay(customer, method)
    assert simulator.stripe.v1.payment_methods.retrieve(method).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        simulator.pay(customer, method)
    assert len(simulator.truth()["charges"]) == 1


def test_disputes_come_days_after_the_transfer(simulator: Simulator) -> None:
    simulator.advance(0)
    account = simulator.operator()
    customer, method = simulator.customer_with_card("pm_card_bypassPending")
    simulator.faults(
        mishap_script=[
            {"mishap": "dispute_lost", "subject": '*"payment_id":"a"*'},
            {"mishap": "dispute_won", "subject": '*"payment_id":"b"*'},
        ]
    )
    for name in "abc":
        simulator.pay(customer, method, amount=1000, metadata={"payment_id": name})
    simulator.stripe.v1.transfers.create(
        {"amount": 2900, "currency": "cny", "destination": account}
    )
    simulator.advance(5 * DAY_S)
    # The money was passed on: what the bank takes back is missing.
    assert simulator.stripe.v1.balance.retrieve().available[0].amount == 3 * 994 - 2900 - 2 * 2500
    simulator.advance(20 * DAY_S)
    disputes = simulator.stripe.v1.disputes.list().data
    assert sorted(one.status for one in disputes) == ["lost", "won"]
    whose = {one["charge"]: one["metadata"]["payment_id"] for one in simulator.truth()["charges"]}
    assert {whose[str(one.charge)]: one.status for one in disputes} == {"a": "lost", "b": "won"}


@pytest.mark.parametrize("mishap", ["payout_failed", "payout_failed_after_paid"])
def test_payouts_fail(simulator: Simulator, mishap: str) -> None:
    simulator.advance(0)
    simulator.pay(*simulator.customer_with_card("pm_card_bypassPending"))
    simulator.faults(mishaps={mishap: 1.0})
    payout = simulator.stripe.v1.payouts.create({"amount": 500, "currency": "cny"})
    simulator.advance(6 * DAY_S)
    assert simulator.stripe.v1.payouts.retrieve(payout.id).status == "failed"
    heard = {event.type for event in simulator.stripe.v1.events.list({"limit": 100}).data}
    assert ("payout.paid" in heard) == (mishap == "payout_failed_after_paid")


def test_the_report_lies_and_the_truth_log_says_so(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    simulator.faults(
        mishap_script=[
            {"mishap": "wrong_fee", "subject": '*"n":"1"*'},
            {"mishap": "missing_charge", "subject": '*"n":"2"*'},
            {"mishap": "surplus_charge", "subject": '*"n":"3"*'},
        ]
    )
    for number in range(5):
        simulator.pay(customer, method, metadata={"n": str(number)})
    truth = simulator.truth()
    reported = simulator.stripe.v1.balance_transactions.list({"type": "charge"}).data
    true_fees = {one["charge"]: one["fee"] for one in truth["charges"]}
    fees = {str(move.source): move.fee for move in reported}
    found = [("missing_charge", one, 1000) for one in true_fees.keys() - fees.keys()]
    found += [("surplus_charge", one, 1000) for one in fees.keys() - true_fees.keys()]
    both = fees.keys() & true_fees.keys()
    found += [
        ("wrong_fee", one, fees[one] - true_fees[one])
        for one in both
        if fees[one] != true_fees[one]
    ]
    told = [(one["kind"], one["charge"], one["amount"]) for one in truth["discrepancies"]]
    assert sorted(found) == sorted(told)
    assert len(told) == 3


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with webhook_inbox() as it:
        yield it


@pytest.fixture
def hooked(inbox: Inbox) -> Iterator[Simulator]:
    with running(Options(seed=3, webhook_url=inbox.url, webhook_secret=SECRET)) as it:
        yield it


def test_false_deliveries_are_told_from_true_ones(hooked: Simulator, inbox: Inbox) -> None:
    false = ("forged", "stale", "future_dated", "old_secret")
    hooked.faults(webhooks=dict.fromkeys(false, 1.0))
    hooked.stripe.v1.customers.create()
    posts = inbox.wait_for(5)
    outcomes: Counter[str] = Counter()
    for body, signature in posts:
        try:
            outcomes[stripe.Webhook.construct_event(body, signature, SECRET).type] += 1
        except stripe.SignatureVerificationError as error:
            outcomes[str(error).split()[0]] += 1
    # "No signatures found …", "Timestamp outside …". The SDK takes a signature from the future;
    # being a copy, it does no harm.
    assert outcomes == {
        "customer.created": 2,
        "No": 2,
        "Timestamp": 1,
    }
    wait_until(lambda: hooked.deliveries() == {"delivered": 1, "swallowed": 4})
    told = hooked.http.get("/_sim/deliveries").json()["false"]
    assert {one["flaw"] for one in told} == {f"webhook_{name}" for name in false}


def test_a_refused_false_delivery_is_not_repeated(hooked: Simulator, inbox: Inbox) -> None:
    hooked.advance(0)
    hooked.faults(mishap_script=[{"mishap": "webhook_stale", "subject": "customer.*"}])
    inbox.answers = [400] * 100
    hooked.stripe.v1.customers.create()
    wait_until(lambda: hooked.deliveries() == {"pending": 1, "refused": 1})

    def came_again_and_again() -> bool:
        hooked.advance(60)
        return len(inbox.posts) >= 5

    wait_until(came_again_and_again)
    dates = [int(signature.split(",")[0].removeprefix("t=")) for _, signature in inbox.posts]
    assert len([date for date in dates if date < max(dates) - 1800]) == 1


def test_webhook_mishaps_may_be_scripted(hooked: Simulator, inbox: Inbox) -> None:
    hooked.advance(0)
    hooked.faults(
        webhooks={"late_seconds": 3 * DAY_S},
        mishap_script=[
            {"mishap": "webhook_late", "subject": "customer.updated"},
            {"mishap": "webhook_missing", "subject": "customer.deleted"},
        ],
    )
    customer = hooked.stripe.v1.customers.create()
    hooked.stripe.v1.customers.update(customer.id, {"name": "x"})
    hooked.stripe.v1.customers.delete(customer.id)
    inbox.wait_for(1)
    wait_until(lambda: hooked.deliveries() == {"delivered": 1, "pending": 1, "missing": 1})
    hooked.advance(3 * DAY_S)
    inbox.wait_for(2)


def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(
    hooked: Simulator, inbox: Inbox
) -> None:
    hooked.advance(0)
    (endpoint,) = hooked.stripe.v1.webhook_endpoints.list().data
    rolled = hooked.control("webhook_endpoints/roll", endpoint=endpoint.id)
    hooked.stripe.v1.customers.create()
    ((body, signature),) = inbox.wait_for(1)
    for secret in (SECRET, rolled["secret"]):
        stripe.Webhook.construct_event(body, signature, secret)
    hooked.advance(DAY_S)
    hooked.stripe.v1.customers.create()
    body, signature = inbox.wait_for(2)[1]
    stripe.Webhook.construct_event(body, signature, rolled["secret"])
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, SECRET)


def test_rates_of_mishaps_follow_from_the_seed() -> None:
    def history(seed: int) -> list[bool]:
        faults = Faults(seed, FaultPlan(mishaps={Mishap.DISPUTE_LOST: 0.2}))
        return [faults.happens(Mishap.DISPUTE_LOST) for _ in range(500)]

    assert history(1) == history(1) != history(2)
    assert 60 < sum(history(3)) < 140


def test_too_many_requests_are_told_so() -> None:
    with running(Options(rate_limit=5)) as simulator:
        auth = {"Authorization": "Bearer sk_test_x"}
        replies = [simulator.http.get("/v1/customers", headers=auth) for _ in range(20)]
        limited = [one for one in replies if one.status_code == 429]
        assert 5 <= len(limited) < 20
        assert limited[0].json()["error"]["code"] == "rate_limit"
        assert limited[0].headers["stripe-rate-limited-reason"] == "global-rate"


def test_rate_limits_come_in_bursts(simulator: Simulator) -> None:
    simulator.faults(rates={"rate_limited": 0.2}, rate_limited_burst=5)
    auth = {"Authorization": "Bearer sk_test_x"}
    statuses = "".join(
        str(simulator.http.get("/v1/customers", headers=auth).status_code)[0] for _ in range(100)
    )
    assert re.findall("4+", statuses)
    assert all(len(burst) >= 5 for burst in re.findall("4+", statuses.rstrip("4")))


def test_the_readme_lists_every_fault() -> None:
    readme = (Path(gateway_sim.payments.__path__[0]) / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))
    assert {one.value for one in (*Fault, *Mishap)} <= listed
