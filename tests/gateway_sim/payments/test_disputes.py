"""Disputes: the money goes when they open, comes back when they are won, and the fee stays."""

from typing import Any

import pytest
import stripe

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running

DAY_S = 24 * 3600
FEE = 1500


def disputed(simulator: Simulator, card: str = "pm_card_createDispute") -> stripe.Dispute:
    simulator.pay(*simulator.customer_with_card(card), amount=10_000)
    return simulator.stripe.v1.disputes.list().data[0]


def net(simulator: Simulator) -> int:
    """What is on the balance, available or not."""
    balance = simulator.stripe.v1.balance.retrieve()
    return balance.available[0].amount + balance.pending[0].amount


def event_types(simulator: Simulator, word: str) -> list[str]:
    events = simulator.stripe.v1.events.list({"limit": 100}).data
    return [event.type for event in reversed(events) if word in event.type]


def test_a_dispute_takes_the_money_and_a_fee_at_once(simulator: Simulator) -> None:
    dispute = disputed(simulator)
    assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
    (withdrawal,) = dispute.balance_transactions
    assert (withdrawal.amount, withdrawal.fee, withdrawal.net) == (-10_000, FEE, -10_000 - FEE)
    assert (withdrawal.type, withdrawal.reporting_category) == ("adjustment", "dispute")
    assert net(simulator) == 10_000 - 60 - 10_000 - FEE
    charge = simulator.stripe.v1.charges.retrieve(str(dispute.charge))
    assert charge.disputed
    with pytest.raises(stripe.InvalidRequestError) as caught:
        simulator.stripe.v1.refunds.create({"charge": charge.id})
    assert caught.value.code == "charge_disputed"


@pytest.mark.parametrize(("evidence", "status"), [("winning", "won"), ("losing", "lost")])
def test_evidence_decides(simulator: Simulator, evidence: str, status: str) -> None:
    dispute = disputed(simulator)
    update = simulator.stripe.v1.disputes.update
    staged = update(dispute.id, {"evidence": {"customer_name": "李"}, "submit": False})
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    words: Any = {"uncategorized_text": f"{evidence}_evidence"}
    decided = update(dispute.id, {"evidence": words, "expand": ["charge"]})
    assert (decided.status, decided.evidence.customer_name) == (status, "李")
    kept = 10_000 if status == "won" else 0
    assert net(simulator) == 10_000 - 60 - 10_000 - FEE + kept
    steps = [(one["what"], one["amount"], one["fee"]) for one in simulator.truth()["disputes"]]
    returned = [("reinstated", 10_000, 0)] if status == "won" else []
    assert steps == [("withdrawn", 10_000, FEE), *returned]
    assert event_types(simulator, "dispute") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.closed",
        *(["charge.dispute.funds_reinstated"] if status == "won" else []),
    ]
    for late in ({"evidence": words}, {"evidence": {"no_such": "x"}}):
        with pytest.raises(stripe.InvalidRequestError):
            update(dispute.id, late)  # type: ignore[arg-type]


def test_other_evidence_waits_for_the_bank(simulator: Simulator) -> None:
    dispute = disputed(simulator)
    told = simulator.stripe.v1.disputes.update(dispute.id, {"evidence": {"receipt": "r"}})
    assert told.status == "under_review"
    simulator.advance(30 * DAY_S)
    assert simulator.stripe.v1.disputes.retrieve(dispute.id).status == "under_review"
    decided = simulator.control("disputes/decision", dispute=dispute.id, outcome="won")
    assert decided["status"] == "won"


def test_silence_and_giving_in_lose(simulator: Simulator) -> None:
    silent, given_in = disputed(simulator), disputed(simulator)
    assert simulator.stripe.v1.disputes.close(given_in.id).status == "lost"
    simulator.advance(6 * DAY_S)
    assert simulator.stripe.v1.disputes.retrieve(silent.id).status == "needs_response"
    simulator.advance(2 * DAY_S)
    lost = simulator.stripe.v1.disputes.retrieve(silent.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


def test_an_inquiry_takes_no_money_until_it_is_escalated(simulator: Simulator) -> None:
    first, second = (disputed(simulator, "pm_card_createDisputeInquiry") for _ in range(2))
    assert (first.status, first.balance_transactions) == ("warning_needs_response", [])
    assert simulator.stripe.v1.disputes.close(first.id).status == "warning_closed"
    escalate: Any = {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    escalated = simulator.stripe.v1.disputes.update(second.id, escalate)
    assert (escalated.status, len(escalated.balance_transactions)) == ("needs_response", 1)


def test_disputes_may_be_arranged(simulator: Simulator) -> None:
    simulator.advance(0)
    paid = simulator.pay(*simulator.customer_with_card(), amount=5000)
    simulator.control(
        "disputes",
        payment_intent=paid.id,
        reason="product_not_received",
        amount=3000,
        after_seconds=5 * DAY_S,
        outcome="won",
        decided_after_seconds=10 * DAY_S,
    )
    assert simulator.stripe.v1.disputes.list().data == []
    opened_at = int(simulator.http.get("/_sim/clock").json()["now"]) + 5 * DAY_S
    simulator.advance(20 * DAY_S)
    (dispute,) = simulator.stripe.v1.disputes.list({"payment_intent": paid.id}).data
    # The clock jumped, yet everything happened at its own time.
    assert (dispute.status, dispute.amount, dispute.created) == ("won", 3000, opened_at)
    again = simulator.control("disputes", charge=dispute.charge, outcome="lost")
    assert again["outcome"] == "lost"
    assert simulator.stripe.v1.disputes.list().data[0].status == "lost"


def test_a_refunded_charge_is_disputed_no_more(simulator: Simulator) -> None:
    simulator.advance(0)
    paid = simulator.pay(*simulator.customer_with_card())
    simulator.control("disputes", payment_intent=paid.id, after_seconds=DAY_S)
    simulator.stripe.v1.refunds.create({"payment_intent": paid.id})
    simulator.advance(2 * DAY_S)
    assert simulator.stripe.v1.disputes.list().data == []


def test_a_bank_that_has_not_heard_of_a_refund_takes_the_money_again(simulator: Simulator) -> None:
    simulator.advance(0)
    paid = simulator.pay(*simulator.customer_with_card(), amount=10_000)
    simulator.stripe.v1.refunds.create({"payment_intent": paid.id})
    simulator.control("disputes", payment_intent=paid.id, despite_refund=True, outcome="lost")
    (dispute,) = simulator.stripe.v1.disputes.list().data
    assert (dispute.status, dispute.amount) == ("lost", 10_000)
    assert net(simulator) == 10_000 - 60 - 10_000 - 10_000 - FEE


def test_the_fee_is_the_operators_choice() -> None:
    with running(Options(dispute_fee_minor=0)) as simulator:
        assert disputed(simulator).balance_transactions[0].fee == 0
