"""The words in which Stripe is asked for things. Pure: what is worded here is stored, then sent."""

from billing.gateway import (
    ChargeOrder,
    CheckoutOrder,
    RefundOrder,
    ReversalOrder,
    SetupOrder,
    TransferOrder,
)
from billing.gateway_request import GatewayRequest, Json
from parking.core.ids import PaymentId

CREATE_INTENT = "payment_intents.create"
CONFIRM_INTENT = "payment_intents.confirm"
CREATE_PAGE = "checkout.sessions.create"
CREATE_REFUND = "refunds.create"
CREATE_TRANSFER = "transfers.create"
CREATE_REVERSAL = "transfers.reversals.create"
EXPAND_CHARGE = "latest_charge"


def charge(order: ChargeOrder) -> GatewayRequest:
    """Word a charge: the first makes the payment intent, later ones confirm the same again."""
    if order.payment_ref is not None:
        return GatewayRequest(
            operation=CONFIRM_INTENT,
            parameters={
                "intent": order.payment_ref,
                "payment_method": order.method_ref,
                "off_session": True,
                "expand": [EXPAND_CHARGE],
            },
        )
    return GatewayRequest(
        operation=CREATE_INTENT,
        parameters={
            "amount": order.amount_minor,
            "currency": order.currency.lower(),
            "customer": order.customer_ref,
            "payment_method": order.method_ref,
            "payment_method_types": ["card"],
            "confirm": True,
            "off_session": True,
            "metadata": _metadata(order.payment_id, order.trace_id),
            "expand": [EXPAND_CHARGE],
        },
    )


def checkout(order: CheckoutOrder) -> GatewayRequest:
    """Word a payment page for one sum."""
    item: dict[str, Json] = {
        "price_data": {
            "currency": order.currency.lower(),
            "unit_amount": order.amount_minor,
            "product_data": {"name": order.title},
        },
        "quantity": 1,
    }
    return GatewayRequest(
        operation=CREATE_PAGE,
        parameters={
            "mode": "payment",
            "payment_method_types": ["card"],
            "line_items": [item],
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            "expires_at": int(order.expires_at.timestamp()),
            "metadata": _metadata(order.payment_id, order.trace_id),
            "payment_intent_data": {"metadata": _metadata(order.payment_id, order.trace_id)},
        },
    )


def setup(order: SetupOrder) -> GatewayRequest:
    """Word a page on which a card is left."""
    return GatewayRequest(
        operation=CREATE_PAGE,
        parameters={
            "mode": "setup",
            "payment_method_types": ["card"],
            "customer": order.customer_ref,
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            "metadata": {"setup_id": str(order.setup_id), "account_id": str(order.account_id)},
        },
    )


def refund(order: RefundOrder) -> GatewayRequest:
    """Word a refund."""
    return GatewayRequest(
        operation=CREATE_REFUND,
        parameters={
            "payment_intent": order.payment_ref,
            "amount": order.amount_minor,
            "metadata": {
                "refund_id": str(order.refund_id),
                **_metadata(order.payment_id, order.trace_id),
            },
        },
    )


def transfer(order: TransferOrder) -> GatewayRequest:
    """Word a transfer; its group is the settlement, by which it is found again."""
    return GatewayRequest(
        operation=CREATE_TRANSFER,
        parameters={
            "amount": order.amount_minor,
            "currency": order.currency.lower(),
            "destination": order.account_ref,
            "transfer_group": str(order.settlement_id),
            "metadata": {
                "payout_id": str(order.payout_id),
                "settlement_id": str(order.settlement_id),
            },
        },
    )


def reversal(order: ReversalOrder) -> GatewayRequest:
    """Word the reversal of a transfer."""
    return GatewayRequest(
        operation=CREATE_REVERSAL,
        parameters={
            "transfer": order.transfer_ref,
            "amount": order.amount_minor,
            "metadata": {"payout_id": str(order.payout_id)},
        },
    )


def _metadata(payment_id: PaymentId, trace_id: str) -> dict[str, Json]:
    return {"payment_id": str(payment_id), "trace_id": trace_id}
