"""Paying, looking up, refunding: the unmodified SDK against the simulator."""

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from gateway_sim.payments.operations.charge_records import fee_minor
from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running

TWO_DAYS_S = 2 * 24 * 3600


def test_a_card_on_file_is_charged_without_its_owner(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    intent = simulator.pay(
        customer,
        method,
        amount=1250,
        key="key-1",
        metadata={"payment_id": "p1", "trace_id": "t1"},
        expand=["latest_charge.balance_transaction"],
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 1250)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    move = charge.balance_transaction
    assert isinstance(move, stripe.BalanceTransaction)
    # 0.6 % of 12.50 is 7.5 fen: rounded up.
    assert (move.amount, move.fee, move.net) == (1250, 8, 1242)
    assert move.fee_details[0].amount == 8
    (true,) = simulator.truth()["charges"]
    assert true == {
        "charge": charge.id,
        "payment_intent": intent.id,
        "balance_transaction": move.id,
        "customer": customer,
        "payment_method": method,
        "amount": 1250,
        "fee": 8,
        "currency": "cny",
        "idempotency_key": "key-1",
        "metadata": {"payment_id": "p1", "trace_id": "t1"},
        "created": charge.created,
    }


@given(amount=st.integers(1, 10**8), basis_points=st.integers(0, 10_000))
def test_the_fee_is_the_nearest_whole_fen_with_halves_up(amount: int, basis_points: int) -> None:
    fee = fee_minor(amount, basis_points)
    twice_off = 2 * (fee * 10_000 - amount * basis_points)
    assert -10_000 < twice_off <= 10_000
    assert 0 <= fee <= amount


def test_a_payment_may_be_prepared_first_and_confirmed_later(simulator: Simulator) -> None:
    intents = simulator.stripe.v1.payment_intents
    customer, method = simulator.customer_with_card()
    intent = intents.create({"amount": 500, "currency": "CNY", "metadata": {"a": "1", "b": "2"}})
    assert (intent.status, intent.currency) == ("requires_payment_method", "cny")
    intent = intents.update(
        intent.id,
        {
            "amount": 600,
            "customer": customer,
            "payment_method": method,
            "metadata": {"a": "", "c": "3"},
        },
    )
    assert intent.status == "requires_confirmation"
    assert intent.metadata.to_dict() == {"b": "2", "c": "3"}
    assert intents.confirm(intent.id, {"off_session": True}).status == "succeeded"
    for late in (
        lambda: intents.confirm(intent.id),
        lambda: intents.cancel(intent.id),
        lambda: intents.update(intent.id, {"amount": 1}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            late()
        assert caught.value.code == "payment_intent_unexpected_state"
    assert len(simulator.truth()["charges"]) == 1


def test_a_cancelled_payment_takes_nothing(simulator: Simulator) -> None:
    intents = simulator.stripe.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "cny"})
    cancelled = intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert simulator.truth()["charges"] == []


def test_payments_are_found_by_metadata(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    for name in ("p1", "p'2", "p1"):
        simulator.pay(customer, method, metadata={"payment_id": name})
    search = simulator.stripe.v1.payment_intents.search
    first = search({"query": "metadata['payment_id']:'p1' AND status:'succeeded'", "limit": 1})
    assert first.has_more
    second = search({"query": "metadata['payment_id']:'p1'", "page": str(first.next_page)})
    assert not second.has_more
    assert {first.data[0].id, second.data[0].id} == {
        one["payment_intent"]
        for one in simulator.truth()["charges"]
        if one["metadata"]["payment_id"] == "p1"
    }
    assert len(search({"query": 'metadata["payment_id"]:"p\'2"'}).data) == 1
    assert len(search({"query": "-metadata['payment_id']:'p1'"}).data) == 1
    assert len(search({"query": "amount>=1000 OR status:'canceled'"}).data) == 3
    for unreadable in ("", "metadata:'x'", "a AND b", "amount>1 AND amount<2 OR amount:3"):
        with pytest.raises(stripe.InvalidRequestError):
            search({"query": unreadable})


def test_search_may_lag_behind_as_stripes_does(simulator: Simulator) -> None:
    simulator.faults(search_lag_seconds=60)
    simulator.advance(0)
    customer, method = simulator.customer_with_card()
    simulator.pay(customer, method, metadata={"payment_id": "p1"})
    query = {"query": "metadata['payment_id']:'p1'"}
    assert simulator.stripe.v1.payment_intents.search(query).data == []  # type: ignore[arg-type]
    simulator.advance(61)
    assert len(simulator.stripe.v1.payment_intents.search(query).data) == 1  # type: ignore[arg-type]


def test_lists_are_paged_both_ways(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    made = [simulator.pay(customer, method, amount=n + 1).id for n in range(7)]
    listing = simulator.stripe.v1.payment_intents.list
    pages = listing({"limit": 3, "customer": customer})
    assert [one.id for one in pages.auto_paging_iter()] == made[::-1]
    assert [one.id for one in listing({"limit": 2, "ending_before": made[2]}).data] == [
        made[4],
        made[3],
    ]
    assert listing({"customer": "cus_none"}).data == []
    for mistake in ({"limit": 101}, {"starting_after": "pi_none"}, {"created": {"before": 1}}):
        with pytest.raises(stripe.InvalidRequestError):
            listing(mistake)  # type: ignore[arg-type]


def test_refunds_never_exceed_the_charge(simulator: Simulator) -> None:
    customer, method = simulator.customer_with_card()
    intent = simulator.pay(customer, method, amount=1000)
    refunds = simulator.stripe.v1.refunds
    part = refunds.create({"payment_intent": intent.id, "amount": 400})
    assert (part.amount, part.status) == (400, "succeeded")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        refunds.create({"payment_intent": intent.id, "amount": 601})
    rest = refunds.create({"charge": str(intent.latest_charge), "expand": ["charge"]})
    assert rest.amount == 600
    assert isinstance(rest.charge, stripe.Charge)
    assert (rest.charge.refunded, rest.charge.amount_refunded) == (True, 1000)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"
    assert [one["amount"] for one in simulator.truth()["refunds"]] == [400, 600]


def test_the_balance_becomes_available_and_equals_its_moves(simulator: Simulator) -> None:
    simulator.advance(0)
    customer, method = simulator.customer_with_card()
    intent = simulator.pay(customer, method, amount=1000)
    balance = simulator.stripe.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (994, 0)
    simulator.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    simulator.advance(TWO_DAYS_S)
    balance = simulator.stripe.v1.balance.retrieve()
    moves = simulator.stripe.v1.balance_transactions.list().data
    assert balance.available[0].amount == sum(move.net for move in moves) == 694
    assert {move.status for move in moves} == {"available"}


def test_the_fee_is_the_operators_choice() -> None:
    with running(Options(fee_basis_points=290)) as simulator:
        customer, method = simulator.customer_with_card()
        simulator.pay(customer, method, amount=1000)
        assert simulator.truth()["charges"][0]["fee"] == 29


def test_cards_are_attached_listed_and_detached(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    customer, method = simulator.customer_with_card("pm_card_mastercard")
    listed = api.payment_methods.list({"customer": customer, "type": "card"}).data
    assert [one.id for one in listed] == [method]
    assert listed[0].card
    assert (listed[0].card.brand, listed[0].card.last4) == ("mastercard", "4444")
    assert api.customers.payment_methods.list(customer).data[0].id == method
    other, _ = simulator.customer_with_card()
    with pytest.raises(stripe.InvalidRequestError, match="belongs to another"):
        simulator.pay(other, method)
    assert api.payment_methods.detach(method).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        simulator.pay(customer, method)
    assert simulator.truth()["charges"] == []


def test_a_deleted_customer_is_gone_and_its_cards_are_detached(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    customer, method = simulator.customer_with_card()
    assert api.customers.delete(customer).deleted
    assert api.customers.retrieve(customer).deleted
    assert api.payment_methods.retrieve(method).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        simulator.pay(customer, method)


def test_what_is_wrong_is_refused_in_stripes_words(simulator: Simulator) -> None:
    create = simulator.stripe.v1.payment_intents.create
    for params, code, param in (
        ({"currency": "cny"}, "parameter_missing", "amount"),
        ({"amount": "x", "currency": "cny"}, "parameter_invalid_integer", "amount"),
        ({"amount": 0, "currency": "cny"}, "parameter_invalid_integer", "amount"),
        ({"amount": 10**9, "currency": "cny"}, "amount_too_large", "amount"),
        ({"amount": 1, "currency": "cny", "amuont": 1}, "parameter_unknown", "amuont"),
        ({"amount": 1, "currency": "cny", "customer": "cus_x"}, "resource_missing", "customer"),
        ({"amount": 1, "currency": "c¥y"}, None, "currency"),
        ({"amount": 1, "currency": "cny", "expand": ["metadata"]}, None, None),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            create(params)  # type: ignore[arg-type]
        assert caught.value.http_status == 400
        if param:
            assert (caught.value.code, caught.value.param) == (code, param)
    with pytest.raises(stripe.InvalidRequestError) as missing:
        simulator.stripe.v1.payment_intents.retrieve("pi_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_the_key_must_be_a_test_key(simulator: Simulator) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer sk_live_x"},
        {"Authorization": "Bearer sk_test_"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Digest x"},
    ):
        reply = simulator.http.get("/v1/customers", headers=headers)
        assert reply.status_code == 401
        assert reply.json()["error"]["type"] == "invalid_request_error"
    assert simulator.http.get("/v1/customers", auth=("sk_test_x", "")).status_code == 200


def test_the_same_seed_makes_the_same_ids() -> None:
    def ids(seed: int) -> list[str]:
        with running(Options(seed=seed)) as simulator:
            customer, method = simulator.customer_with_card()
            return [customer, method, simulator.pay(customer, method).id]

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))
