"""Deductions (扣费受理): one order for one registered stay, accepted now and decided later."""

from datetime import datetime, timedelta

from billing.core.attempt import (
    DeclineClass,
    Declined,
    NotExecuted,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from billing.gateway import CalledOff, CallOffAnswer, ChargeOrder
from billing.gateway_request import GatewayRequest, Json
from billing.providers.wechatpay.answers import colour_word, moment, outcome_of
from billing.providers.wechatpay.client import Refusal, Resource
from billing.providers.wechatpay.shapes import TransactionShape
from billing.registering import RegisteredStay
from billing.wechat_names import out_trade_no, payment_of
from parking.core.errors import DomainError
from parking.core.ids import PaymentId

_ORDER = "parking_order"
_QUERY = "parking_order_query"
_NOT_THERE = "RESOURCE_NOT_EXISTS", "ORDER_NOT_EXIST"


class ForeignOrderError(DomainError):
    """The order belongs to another payment than the one that we asked about."""

    def __init__(self, ref: str, *, payment_id: PaymentId) -> None:
        super().__init__(f"order {ref} at WeChat is not of payment {payment_id}")


class NoStayError(DomainError):
    """WeChat deducts for a registered stay, and for nothing else."""

    def __init__(self, payment_id: PaymentId) -> None:
        super().__init__(f"payment {payment_id} has no registered stay to deduct for")


class Deductions(Resource):
    """Orders."""

    def charge_request(self, order: ChargeOrder) -> GatewayRequest:
        """Word an order. Raises NoStayError, UnknownColourError."""
        if order.stay is None:
            raise NoStayError(order.payment_id)
        return GatewayRequest(
            operation=_ORDER,
            parameters={
                "description": f"停车费 {order.stay.lot_name}"[:128],
                "out_trade_no": out_trade_no(order.payment_id, order.attempt),
                "total": order.amount_minor,
                "currency": order.currency,
                "attach": order.trace_id,
                **_parking(order.stay),
                **self._connection.merchant_app,
            },
        )

    async def charge(self, request: GatewayRequest, *, idempotency_key: str) -> Outcome:
        """Send an order, or send it again: its own name is the key.

        WeChat refuses a name that it knows once the order is decided, so whatever it refuses is
        looked up: only what is not there was never taken.
        """
        answer = await self._connection.call(_ORDER, request.parameters, TransactionShape)
        if isinstance(answer, TransactionShape):
            return outcome_of(answer)
        if isinstance(answer, Unknown):
            return answer
        found = await self._order(str(request.parameters["out_trade_no"]))
        if isinstance(found, NotExecuted):
            return Declined(decline_class=DeclineClass.REFUSED, code=answer.code, ended=True)
        return found

    async def look_up(self, payment_ref: str, *, payment_id: PaymentId) -> Outcome:
        """Ask what became of an order."""
        if payment_of(payment_ref) != payment_id:
            raise ForeignOrderError(payment_ref, payment_id=payment_id)
        return await self._order(payment_ref)

    async def find(
        self, request: GatewayRequest, *, payment_id: PaymentId, since: datetime
    ) -> Outcome:
        """Ask for an order whose answer was lost; its name is in the request."""
        return await self.look_up(str(request.parameters["out_trade_no"]), payment_id=payment_id)

    async def call_off(self, payment_ref: str, *, payment_id: PaymentId) -> CallOffAnswer:
        """Say whether an order can still succeed: WeChat has no way to take one back."""
        match await self.look_up(payment_ref, payment_id=payment_id):
            case Succeeded() | Pending() | Unknown() as outcome:
                return outcome
            case _:
                return CalledOff()

    async def _order(self, name: str) -> Outcome:
        parameters: dict[str, Json] = {"out_trade_no": name, **self._connection.merchant}
        answer = await self._connection.call(_QUERY, parameters, TransactionShape)
        match answer:
            case TransactionShape():
                return outcome_of(answer)
            case Refusal(code=code) if code in _NOT_THERE:
                return NotExecuted(reason="WeChat has no such order")
            case Refusal():
                return Unknown(reason=f"the query was refused: {answer.code}")
            case Unknown():
                return answer


def _parking(stay: RegisteredStay) -> dict[str, Json]:
    # WeChat refuses a stay that takes no time at all.
    left_at = max(stay.left_at, stay.entered_at + timedelta(seconds=1))
    return {
        "parking_id": stay.registration_ref,
        "plate_number": stay.plate,
        "plate_color": colour_word(stay.colour),
        "start_time": moment(stay.entered_at),
        "end_time": moment(left_at),
        "parking_name": stay.lot_name,
        "charging_duration": int((left_at - stay.entered_at).total_seconds()),
        "device_id": stay.lot_id[:32],
    }
