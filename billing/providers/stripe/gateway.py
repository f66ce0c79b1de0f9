"""Stripe as a PaymentGateway: the calls about each of its resources put together."""

import stripe

from billing.gateway import ForgedWebhookError, Notice
from billing.providers.stripe.answers import notice
from billing.providers.stripe.client import Connection
from billing.providers.stripe.pages import CardPages, PaymentPages
from billing.providers.stripe.refunds import Refunds
from billing.providers.stripe.report import Report
from billing.providers.stripe.transfers import Transfers
from billing.settings import BillingSettings


class StripeGateway(PaymentPages, CardPages, Refunds, Transfers, Report):
    """A PaymentGateway over Stripe's API. Belongs to the event loop that first uses it."""

    def __init__(self, settings: BillingSettings) -> None:
        self._secrets = settings.webhook_secrets
        self._connection = Connection(settings)

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return "stripe"

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    def read_webhook(self, body: bytes, *, signature: str | None) -> Notice:
        """Verify a webhook with the SDK against each secret in force, then read it."""
        for secret in self._secrets:
            try:
                self._client.construct_event(body, signature, secret)
            except stripe.SignatureVerificationError:
                continue
            except ValueError as error:
                reason = "its body is not JSON"
                raise ForgedWebhookError(reason) from error
            return notice(body)
        reason = "its signature is missing, wrong or stale"
        raise ForgedWebhookError(reason)
