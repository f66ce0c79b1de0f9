"""Stripe as a PaymentGateway: the calls about each of its resources put together."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import stripe

from billing.capabilities import Capabilities
from billing.dispute_gateway import DisputeGateway
from billing.gateway import ForgedWebhookError, Notice, PaymentGateway
from billing.providers.stripe.answers import notice
from billing.providers.stripe.client import Connection
from billing.providers.stripe.disputes import Disputes
from billing.providers.stripe.pages import CardPages, PaymentPages
from billing.providers.stripe.refunds import Refunds
from billing.providers.stripe.report import Report
from billing.providers.stripe.transfers import Transfers
from billing.registering import EntryRegistrar
from billing.settings import BillingSettings


class StripeGateway(PaymentPages, CardPages, Refunds, Transfers, Report, Disputes):
    """A PaymentGateway over Stripe's API. Belongs to the event loop that first uses it."""

    def __init__(self, settings: BillingSettings) -> None:
        self._secrets = settings.webhook_secrets
        self._connection = Connection(settings)
        self._capabilities = Capabilities(
            per_stay=False,
            registers_entries=False,
            accepts_asynchronously=False,
            minimum_minor=settings.payment_minimum_minor,
            advances=False,
            bank_disputes=True,
            pays_out=True,
            pages=True,
            report_every=timedelta(seconds=settings.report_poll_seconds),
        )

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return "stripe"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and how it wants to be asked."""
        return self._capabilities

    @property
    def pages(self) -> PaymentGateway:
        """Checkout, for cards and for paying by hand."""
        return self

    @property
    def disputes(self) -> DisputeGateway:
        """Its disputes, which card networks open for cardholders' banks."""
        return self

    @property
    def registrar(self) -> EntryRegistrar | None:
        """Stripe hears of nothing before a charge."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    def read_webhook(
        self,
        body: bytes,
        *,
        headers: Mapping[str, str],
        now: datetime,  # The SDK reads this machine's clock for a signature's age.
    ) -> Notice:
        """Verify a webhook with the SDK against each secret in force, then read it."""
        signature = headers.get("stripe-signature")
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
