"""What billing can be told, each value with its unit. Decoded by `parking.core.settings`."""

from datetime import timedelta
from typing import Annotated

import msgspec

from billing.core.gathering import GatherRule
from billing.core.payment import PaymentPace
from parking.core.errors import DomainError

Seconds = Annotated[int, msgspec.Meta(ge=0)]
PositiveSeconds = Annotated[int, msgspec.Meta(ge=1)]
Minor = Annotated[int, msgspec.Meta(ge=0)]
BasisPoints = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class EmptyWebhookSecretError(DomainError):
    """Without a secret anyone could post webhooks, so billing does not start without one."""

    def __init__(self) -> None:
        super().__init__("stripe_webhook_secret is empty; set it to the endpoint's whsec_… secret")


class BillingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Billing's settings. Secrets are left out of its repr, and so out of logs."""

    stripe_api_key: str = ""
    """The secret key, `sk_…`."""
    stripe_api_url: str = "https://api.stripe.com"
    stripe_webhook_secret: str = ""
    """The endpoint's signing secret, `whsec_…`; several, separated by commas, while rotating."""
    stripe_timeout_seconds: PositiveSeconds = 20
    """How long a request may take before its outcome counts as unknown."""

    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "CNY"
    """The ISO 4217 currency in which is collected."""
    ledger_zone: str = "Asia/Shanghai"
    """IANA zone whose midnight parts the ledger's days."""
    commission_bp: BasisPoints = 500
    """The platform's share of what is collected, in basis points; sealed into each obligation."""

    gather_threshold_minor: Minor = 5_000
    """Owe this much (fen) and it is collected at once."""
    gather_wait_seconds: Seconds = 24 * 3600
    """Less is collected once its oldest part has waited this long."""
    payment_minimum_minor: Minor = 400
    """Less than this (fen) the gateway does not take."""
    payment_obligations_max: Count = 100
    """How many obligations go into one payment at most."""

    attempt_lease_seconds: PositiveSeconds = 60
    """After this long an attempt without an answer is taken to have lost its sender."""
    poll_seconds: PositiveSeconds = 30
    """How often a pending payment or an open page is asked about, in case no webhook comes."""
    unknown_retry_seconds: PositiveSeconds = 2
    """How soon a lost answer is asked for again; doubles each time."""
    unknown_retry_max_seconds: PositiveSeconds = 600
    key_lifetime_seconds: PositiveSeconds = 23 * 3600
    """How long a request may be repeated under its key: Stripe forgets keys after 24 hours."""
    checkout_hold_seconds: PositiveSeconds = 1800
    """How long a payment page keeps the automatic charge away; Stripe allows no less than 1800."""
    dunning_time_scale: Count = 1
    """Divides the delays between attempts after declines; 1 in earnest."""
    arrears_after_seconds: Seconds = 72 * 3600
    """Owed for longer than this counts as arrears at the gate."""

    report_poll_seconds: PositiveSeconds = 60
    """How often the gateway's balance transactions are read."""
    report_overlap_seconds: Seconds = 3600
    """How far back each reading begins before the last one ended: reports arrive late."""

    worker_batch: Count = 200
    """Messages, webhooks or accounts taken in one transaction."""
    worker_concurrency: Count = 8
    """Requests to the gateway under way at once."""
    worker_idle_seconds: PositiveSeconds = 1
    """The longest sleep of a worker that has nothing to do."""

    def __repr__(self) -> str:
        """Show everything but the secrets."""
        hidden = {"stripe_api_key", "stripe_webhook_secret"}
        shown = (
            f"{name}={'***' if name in hidden else getattr(self, name)!r}"
            for name in self.__struct_fields__
        )
        return f"BillingSettings({', '.join(shown)})"

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing secrets in force; empty raises EmptyWebhookSecretError."""
        secrets = tuple(filter(None, (s.strip() for s in self.stripe_webhook_secret.split(","))))
        if not secrets:
            raise EmptyWebhookSecretError
        return secrets

    @property
    def gather_rule(self) -> GatherRule:
        """When what is owed becomes a payment."""
        return GatherRule(
            threshold_minor=self.gather_threshold_minor,
            wait=timedelta(seconds=self.gather_wait_seconds),
            minimum_minor=self.payment_minimum_minor,
            obligations_max=self.payment_obligations_max,
        )

    @property
    def pace(self) -> PaymentPace:
        """How soon payments are looked at again."""
        return PaymentPace(
            poll=timedelta(seconds=self.poll_seconds),
            unknown_retry=timedelta(seconds=self.unknown_retry_seconds),
            unknown_retry_max=timedelta(seconds=self.unknown_retry_max_seconds),
            dunning_time_scale=self.dunning_time_scale,
        )
