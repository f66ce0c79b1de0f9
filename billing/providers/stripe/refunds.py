"""Giving money back."""

from typing import Any
from uuid import UUID

import stripe

from billing.gateway import RefundAnswer, RefundBlocked, RefundFailed, RefundOrder
from billing.gateway_request import GatewayRequest
from billing.providers.stripe import requests
from billing.providers.stripe.answers import refund_answer
from billing.providers.stripe.client import PAGE, Resource, keyed, unknown
from billing.providers.stripe.shapes import RefundShape, read

_DISPUTED = "charge_disputed"


class Refunds(Resource):
    """Refunds of payment intents."""

    def refund_request(self, order: RefundOrder) -> GatewayRequest:
        """Word a refund."""
        return requests.refund(order)

    async def refund(self, request: GatewayRequest, *, idempotency_key: str) -> RefundAnswer:
        """Send a refund, or send it again."""
        parameters: Any = request.parameters
        try:
            answer = await self._client.v1.refunds.create_async(parameters, keyed(idempotency_key))
        except stripe.InvalidRequestError as error:
            if error.code == _DISPUTED:
                return RefundBlocked(reason=error.code)
            return RefundFailed(reason=error.code or error.user_message or "invalid")
        except stripe.StripeError as error:
            return unknown(error)
        return refund_answer(read(answer, RefundShape))

    async def find_refund(self, *, payment_ref: str, refund_id: UUID) -> RefundAnswer | None:
        """Look for a refund whose answer was lost; None if it is not there."""
        try:
            page = await self._client.v1.refunds.list_async(
                {"payment_intent": payment_ref, "limit": PAGE}
            )
            async for answer in page.auto_paging_iter():
                refund = read(answer, RefundShape)
                if (refund.metadata or {}).get("refund_id") == str(refund_id):
                    return refund_answer(refund)
        except stripe.StripeError as error:
            return unknown(error)
        return None
