"""Refunds: never more than what was taken."""

from typing import TYPE_CHECKING

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import moves, transfers
from gateway_sim.payments.operations.params import Metadata, Params, merge_metadata
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.payment_intent import PaymentIntent
from gateway_sim.payments.shapes.refund import Refund
from gateway_sim.payments.shapes.transfer import Transfer
from gateway_sim.payments.truth import TrueRefund

if TYPE_CHECKING:
    from gateway_sim.payments.world import World


class CreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given back, and how much of it; without an amount all that is left."""

    amount: int | None = None
    charge: str | None = None
    metadata: Metadata | None = None
    payment_intent: str | None = None
    reason: str | None = None
    reverse_transfer: bool = False
    """Take the same share back from the account that the charge was passed on to."""


def create(world: "World", params: CreateParams) -> Refund:
    """Give money back.

    Raises InvalidRequestError when nothing was taken or the sum is more than what is left.
    """
    charge = _charge_of(world, params)
    amount = _checked_amount(charge, params.amount)
    refund_id = world.ids.make("re")
    move = _book(world, charge, refund_id, amount)
    reversal = (
        _reverse_transfer(world, charge, refund_id, amount) if params.reverse_transfer else None
    )
    refund = Refund(
        id=refund_id,
        created=world.clock.created(),
        amount=amount,
        balance_transaction=move.id,
        charge=charge.id,
        currency=charge.currency,
        customer=charge.customer,
        metadata=merge_metadata({}, params.metadata),
        payment_intent=charge.payment_intent,
        payment_method=charge.payment_method,
        reason=params.reason,
        transfer_reversal=reversal,
    )
    charge.amount_refunded += amount
    charge.refunded = charge.amount_refunded == charge.amount
    world.save(refund)
    world.save(charge)
    _witness(world, refund)
    world.emit("charge.refunded", charge)
    world.emit("refund.created", refund)
    return refund


def _charge_of(world: "World", params: CreateParams) -> Charge:
    if (params.charge is None) == (params.payment_intent is None):
        msg = (
            "One of the following params should be provided for this request: payment_intent or "
            "charge."
        )
        raise InvalidRequestError(msg)
    charge_id = params.charge
    if params.payment_intent is not None:
        intent = world.load(PaymentIntent, params.payment_intent, param="payment_intent")
        charge_id = intent.latest_charge if intent.status == "succeeded" else None
    if charge_id is None:
        msg = (
            f"This PaymentIntent ({params.payment_intent}) does not have a successful charge to "
            "refund."
        )
        raise InvalidRequestError(msg, param="payment_intent")
    charge = world.load(Charge, charge_id, param="charge")
    if not charge.paid:
        msg = f"Charge {charge.id} has not been paid and cannot be refunded."
        raise InvalidRequestError(msg, param="charge")
    return charge


def _checked_amount(charge: Charge, asked: int | None) -> int:
    if charge.withdrawn:
        msg = f"Charge {charge.id} has been charged back; cannot issue a refund."
        raise InvalidRequestError(msg, code="charge_disputed")
    left = charge.amount - charge.amount_refunded
    if left == 0:
        msg = f"Charge {charge.id} has already been refunded."
        raise InvalidRequestError(msg, code="charge_already_refunded")
    amount = left if asked is None else asked
    if amount < 1:
        msg = "Invalid positive integer"
        raise InvalidRequestError(msg, code="parameter_invalid_integer", param="amount")
    if amount > left:
        msg = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise InvalidRequestError(msg, param="amount")
    return amount


def _book(world: "World", charge: Charge, refund_id: str, amount: int) -> BalanceTransaction:
    # The gateway keeps its fee of the charge, and takes none for the refund.
    return moves.book(
        world,
        kind="refund",
        amount=-amount,
        currency=charge.currency,
        source=refund_id,
        description=f"REFUND FOR CHARGE ({charge.description or charge.id})",
    )


def _reverse_transfer(world: "World", charge: Charge, refund_id: str, amount: int) -> str:
    if charge.transfer is None:
        msg = f"Charge {charge.id} does not have an associated transfer to reverse."
        raise InvalidRequestError(msg, param="reverse_transfer")
    transfer = world.load(Transfer, charge.transfer)
    share = min(
        amount * transfer.amount // charge.amount, transfer.amount - transfer.amount_reversed
    )
    if share < 1:
        msg = f"Transfer {transfer.id} has already been fully reversed."
        raise InvalidRequestError(msg, param="reverse_transfer")
    return transfers.take_back(world, transfer, share, metadata={}, source_refund=refund_id).id


def _witness(world: "World", refund: Refund) -> None:
    world.truth.refunded(
        TrueRefund(
            refund=refund.id,
            charge=refund.charge,
            payment_intent=refund.payment_intent,
            balance_transaction=refund.balance_transaction,
            customer=refund.customer,
            amount=refund.amount,
            currency=refund.currency,
            idempotency_key=world.cause.idempotency_key,
            metadata=refund.metadata,
            created=refund.created,
        )
    )
