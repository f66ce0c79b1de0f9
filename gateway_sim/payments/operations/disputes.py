"""Disputes: the bank takes the money back, hears both sides, and keeps it or returns it."""

from typing import TYPE_CHECKING, Any, Literal

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import moves
from gateway_sim.payments.operations.params import Metadata, Params, merge_metadata
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.dispute import EVIDENCE, Dispute, EvidenceDetails
from gateway_sim.payments.truth import TrueDispute

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

Outcome = Literal["won", "lost"]
WINNING = "winning_evidence"
LOSING = "losing_evidence"
"""Stripe's own words, as `uncategorized_text`, that decide a dispute in test mode."""
ESCALATING = "escalate_inquiry_evidence"
REASON_CODES = {
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "general": "13.9",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "unrecognized": "10.4",
}
_UNDECIDED = {"needs_response", "under_review"}
_INQUIRY = {"warning_needs_response", "warning_under_review"}


class UpdateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence; it is submitted at once unless `submit` is false."""

    evidence: dict[str, Any] | str | None = None
    metadata: Metadata | None = None
    submit: bool = True


def open_dispute(
    world: "World",
    charge: Charge,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    inquiry: bool = False,
    despite_refund: bool = False,
    decided_elsewhere: bool = False,
) -> Dispute:
    """The payer complains: the bank takes the money and asks for evidence; an inquiry only asks.

    What was refunded is not disputed again, unless the bank has not heard of the refund.
    Silence loses it, unless it is decided elsewhere (a script says how it ends).
    Raises InvalidRequestError when the charge cannot be disputed or not for as much.
    """
    given_back = 0 if despite_refund else charge.amount_refunded
    left = charge.amount - given_back
    asked = _disputed_amount(world, charge, reason=reason, amount=amount, left=left)
    dispute = Dispute(
        id=world.ids.make("du"),
        created=world.clock.created(),
        amount=asked,
        charge=charge.id,
        currency=charge.currency,
        enhanced_eligibility_types=[],
        evidence_details=EvidenceDetails(
            due_by=world.clock.created() + world.terms.response_days * moves.DAY_S
        ),
        is_charge_refundable=inquiry,
        payment_intent=charge.payment_intent,
        payment_method_details=_card_details(charge, reason, inquiry=inquiry),
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    charge.disputed = True
    world.save(charge)
    if not inquiry:
        _withdraw(world, dispute, charge)
    world.save(dispute)
    if not decided_elsewhere:
        due_by = dispute.evidence_details.due_by
        world.agenda.add("dispute_due", at=float(due_by or 0), body={"dispute": dispute.id})
    world.emit("charge.dispute.created", dispute)
    if not inquiry:
        world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _disputed_amount(
    world: "World", charge: Charge, *, reason: str, amount: int | None, left: int
) -> int:
    if reason not in REASON_CODES:
        msg = f"No such reason: {reason[:40]}. There are: {', '.join(REASON_CODES)}."
        raise InvalidRequestError(msg, param="reason")
    known = world.store.find(Dispute, where={"charge": charge.id})
    if any(one.status in _UNDECIDED | _INQUIRY | {"lost"} for one in known):
        msg = f"Charge {charge.id} is disputed already."
        raise InvalidRequestError(msg, param="charge")
    asked = left if amount is None else amount
    if not charge.paid or not 1 <= asked <= left:
        msg = f"Of charge {charge.id} {left if charge.paid else 0} can be disputed."
        raise InvalidRequestError(msg, param="amount")
    return asked


def _card_details(charge: Charge, reason: str, *, inquiry: bool) -> "JsonObject":
    brand = charge.payment_method_details["card"]["brand"]
    card = {
        "brand": brand,
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": brand,
        "network_reason_code": REASON_CODES[reason],
    }
    return {"card": card, "type": "card"}


def _withdraw(world: "World", dispute: Dispute, charge: Charge) -> None:
    move = moves.book(
        world,
        kind="dispute",
        amount=-dispute.amount,
        currency=dispute.currency,
        source=dispute.id,
        description=f"Chargeback withdrawal for {charge.id}",
        fee=world.terms.dispute_fee_minor,
    )
    dispute.balance_transactions = [*dispute.balance_transactions, move.id]
    dispute.is_charge_refundable = False
    charge.withdrawn += dispute.amount
    world.save(charge)
    _witness(world, dispute, what="withdrawn", move=move.id, fee=move.fee)


def _reinstate(world: "World", dispute: Dispute) -> None:
    charge = world.load(Charge, dispute.charge)
    move = moves.book(
        world,
        kind="dispute_reversal",
        amount=dispute.amount,
        currency=dispute.currency,
        source=dispute.id,
        description=f"Chargeback reversal for {charge.id}",
    )
    dispute.balance_transactions = [*dispute.balance_transactions, move.id]
    charge.withdrawn -= dispute.amount
    world.save(charge)
    _witness(world, dispute, what="reinstated", move=move.id, fee=0)


def update(world: "World", params: UpdateParams, dispute_id: str) -> Dispute:
    """Give evidence; Stripe's magic words decide at once, other evidence waits for the bank.

    Raises InvalidRequestError when it is decided already or unknown evidence is given.
    """
    dispute = world.load(Dispute, dispute_id)
    dispute.metadata = merge_metadata(dispute.metadata, params.metadata)
    if params.evidence is not None:
        _give(world, dispute, params.evidence)
        world.save(dispute)
        if params.submit:
            return _submit(world, dispute)
    world.save(dispute)
    world.emit("charge.dispute.updated", dispute)
    return dispute


def _give(world: "World", dispute: Dispute, evidence: "dict[str, Any] | str") -> None:
    given = evidence if isinstance(evidence, dict) else {}
    if unknown := given.keys() - {*EVIDENCE, "enhanced_evidence"}:
        param = f"evidence[{min(unknown)}]"
        msg = f"Received unknown parameter: {param}"
        raise InvalidRequestError(msg, code="parameter_unknown", param=param)
    details = dispute.evidence_details
    open_still = dispute.status in {"needs_response", "warning_needs_response"}
    if not open_still or world.clock.now() >= (details.due_by or 0):
        msg = "This dispute is already closed or under review; evidence can no longer be given."
        raise InvalidRequestError(msg)
    texts = {name: value or None for name, value in given.items()}
    dispute.evidence = {**dispute.evidence, **texts}
    details.has_evidence = any(dispute.evidence[name] for name in EVIDENCE)


def _submit(world: "World", dispute: Dispute) -> Dispute:
    dispute.evidence_details.submission_count += 1
    inquiry = dispute.status == "warning_needs_response"
    dispute.status = "warning_under_review" if inquiry else "under_review"
    world.save(dispute)
    world.emit("charge.dispute.updated", dispute)
    match dispute.evidence["uncategorized_text"]:
        case text if text == WINNING:
            return decide(world, dispute.id, "won")
        case text if text == LOSING:
            return decide(world, dispute.id, "lost")
        case text if text == ESCALATING and inquiry:
            return _escalate(world, dispute)
    return dispute


def _escalate(world: "World", dispute: Dispute) -> Dispute:
    """An inquiry becomes a chargeback."""
    dispute.status = "needs_response"
    _withdraw(world, dispute, world.load(Charge, dispute.charge))
    world.save(dispute)
    world.emit("charge.dispute.funds_withdrawn", dispute)
    world.emit("charge.dispute.updated", dispute)
    return dispute


def accept(world: "World", _params: Params, dispute_id: str) -> Dispute:
    """Give in (`close`): the dispute is lost."""
    return decide(world, dispute_id, "lost")


def decide(world: "World", dispute_id: str, outcome: Outcome) -> Dispute:
    """The bank decides.

    Raises InvalidRequestError when it has done so before.
    """
    dispute = world.load(Dispute, dispute_id)
    if dispute.status in _INQUIRY:
        dispute.status = "warning_closed"
    elif dispute.status in _UNDECIDED:
        dispute.status = outcome
    else:
        msg = f"This dispute is already closed: it has a status of {dispute.status}."
        raise InvalidRequestError(msg)
    if dispute.status == "won":
        _reinstate(world, dispute)
    world.save(dispute)
    world.emit("charge.dispute.closed", dispute)
    if dispute.status == "won":
        world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def time_is_up(world: "World", dispute_id: str) -> None:
    """The day for evidence has passed: without any, the dispute is lost."""
    dispute = world.load(Dispute, dispute_id)
    if dispute.status in {"needs_response", "warning_needs_response"}:
        decide(world, dispute_id, "lost")


def _witness(
    world: "World",
    dispute: Dispute,
    *,
    what: Literal["withdrawn", "reinstated"],
    move: str,
    fee: int,
) -> None:
    world.truth.disputed(
        TrueDispute(
            what=what,
            dispute=dispute.id,
            charge=dispute.charge,
            payment_intent=dispute.payment_intent,
            balance_transaction=move,
            amount=dispute.amount,
            fee=fee,
            currency=dispute.currency,
            created=world.clock.created(),
        )
    )
