"""Giving money back."""

from uuid import UUID

from billing.core.attempt import Unknown
from billing.gateway import RefundAnswer, RefundDelayed, RefundFailed, RefundOrder
from billing.gateway_request import GatewayRequest, Json
from billing.providers.wechatpay.answers import refund_answer
from billing.providers.wechatpay.client import Refusal, Resource
from billing.providers.wechatpay.shapes import RefundShape
from billing.wechat_names import out_refund_no

_REFUND = "refund"
_QUERY = "query_refund"
_SHORT_OF_MONEY = "NOT_ENOUGH"
"""Of the merchant's account: what drivers pay today fills it again."""


class Refunds(Resource):
    """Refunds of orders."""

    def refund_request(self, order: RefundOrder) -> GatewayRequest:
        """Word a refund."""
        amount: dict[str, Json] = {
            "refund": order.amount_minor,
            "total": order.charged_minor,
            "currency": order.currency,
        }
        return GatewayRequest(
            operation=_REFUND,
            parameters={
                "out_refund_no": out_refund_no(order.refund_id),
                "transaction_id": order.charge_ref,
                "amount": amount,
                **self._connection.merchant,
            },
        )

    async def refund(self, request: GatewayRequest, *, idempotency_key: str) -> RefundAnswer:
        """Send a refund, or send it again: its own name is the key."""
        answer = await self._connection.call(_REFUND, request.parameters, RefundShape)
        match answer:
            case RefundShape():
                return refund_answer(answer)
            case Refusal():
                found = await self._refund(str(request.parameters["out_refund_no"]))
                return found or _refused(answer.code)
            case Unknown():
                return answer

    async def find_refund(self, *, payment_ref: str, refund_id: UUID) -> RefundAnswer | None:
        """Look for a refund whose answer was lost; None if it is not there."""
        return await self._refund(out_refund_no(refund_id))

    async def _refund(self, name: str) -> RefundAnswer | None:
        parameters: dict[str, Json] = {"out_refund_no": name, **self._connection.merchant}
        answer = await self._connection.call(_QUERY, parameters, RefundShape)
        match answer:
            case RefundShape():
                return refund_answer(answer)
            case Refusal(code="RESOURCE_NOT_EXISTS"):
                return None
            case Refusal():
                return Unknown(reason=f"the query was refused: {answer.code}")
            case Unknown():
                return answer


def _refused(code: str) -> RefundAnswer:
    return RefundDelayed(reason=code) if code == _SHORT_OF_MONEY else RefundFailed(reason=code)
