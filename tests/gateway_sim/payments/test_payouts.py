"""Payouts: out of what is available, by hand or by schedule, and back when the bank refuses."""

from typing import Any

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running

DAY_S = 24 * 3600
NOON = 1_800_014_400
"""Of 15 January 2027, UTC: a Friday."""


def available(simulator: Simulator, account: str | None = None) -> int:
    options: Any = {"stripe_account": account} if account else {}
    return simulator.stripe.v1.balance.retrieve(None, options).available[0].amount


def earn(simulator: Simulator, amount: int = 10_000) -> None:
    simulator.pay(*simulator.customer_with_card("pm_card_bypassPending"), amount=amount)


def test_a_payout_leaves_and_arrives(simulator: Simulator) -> None:
    simulator.advance(0)
    earn(simulator)
    create = simulator.stripe.v1.payouts.create
    payout = create({"amount": 9000, "currency": "cny", "metadata": {"day": "1"}})
    assert (payout.status, payout.automatic) == ("pending", False)
    assert available(simulator) == 940
    with pytest.raises(stripe.InvalidRequestError) as caught:
        create({"amount": 941, "currency": "cny"})
    assert caught.value.code == "balance_insufficient"
    simulator.advance(3600)
    assert simulator.stripe.v1.payouts.retrieve(payout.id).status == "in_transit"
    with pytest.raises(stripe.InvalidRequestError):
        simulator.stripe.v1.payouts.cancel(payout.id)
    simulator.advance(2 * DAY_S)
    assert simulator.stripe.v1.payouts.retrieve(payout.id).status == "paid"
    assert simulator.stripe.v1.payouts.list({"status": "paid"}).data[0].id == payout.id
    ahead: Any = {"arrival_date": {"gt": payout.arrival_date}}
    assert simulator.stripe.v1.payouts.list(ahead).data == []
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic"):
        simulator.stripe.v1.balance_transactions.list({"payout": payout.id})


def test_a_payout_comes_back(simulator: Simulator) -> None:
    simulator.advance(0)
    earn(simulator)
    payout = simulator.stripe.v1.payouts.create({"amount": 9000, "currency": "cny"})
    simulator.advance(3 * DAY_S)
    # Told to be paid, and failed all the same, days later.
    simulator.control("payouts/failure", payout=payout.id, code="no_account")
    failed = simulator.stripe.v1.payouts.retrieve(
        payout.id, {"expand": ["failure_balance_transaction"]}
    )
    assert (failed.status, failed.failure_code) == ("failed", "no_account")
    move = failed.failure_balance_transaction
    assert isinstance(move, stripe.BalanceTransaction)
    assert (move.type, move.amount) == ("payout_failure", 9000)
    assert available(simulator) == 9940
    assert [one["what"] for one in simulator.truth()["payouts"]] == ["payout", "payout_failed"]


def test_a_bank_that_refuses_fails_every_payout(simulator: Simulator) -> None:
    simulator.advance(0)
    earn(simulator)
    account = simulator.operator(number="000111111113")
    transfer: Any = {"amount": 500, "currency": "cny", "destination": account}
    simulator.stripe.v1.transfers.create(transfer)
    behalf: Any = {"stripe_account": account}
    payout = simulator.stripe.v1.payouts.create({"amount": 500, "currency": "cny"}, behalf)
    simulator.advance(3 * DAY_S)
    failed = simulator.stripe.v1.payouts.retrieve(payout.id, None, behalf)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert available(simulator, account) == 500


