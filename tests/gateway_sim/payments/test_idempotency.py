"""Idempotency keys, as Stripe documents them."""

import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running, wait_until

DAY_S = 24 * 3600
AUTH = {"Authorization": "Bearer sk_test_x"}


def post(
    simulator: Simulator, key: str, path: str = "/v1/payment_intents", **data: str | int
) -> httpx.Response:
    return simulator.http.post(path, data=data, headers={**AUTH, "Idempotency-Key": key})


def charge_params(amount: int = 1000, card: str = "pm_card_visa") -> dict[str, Any]:
    return {"amount": amount, "currency": "cny", "payment_method": card, "confirm": "true"}


def test_a_repeated_key_gets_the_first_answer_again(simulator: Simulator) -> None:
    first = post(simulator, "k", **charge_params())
    again = post(simulator, "k", **charge_params())
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert again.headers["idempotency-key"] == "k"
    assert again.headers["request-id"] != first.headers["request-id"]
    assert "idempotent-replayed" not in first.headers
    assert len(simulator.truth()["charges"]) == 1


def test_a_decline_is_an_answer_too(simulator: Simulator) -> None:
    params = charge_params(card="pm_card_visa_chargeDeclined")
    first, again = post(simulator, "k", **params), post(simulator, "k", **params)
    assert first.status_code == 402
    assert again.content == first.content
    assert len(simulator.stripe.v1.charges.list().data) == 1


def test_a_used_key_with_another_request_is_an_error(simulator: Simulator) -> None:
    post(simulator, "k", **charge_params(1000))
    for reply in (
        post(simulator, "k", **charge_params(1001)),
        post(simulator, "k", "/v1/customers"),
    ):
        assert reply.status_code == 400
        assert reply.json()["error"]["type"] == "idempotency_error"
    with pytest.raises(stripe.IdempotencyError):
        simulator.stripe.v1.customers.create({"name": "x"}, {"idempotency_key": "k"})
    assert len(simulator.truth()["charges"]) == 1


def test_what_was_refused_before_execution_leaves_the_key_free(simulator: Simulator) -> None:
    assert post(simulator, "k", amount="x", currency="cny").status_code == 400
    simulator.faults(script=[{"fault": "rate_limited"}, {"fault": "conflict"}])
    assert post(simulator, "k", **charge_params()).status_code == 429
    assert post(simulator, "k", **charge_params()).status_code == 409
    assert post(simulator, "k", **charge_params()).status_code == 200


def test_a_server_error_is_saved_and_replayed(simulator: Simulator) -> None:
    for fault, charges in (("server_error", 0), ("server_error_after", 1)):
        simulator.faults(script=[{"fault": fault}])
        replies = [post(simulator, fault, **charge_params()) for _ in range(3)]
        assert {reply.status_code for reply in replies} == {500}
        assert len({reply.content for reply in replies}) == 1
        assert len(simulator.truth()["charges"]) == charges


def test_a_key_is_in_use_while_its_request_is_executed(simulator: Simulator) -> None:
    simulator.faults(script=[{"fault": "slow"}], slow_seconds=1.0)
    replies: list[httpx.Response] = []
    slow = threading.Thread(target=lambda: replies.append(post(simulator, "k", **charge_params())))
    slow.start()
    wait_until(lambda: bool(simulator.truth()["charges"]))
    busy = post(simulator, "k", **charge_params())
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert post(simulator, "another", **charge_params()).status_code == 200
    slow.join()
    assert replies[0].status_code == 200
    assert post(simulator, "k", **charge_params()).content == replies[0].content
    assert len(simulator.truth()["charges"]) == 2


def test_keys_are_forgotten_after_a_day(simulator: Simulator) -> None:
    simulator.advance(0)
    post(simulator, "k", **charge_params())
    simulator.advance(DAY_S - 1)
    assert "idempotent-replayed" in post(simulator, "k", **charge_params()).headers
    simulator.advance(1)
    assert "idempotent-replayed" not in post(simulator, "k", **charge_params()).headers
    assert len(simulator.truth()["charges"]) == 2


def test_a_key_has_at_most_255_characters(simulator: Simulator) -> None:
    assert post(simulator, "k" * 255, **charge_params()).status_code == 200
    assert post(simulator, "k" * 256, **charge_params()).status_code == 400


FAULTS = st.sampled_from(
    [
        None,
        "drop_before",
        "drop_after",
        "rate_limited",
        "conflict",
        "server_error",
        "server_error_after",
        "bad_gateway",
        "bad_gateway_after",
    ]
)
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([100, 200]),
        st.sampled_from(["pm_card_visa", "pm_card_visa_chargeDeclined"]),
        FAULTS,
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def long_lived() -> Iterator[Simulator]:
    """For many examples; each has keys of its own."""
    with running(Options(seed=1)) as it:
        yield it


examples = count()


@settings(max_examples=60)
@given(requests=REQUESTS)
def test_whatever_goes_wrong_a_key_charges_once_and_answers_the_same(
    long_lived: Simulator, requests: list[tuple[str, int, str, str | None]]
) -> None:
    simulator, example = long_lived, next(examples)
    first_of: dict[str, tuple[int, str]] = {}
    saved: dict[str, tuple[int, bytes]] = {}
    for name, amount, card, fault in requests:
        key = f"{example}-{name}"
        simulator.faults(script=[{"fault": fault, "path": "/v1/*"}] if fault else [])
        reply = answer_or_none(simulator, key, charge_params(amount, card))
        if fault in {"drop_before", "rate_limited", "conflict", "bad_gateway"}:
            continue
        first_of.setdefault(key, (amount, card))
        if reply is None or fault == "bad_gateway_after":
            continue
        if first_of[key] != (amount, card):
            assert reply.json()["error"]["type"] == "idempotency_error"
            continue
        known = saved.setdefault(key, (reply.status_code, reply.content))
        assert (reply.status_code, reply.content) == known
    assert_charged_once(simulator, example, first_of)


def answer_or_none(simulator: Simulator, key: str, params: dict[str, Any]) -> httpx.Response | None:
    try:
        return post(simulator, key, **params)
    except httpx.TransportError:
        return None


def assert_charged_once(
    simulator: Simulator, example: int, first_of: dict[str, tuple[int, str]]
) -> None:
    charges = [
        (one["idempotency_key"], one["amount"])
        for one in simulator.truth()["charges"]
        if one["idempotency_key"].startswith(f"{example}-")
    ]
    charged = dict(charges)
    assert len(charged) == len(charges)
    for key, amount in charged.items():
        assert first_of[key] == (amount, "pm_card_visa")
