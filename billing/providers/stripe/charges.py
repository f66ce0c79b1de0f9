"""Payments by card: payment intents, confirmed while their owner is away."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import stripe

from billing.core.attempt import (
    DeclineClass,
    Declined,
    NotExecuted,
    Outcome,
)
from billing.gateway import CalledOff, CallOffAnswer, ChargeOrder
from billing.gateway_request import GatewayRequest
from billing.providers.stripe import requests
from billing.providers.stripe.answers import call_off_answer, decline, outcome_of
from billing.providers.stripe.client import PAGE, Resource, keyed, unknown
from billing.providers.stripe.shapes import ErrorShape, IntentShape, read
from parking.core.errors import DomainError
from parking.core.ids import PaymentId

_CLOCK_SKEW = timedelta(minutes=5)


class ForeignPaymentError(DomainError):
    """The gateway's object belongs to another payment than the one that we asked about."""

    def __init__(self, ref: str, *, payment_id: PaymentId) -> None:
        super().__init__(f"{ref} at the gateway is not payment {payment_id}")


class Charges(Resource):
    """Payment intents."""

    def charge_request(self, order: ChargeOrder) -> GatewayRequest:
        """Word a charge of a bound card."""
        return requests.charge(order)

    async def charge(self, request: GatewayRequest, *, idempotency_key: str) -> Outcome:
        """Send a charge, or send it again."""
        intents = self._client.v1.payment_intents
        options = keyed(idempotency_key)
        parameters: Any = dict(request.parameters)
        try:
            if request.operation == requests.CONFIRM_INTENT:
                intent = str(parameters.pop("intent"))
                answer = await intents.confirm_async(intent, parameters, options)
            else:
                answer = await intents.create_async(parameters, options)
        except stripe.CardError as error:
            return _declined(error)
        except stripe.InvalidRequestError as error:
            return _refused(error)
        except stripe.StripeError as error:
            return unknown(error)
        return outcome_of(read(answer, IntentShape))

    async def look_up(self, payment_ref: str, *, payment_id: PaymentId) -> Outcome:
        """Ask what became of a payment intent."""
        try:
            answer = await self._client.v1.payment_intents.retrieve_async(
                payment_ref, {"expand": [requests.EXPAND_CHARGE]}
            )
        except stripe.StripeError as error:
            return unknown(error)
        intent = read(answer, IntentShape)
        if intent.metadata.get("payment_id") != str(payment_id):
            raise ForeignPaymentError(payment_ref, payment_id=payment_id)
        return outcome_of(intent)

    async def find(
        self, request: GatewayRequest, *, payment_id: PaymentId, since: datetime
    ) -> Outcome:
        """Look through the customer's payment intents for ours.

        Listing, not searching: Stripe's search index lags behind by up to a minute.
        """
        created_after = int((since - _CLOCK_SKEW).timestamp())
        parameters: Any = {"created": {"gte": created_after}, "limit": PAGE}
        if "customer" in request.parameters:
            parameters["customer"] = request.parameters["customer"]
        try:
            page = await self._client.v1.payment_intents.list_async(parameters)
            async for answer in page.auto_paging_iter():
                intent = read(answer, IntentShape)
                if intent.metadata.get("payment_id") == str(payment_id):
                    return await self.look_up(intent.id, payment_id=payment_id)
        except stripe.StripeError as error:
            return unknown(error)
        return NotExecuted(reason="the gateway has no such payment")

    async def call_off(self, payment_ref: str, *, payment_id: PaymentId) -> CallOffAnswer:
        """Cancel a payment intent, unless it has succeeded."""
        try:
            await self._client.v1.payment_intents.cancel_async(payment_ref)
        except stripe.InvalidRequestError:
            return call_off_answer(await self.look_up(payment_ref, payment_id=payment_id))
        except stripe.StripeError as error:
            return unknown(error)
        return CalledOff()


def _error_of(error: stripe.StripeError) -> ErrorShape:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    try:
        return msgspec.convert(body.get("error") or {}, ErrorShape, strict=False)
    except msgspec.ValidationError:
        return ErrorShape()


def _declined(error: stripe.CardError) -> Outcome:
    shape = _error_of(error)
    return decline(shape, payment_ref=shape.payment_ref)


def _refused(error: stripe.InvalidRequestError) -> Outcome:
    shape = _error_of(error)
    if shape.code == "payment_intent_unexpected_state" and shape.payment_intent is not None:
        # It has moved on without us, for example succeeded: what it is now is the answer.
        return outcome_of(shape.payment_intent)
    unusable = shape.param == "payment_method" or shape.code == "payment_method_unexpected_state"
    return Declined(
        decline_class=DeclineClass.CARD_UNUSABLE if unusable else DeclineClass.REFUSED,
        code=shape.code or "invalid_request",
        payment_ref=shape.payment_ref,
    )