def test_automatic_payouts_are_made_of_their_moves() -> None:
    with running(Options(seed=7, payout_interval="daily")) as simulator:
        simulator.control("clock", now=NOON)
        earned: dict[int, int] = {}
        for day in range(4):
            for amount in (1000 + day, 2000):
                simulator.pay(*simulator.customer_with_card(), amount=amount)
            earned[day] = 3000 + day - 6 - 12
            simulator.advance(DAY_S)
        simulator.advance(4 * DAY_S)
        payouts = simulator.stripe.v1.payouts.list({"limit": 100}).data[::-1]
        assert [one.amount for one in payouts] == list(earned.values())
        assert {(one.status, one.automatic) for one in payouts} == {("paid", True)}
        assert {one.created % DAY_S for one in payouts} == {0}
        for payout in payouts:
            moves = simulator.stripe.v1.balance_transactions.list({"payout": payout.id}).data
            assert [move.type for move in moves] == ["payout", "charge", "charge"]
            assert sum(move.net for move in moves) == 0
        assert available(simulator) == 0


@pytest.mark.parametrize(("interval", "days"), [("weekly", {3, 10, 17}), ("monthly", {17})])
def test_other_schedules(interval: str, days: set[int]) -> None:
    with running(Options(seed=7, payout_interval=interval)) as simulator:
        simulator.control("clock", now=NOON)
        for _ in range(20):
            earn(simulator, 1000)
            simulator.advance(DAY_S)
        made = {
            (one.created - NOON) // DAY_S + 1 for one in simulator.stripe.v1.payouts.list().data
        }
        assert made == days


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "refund", "dispute", "transfer", "reverse", "payout", "day"]),
        st.integers(1, 3000),
    ),
    max_size=15,
)


@settings(max_examples=20)
@given(steps=STEPS)
def test_whatever_happens_balances_are_the_sum_of_their_moves(steps: list[tuple[str, int]]) -> None:
    with running(Options(seed=7, payout_interval="daily")) as simulator:
        simulator.control("clock", now=NOON)
        account = simulator.operator(interval="daily")
        for what, amount in steps:
            try:
                step(simulator, what, amount, account)
            except stripe.InvalidRequestError:
                continue
        truth = simulator.truth()
        assert total(simulator) == money_in_truth(truth)
        passed = sum(one["amount"] for one in truth["transfers"])
        back = sum(one["amount"] for one in truth["reversals"])
        assert total(simulator, account) == passed - back - paid_out(truth, account)


def step(simulator: Simulator, what: str, amount: int, account: str) -> None:
    api = simulator.stripe.v1
    match what:
        case "earn":
            earn(simulator, amount)
        case "refund":
            charges = api.charges.list().data
            if charges:
                api.refunds.create({"charge": charges[-1].id, "amount": amount})
        case "dispute":
            simulator.pay(*simulator.customer_with_card("pm_card_createDispute"), amount=amount)
        case "transfer":
            api.transfers.create({"amount": amount, "currency": "cny", "destination": account})
        case "reverse":
            for transfer in api.transfers.list({"limit": 1}).data:
                api.transfers.reversals.create(transfer.id)
        case "payout":
            api.payouts.create({"amount": amount, "currency": "cny"})
        case "day":
            simulator.advance(DAY_S)


def total(simulator: Simulator, account: str | None = None) -> int:
    options: Any = {"stripe_account": account} if account else {}
    balance = simulator.stripe.v1.balance.retrieve(None, options)
    moves = simulator.stripe.v1.balance_transactions.list({"limit": 100}, options)
    said = balance.available[0].amount + balance.pending[0].amount
    assert said == sum(move.net for move in moves.auto_paging_iter())
    return said


def money_in_truth(truth: dict[str, Any]) -> int:
    disputes = {"withdrawn": -1, "reinstated": 1}
    return (
        sum(one["amount"] - one["fee"] for one in truth["charges"])
        - sum(one["amount"] for one in truth["refunds"])
        + sum(disputes[one["what"]] * one["amount"] - one["fee"] for one in truth["disputes"])
        - sum(one["amount"] for one in truth["transfers"])
        + sum(one["amount"] for one in truth["reversals"])
        - paid_out(truth, None)
    )


def paid_out(truth: dict[str, Any], account: str | None) -> int:
    signs = {"payout": 1, "payout_canceled": -1, "payout_failed": -1}
    return sum(
        signs[one["what"]] * one["amount"] for one in truth["payouts"] if one["account"] == account
    )
