"""Transfers from the platform's balance to a connected account's, and back."""

from typing import TYPE_CHECKING

from gateway_sim.payments.errors import InvalidRequestError, NestedResourceMissingError
from gateway_sim.payments.operations import moves
from gateway_sim.payments.operations.params import (
    ListParams,
    Metadata,
    Page,
    Params,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.operations.records import MetadataParams
from gateway_sim.payments.shapes.account import Account
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.payment_method import BillingDetails
from gateway_sim.payments.shapes.refund import Refund
from gateway_sim.payments.shapes.transfer import Transfer, TransferReversal
from gateway_sim.payments.truth import TrueReversal, TrueTransfer

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

_DESTINATION = "destination"


class CreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom and how much; with `source_transaction` out of that charge, even while pending."""

    currency: str
    destination: str
    amount: int | None = None
    description: str | None = None
    metadata: Metadata | None = None
    source_transaction: str | None = None
    source_type: str | None = None
    transfer_group: str | None = None


class ReversalParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much comes back; without an amount all that is left."""

    amount: int | None = None
    description: str | None = None
    metadata: Metadata | None = None
    refund_application_fee: bool = False


def create(world: "World", params: CreateParams) -> Transfer:
    """Pass money on.

    Raises InvalidRequestError when it is not there, or the account may not receive any.
    """
    refuse_unable(world, params.destination, param="destination")
    source = _source_of(world, params)
    amount = source.amount if source and params.amount is None else params.amount
    if amount is None:
        msg = "Missing required param: amount."
        raise InvalidRequestError(msg, code="parameter_missing", param="amount")
    if amount < 1:
        msg = "This value must be greater than or equal to 1."
        raise InvalidRequestError(msg, code="parameter_invalid_integer", param="amount")
    currency = params.currency.lower()
    if source is None:
        moves.refuse_beyond_available(world, amount=amount, currency=currency)
    else:
        _refuse_beyond_source(world, source, amount=amount, currency=currency)
    transfer = _pass(world, params, amount=amount, currency=currency, source=source)
    transfer.metadata = merge_metadata({}, params.metadata)
    world.save(transfer)
    _witness(world, transfer)
    world.emit("transfer.created", transfer)
    return transfer


def refuse_unable(world: "World", account_id: str, *, param: str) -> None:
    """Raise InvalidRequestError when an account does not exist or may not receive transfers."""
    account = world.store.get(Account, account_id)
    if account is None:
        raise NestedResourceMissingError(_DESTINATION, account_id, param=param)
    if account.capabilities.get("transfers") != "active":
        msg = (
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments"
        )
        raise InvalidRequestError(msg, code="insufficient_capabilities_for_transfer")


def _source_of(world: "World", params: CreateParams) -> Charge | None:
    if params.source_transaction is None:
        return None
    charge = world.load(Charge, params.source_transaction, param="source_transaction")
    if not charge.paid:
        msg = f"The source_transaction {charge.id} has not been paid."
        raise InvalidRequestError(msg, param="source_transaction")
    return charge


def _refuse_beyond_source(world: "World", source: Charge, *, amount: int, currency: str) -> None:
    if currency != source.currency:
        msg = f"The currency of source_transaction's balance transaction is {source.currency}."
        raise InvalidRequestError(msg, param="currency")
    passed = sum(
        one.amount for one in world.store.find(Transfer, where={"source_transaction": source.id})
    )
    if passed + amount > source.amount:
        msg = (
            "You cannot use source_transaction to transfer more than the amount of the charge: "
            f"{source.amount - passed} of {source.amount} are left."
        )
        raise InvalidRequestError(msg, param="amount")


def _pass(
    world: "World", params: CreateParams, *, amount: int, currency: str, source: Charge | None
) -> Transfer:
    transfer_id, payment_id = world.ids.make("tr"), world.ids.make("py")
    now = world.clock.created()
    available_on = now
    group = params.transfer_group
    if source is not None:
        move = world.load(BalanceTransaction, str(source.balance_transaction))
        available_on = max(now, move.available_on)
        group = group or source.transfer_group or f"group_{source.payment_intent or source.id}"
        source.transfer_group = group
        world.save(source)
    taken = moves.book(
        world,
        kind="transfer",
        amount=-amount,
        currency=currency,
        source=transfer_id,
        description=params.description,
        available_on=available_on,
    )
    transfer = Transfer(
        id=transfer_id,
        created=now,
        amount=amount,
        balance_transaction=taken.id,
        currency=currency,
        description=params.description,
        destination=params.destination,
        destination_payment=payment_id,
        source_transaction=params.source_transaction,
        transfer_group=group,
    )
    with world.store.within(params.destination):
        _arrive(world, transfer, available_on=available_on)
    return transfer


def _arrive(world: "World", transfer: Transfer, *, available_on: int) -> None:
    move = moves.book(
        world,
        kind="payment",
        amount=transfer.amount,
        currency=transfer.currency,
        source=transfer.destination_payment,
        description=transfer.description,
        available_on=available_on,
    )
    payment = Charge(
        id=transfer.destination_payment,
        created=transfer.created,
        amount=transfer.amount,
        amount_captured=transfer.amount,
        balance_transaction=move.id,
        billing_details=BillingDetails(),
        captured=True,
        currency=transfer.currency,
        description=transfer.description,
        outcome=None,
        paid=True,
        payment_method_details={"stripe_account": {}, "type": "stripe_account"},
        source_transfer=transfer.id,
        status="succeeded",
    )
    world.save(payment)
    world.emit("payment.created", payment)


def reverse(world: "World", params: ReversalParams, transfer_id: str) -> TransferReversal:
    """Take money back from a connected account.

    Raises InvalidRequestError when it is more than was passed on or than is there.
    """
    transfer = world.load(Transfer, transfer_id)
    left = transfer.amount - transfer.amount_reversed
    amount = left if params.amount is None else params.amount
    if left == 0:
        msg = f"Transfer {transfer.id} has already been fully reversed."
        raise InvalidRequestError(msg)
    if not 1 <= amount <= left:
        msg = f"Reversal amount ({amount}) must be at least 1 and at most what is left ({left})."
        raise InvalidRequestError(msg, param="amount")
    with world.store.within(transfer.destination):
        moves.refuse_beyond_available(world, amount=amount, currency=transfer.currency)
    return take_back(world, transfer, amount, metadata=merge_metadata({}, params.metadata))


def take_back(
    world: "World",
    transfer: Transfer,
    amount: int,
    *,
    metadata: dict[str, str],
    source_refund: str | None = None,
) -> TransferReversal:
    """Reverse a transfer, even below zero: a refund with `reverse_transfer` does."""
    reversal_id, refund_id = world.ids.make("trr"), world.ids.make("pyr")
    with world.store.within(transfer.destination):
        _give_back(world, transfer, refund_id, amount, reversal_id)
    move = moves.book(
        world,
        kind="transfer_refund",
        amount=amount,
        currency=transfer.currency,
        source=reversal_id,
        description=f"REVERSAL OF TRANSFER ({transfer.id})",
    )
    reversal = TransferReversal(
        id=reversal_id,
        created=world.clock.created(),
        amount=amount,
        balance_transaction=move.id,
        currency=transfer.currency,
        destination_payment_refund=refund_id,
        metadata=metadata,
        source_refund=source_refund,
        transfer=transfer.id,
    )
    transfer.amount_reversed += amount
    transfer.reversed = transfer.amount_reversed == transfer.amount
    world.save(reversal)
    world.save(transfer)
    _witness_reversal(world, transfer, reversal)
    world.emit("transfer.reversed", transfer)
    return reversal


def _give_back(
    world: "World", transfer: Transfer, refund_id: str, amount: int, reversal_id: str
) -> None:
    payment = world.load(Charge, transfer.destination_payment)
    move = moves.book(
        world,
        kind="payment_refund",
        amount=-amount,
        currency=transfer.currency,
        source=refund_id,
        description=f"REFUND FOR PAYMENT ({payment.id})",
    )
    payment.amount_refunded += amount
    payment.refunded = payment.amount_refunded == payment.amount
    world.save(payment)
    refund = Refund(
        id=refund_id,
        created=world.clock.created(),
        amount=amount,
        balance_transaction=move.id,
        charge=payment.id,
        currency=transfer.currency,
        destination_details={"type": "stripe_account"},
        source_transfer_reversal=reversal_id,
    )
    world.save(refund)
    world.emit("charge.refunded", payment)


def update_reversal(
    world: "World", params: MetadataParams, transfer_id: str, reversal_id: str
) -> TransferReversal:
    """Change the metadata of a reversal."""
    reversal = retrieve_reversal(world, params, transfer_id, reversal_id)
    reversal.metadata = merge_metadata(reversal.metadata, params.metadata)
    world.save(reversal)
    return reversal


def retrieve_reversal(
    world: "World", _params: Params, transfer_id: str, reversal_id: str
) -> TransferReversal:
    """A reversal of a transfer."""
    world.load(Transfer, transfer_id)
    return world.load(TransferReversal, reversal_id)


def list_reversals(world: "World", params: ListParams, transfer_id: str) -> Page:
    """The reversals of a transfer, newest first."""
    world.load(Transfer, transfer_id)
    url = f"/v1/transfers/{transfer_id}/reversals"
    return list_page(world, TransferReversal, params, url=url, transfer=transfer_id)


def _witness(world: "World", transfer: Transfer) -> None:
    world.truth.transferred(
        TrueTransfer(
            transfer=transfer.id,
            balance_transaction=transfer.balance_transaction,
            destination=transfer.destination,
            source_transaction=transfer.source_transaction,
            transfer_group=transfer.transfer_group,
            amount=transfer.amount,
            currency=transfer.currency,
            idempotency_key=world.cause.idempotency_key,
            metadata=transfer.metadata,
            created=transfer.created,
        )
    )


def _witness_reversal(world: "World", transfer: Transfer, reversal: TransferReversal) -> None:
    world.truth.reversed(
        TrueReversal(
            reversal=reversal.id,
            transfer=transfer.id,
            balance_transaction=reversal.balance_transaction,
            destination=transfer.destination,
            amount=reversal.amount,
            currency=reversal.currency,
            idempotency_key=world.cause.idempotency_key,
            metadata=reversal.metadata,
            created=reversal.created,
        )
    )
