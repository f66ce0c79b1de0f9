"""Webhooks: signed, repeated until taken, and all that can go wrong on the way."""

import json
from collections.abc import Iterator

import pytest
import stripe

from gateway_sim.payments.deliveries import DeliveryQueue
from gateway_sim.payments.server import Options
from gateway_sim.payments.store import Store
from tests.gateway_sim.payments.harness import Inbox, Simulator, running, wait_until, webhook_inbox

SECRET = "whsec_of_this_test"
THREE_DAYS_S = 3 * 24 * 3600


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with webhook_inbox() as it:
        yield it


@pytest.fixture
def simulator(inbox: Inbox) -> Iterator[Simulator]:
    with running(Options(seed=3, webhook_url=inbox.url, webhook_secret=SECRET)) as it:
        yield it


def events_in(inbox: Inbox, count: int) -> list[stripe.Event]:
    return [
        stripe.Webhook.construct_event(body, signature, SECRET)
        for body, signature in inbox.wait_for(count)
    ]


def test_events_arrive_signed_and_true(simulator: Simulator, inbox: Inbox) -> None:
    customer, method = simulator.customer_with_card()
    intent = simulator.pay(customer, method, key="k1", metadata={"payment_id": "p1"})
    events = {event.type: event for event in events_in(inbox, 5)}
    assert set(events) == {
        "customer.created",
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    }
    paid = events["payment_intent.succeeded"]
    assert paid.data.object["id"] == intent.id
    assert paid.data.object["metadata"].to_dict() == {"payment_id": "p1"}
    assert paid.request
    assert paid.request.idempotency_key == "k1"
    kept = simulator.stripe.v1.events.retrieve(paid.id)
    assert kept.type == paid.type


def test_a_changed_body_or_secret_does_not_verify(simulator: Simulator, inbox: Inbox) -> None:
    simulator.stripe.v1.customers.create()
    ((body, signature),) = inbox.wait_for(1)
    for mistake in ((body + b" ", SECRET), (body, "whsec_other")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(mistake[0], signature, mistake[1])


def test_an_event_is_sent_again_until_it_is_taken(simulator: Simulator, inbox: Inbox) -> None:
    simulator.advance(0)
    inbox.answers = [500, 302]
    simulator.stripe.v1.customers.create()

    def delivered_in_time() -> bool:
        simulator.advance(1.0)
        return simulator.deliveries() == {"delivered": 1}

    wait_until(delivered_in_time)
    assert len(inbox.posts) == 3
    # `pending_webhooks` is a snapshot's only part that may differ between attempts.
    assert (
        len({stripe.Event.construct_from(json.loads(body), "").id for body, _ in inbox.posts}) == 1
    )


def test_attempts_are_spaced_out_and_end_after_three_days() -> None:
    queue = DeliveryQueue(Store())
    queue.add("evt_1", "we_1", now=0.0, delays=[0.0])
    now, pauses = 0.0, []
    while (due_at := queue.next_due_at()) is not None:
        pauses.append(due_at - now)
        now = due_at
        (delivery,) = queue.due(now=now, limit=8)
        queue.failed(delivery, "500", now=now)
    assert pauses[:6] == [0, 1, 2, 4, 8, 16]
    assert set(pauses[13:]) == {3600}
    assert THREE_DAYS_S - 3600 < now <= THREE_DAYS_S
    assert queue.counts() == {"given_up": 1}


def test_an_event_is_given_up_after_three_days(simulator: Simulator, inbox: Inbox) -> None:
    simulator.advance(0)
    inbox.answers = [500] * 1000
    simulator.stripe.v1.customers.create()

    def given_up_in_time() -> bool:
        simulator.advance(THREE_DAYS_S)
        return simulator.deliveries() == {"given_up": 1}

    wait_until(given_up_in_time)


def test_deliveries_may_be_doubled_delayed_or_lost(simulator: Simulator, inbox: Inbox) -> None:
    simulator.advance(0)
    simulator.faults(webhooks={"duplicated": 1.0})
    simulator.stripe.v1.customers.create()
    assert len({body for body, _ in inbox.wait_for(2)}) == 1
    simulator.faults(webhooks={"missing": 1.0})
    lost = simulator.stripe.v1.customers.create()
    simulator.faults(webhooks={"late": 1.0, "late_seconds": 600})
    late = simulator.stripe.v1.customers.create()
    simulator.faults()
    simulator.stripe.v1.customers.create()
    inbox.wait_for(3)
    assert late.id not in str(inbox.posts)
    simulator.advance(600)
    inbox.wait_for(4)
    assert late.id in str(inbox.posts)
    assert lost.id not in str(inbox.posts)
    assert (
        simulator.stripe.v1.events.list({"type": "customer.created"}).data[2].data.object["id"]
        == lost.id
    )


def test_deliveries_may_overtake_each_other(simulator: Simulator, inbox: Inbox) -> None:
    simulator.advance(0)
    simulator.faults(webhooks={"reordered": 1.0, "reorder_seconds": 100})
    made = [simulator.stripe.v1.customers.create().id for _ in range(20)]

    def all_arrived() -> bool:
        simulator.advance(4)
        return len(inbox.posts) == len(made)

    wait_until(all_arrived)
    arrived = [event.data.object["id"] for event in events_in(inbox, 20)]
    assert sorted(arrived) == sorted(made)
    assert arrived != made


def test_endpoints_choose_their_events_and_have_their_own_secret(simulator: Simulator) -> None:
    with webhook_inbox() as other:
        api = simulator.stripe.v1.webhook_endpoints
        endpoint = api.create({"url": other.url, "enabled_events": ["customer.updated"]})
        assert "secret" not in api.retrieve(endpoint.id)
        customer = simulator.stripe.v1.customers.create()
        simulator.stripe.v1.customers.update(customer.id, {"name": "李"})
        ((body, signature),) = other.wait_for(1)
        event = stripe.Webhook.construct_event(body, signature, str(endpoint.secret))
        assert (event.type, event.data.object["name"]) == ("customer.updated", "李")
        api.update(endpoint.id, {"disabled": True})
        simulator.stripe.v1.customers.update(customer.id, {"name": "王"})
        assert api.delete(endpoint.id).deleted
        assert len(other.posts) == 1
