"""Stripe's own pages: Checkout sessions on which a driver pays by hand, or leaves a card."""

from typing import Any

import stripe

from billing.core.attempt import DeclineClass, Declined, Pending, Succeeded, Unknown
from billing.gateway import (
    CardSetUp,
    CheckoutAnswer,
    CheckoutOpened,
    CheckoutOrder,
    CheckoutProgress,
    GatewayUnavailableError,
    PageExpired,
    PageOpen,
    SetupOrder,
    SetupProgress,
)
from billing.gateway_request import GatewayRequest
from billing.providers.stripe import requests
from billing.providers.stripe.answers import page_opened
from billing.providers.stripe.charges import Charges, ForeignPaymentError
from billing.providers.stripe.client import Resource, keyed, or_raise, unknown
from billing.providers.stripe.shapes import SessionShape, SetupSessionShape, read
from parking.core.ids import AccountId, PaymentId


class PaymentPages(Charges):
    """Pages for paying one sum; what was paid on one is a payment intent."""

    def checkout_request(self, order: CheckoutOrder) -> GatewayRequest:
        """Word a payment page."""
        return requests.checkout(order)

    async def open_checkout(
        self, request: GatewayRequest, *, idempotency_key: str
    ) -> CheckoutAnswer:
        """Make a payment page, or the page made before under this key."""
        parameters: Any = request.parameters
        try:
            answer = await self._client.v1.checkout.sessions.create_async(
                parameters, keyed(idempotency_key)
            )
        except stripe.InvalidRequestError as error:
            return Declined(decline_class=DeclineClass.REFUSED, code=error.code or "invalid")
        except stripe.StripeError as error:
            return unknown(error)
        return page_opened(read(answer, SessionShape))

    async def look_up_checkout(
        self, checkout_ref: str, *, payment_id: PaymentId
    ) -> CheckoutProgress:
        """Ask what became of a payment page."""
        try:
            answer = await self._client.v1.checkout.sessions.retrieve_async(checkout_ref)
        except stripe.StripeError as error:
            return unknown(error)
        page = read(answer, SessionShape)
        if page.metadata.get("payment_id") != str(payment_id):
            raise ForeignPaymentError(checkout_ref, payment_id=payment_id)
        if page.status == "open":
            return PageOpen()
        if page.status == "expired" or page.payment_intent is None:
            return PageExpired()
        outcome = await self.look_up(page.payment_intent, payment_id=payment_id)
        if isinstance(outcome, Succeeded | Pending | Unknown):
            return outcome
        return Unknown(reason=f"the page is complete, its payment says {outcome}")

    async def expire_checkout(
        self, checkout_ref: str, *, payment_id: PaymentId
    ) -> CheckoutProgress:
        """Close a payment page; answers Succeeded if the driver was quicker."""
        try:
            await self._client.v1.checkout.sessions.expire_async(checkout_ref)
        except stripe.InvalidRequestError:
            return await self.look_up_checkout(checkout_ref, payment_id=payment_id)
        except stripe.StripeError as error:
            return unknown(error)
        return PageExpired()


class CardPages(Resource):
    """Pages on which a card is left, its owner's record there, and how it is forgotten."""

    def setup_request(self, order: SetupOrder) -> GatewayRequest:
        """Word a page on which a card is left."""
        return requests.setup(order)

    async def create_customer(self, account_id: AccountId) -> str:
        """Make, or find again, the gateway's record of a driver. No phone number leaves us."""
        customer = await or_raise(
            lambda: self._client.v1.customers.create_async(
                {"metadata": {"account_id": str(account_id)}},
                keyed(f"customer-{account_id}"),
            )
        )
        return customer.id

    async def open_setup(self, request: GatewayRequest, *, idempotency_key: str) -> CheckoutOpened:
        """Make a page on which a card is left."""
        parameters: Any = request.parameters
        answer = await or_raise(
            lambda: self._client.v1.checkout.sessions.create_async(
                parameters, keyed(idempotency_key)
            )
        )
        return page_opened(read(answer, SessionShape))

    async def look_up_setup(self, checkout_ref: str) -> SetupProgress:
        """Ask what became of it."""
        answer = await or_raise(
            lambda: self._client.v1.checkout.sessions.retrieve_async(
                checkout_ref, {"expand": ["setup_intent.payment_method"]}
            )
        )
        page = read(answer, SetupSessionShape)
        if page.status == "open":
            return PageOpen()
        intent = page.setup_intent
        if page.status == "expired" or intent is None or intent.payment_method is None:
            return PageExpired()
        method = intent.payment_method
        return CardSetUp(method_ref=method.id, brand=method.card.brand, last4=method.card.last4)

    async def detach_method(self, method_ref: str) -> None:
        """Have Stripe forget a card; one that it does not have is forgotten already."""
        try:
            await self._client.v1.payment_methods.detach_async(method_ref)
        except stripe.InvalidRequestError:
            return
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error
