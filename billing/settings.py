"""What billing can be told, each value with its unit. Decoded by `parking.core.settings`."""

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec

from billing.core.agreed_fees import AGREED_FEES_PATTERN, AgreedFee, read_agreed_fees
from billing.core.appeals import AppealRule
from billing.core.claims import ClaimRule
from billing.core.gathering import GatherRule
from billing.core.payment import PaymentPace
from billing.core.sign_in import CodeRule
from billing.wechat_settings import WeChatSettings
from parking.core.errors import DomainError
from parking.core.secret import Secret
from parking.core.settings import setting

_FEN = "minor units (fen)"


class EmptyWebhookSecretError(DomainError):
    """Without a secret anyone could post webhooks, so billing does not start without one."""

    def __init__(self) -> None:
        super().__init__(
            "billing.stripe_webhook_secret is empty: set it to the endpoint's whsec_… secret"
        )


class NotificationSender(Enum):
    """Who delivers messages to drivers."""

    FILE = "file"
    CONSOLE = "console"


class BillingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How billing collects."""

    stripe_api_key: Annotated[Secret, setting("Stripe's secret key, `sk_…`")] = Secret("")
    stripe_api_url: Annotated[
        str, setting("Where Stripe's API answers", pattern="^https?://[^ ]+$")
    ] = "https://api.stripe.com"
    stripe_webhook_secret: Annotated[
        Secret,
        setting("The endpoint's signing secret, `whsec_…`; several with commas while rotating"),
    ] = Secret("")
    stripe_timeout_seconds: Annotated[
        int, setting("After this long without an answer its outcome is unknown", unit="s", ge=1)
    ] = 20

    stripe_agreed_fees: Annotated[
        str,
        setting(
            "What Stripe keeps of a charge, as agreed: `DAY:BASIS_POINTS+FIXED` from that ledger"
            " day on, several with commas (`2026-01-01:60+0`); another fee is told as a"
            " discrepancy. Empty: fees are not compared",
            pattern=AGREED_FEES_PATTERN,
        ),
    ] = ""

    wechat: WeChatSettings = WeChatSettings()

    currency: Annotated[str, setting("ISO 4217 currency collected", pattern="^[A-Z]{3}$")] = "CNY"
    ledger_zone: Annotated[str, setting("IANA zone whose midnight parts the ledger's days")] = (
        "Asia/Shanghai"
    )
    commission_bp: Annotated[
        int,
        setting(
            "The platform's share of what is collected, sealed into each obligation",
            unit="basis points",
            ge=0,
            le=10_000,
        ),
    ] = 500

    settle_seconds: Annotated[
        int,
        setting(
            "A fee is charged at the earliest this long after it was heard of or changed:"
            " an entry that is told late changes it without money going back and forth",
            unit="s",
            ge=0,
        ),
    ] = 180
    gather_threshold_minor: Annotated[
        int, setting("Owe this much and it is collected at once", unit=_FEN, ge=0)
    ] = 5_000
    gather_wait_seconds: Annotated[
        int, setting("Less is collected once its oldest part is this old", unit="s", ge=0)
    ] = 24 * 3600
    payment_minimum_minor: Annotated[
        int, setting("Less than this the gateway does not take", unit=_FEN, ge=1)
    ] = 400
    payment_obligations_max: Annotated[
        int, setting("How many obligations go into one payment", unit="obligations", ge=1)
    ] = 100

    attempt_lease_seconds: Annotated[
        int, setting("An attempt without an answer for this long lost its sender", unit="s", ge=1)
    ] = 60
    poll_seconds: Annotated[
        int,
        setting("Between questions about pending payments and open pages", unit="s", ge=1),
    ] = 30
    unknown_retry_seconds: Annotated[
        int, setting("Before a lost answer is asked for again; doubles each time", unit="s", ge=1)
    ] = 2
    unknown_retry_max_seconds: Annotated[
        int, setting("The most that doubling comes to", unit="s", ge=1)
    ] = 600
    key_lifetime_seconds: Annotated[
        int,
        setting("A request may be repeated under its key; Stripe forgets at 24 h", unit="s", ge=1),
    ] = 23 * 3600
    checkout_hold_seconds: Annotated[
        int, setting("An open payment page keeps the automatic charge away", unit="s", ge=60)
    ] = 1800
    dunning_time_scale: Annotated[
        int, setting("Divides the waits between attempts after declines; 1 in earnest", ge=1)
    ] = 1
    arrears_after_seconds: Annotated[
        int, setting("Owed for longer than this is arrears at the gate", unit="s", ge=0)
    ] = 72 * 3600

    owed_limit_minor: Annotated[
        int, setting("Whoever owes this much may not pay later at gates", unit=_FEN, ge=1)
    ] = 50_000
    inherit_days: Annotated[
        int,
        setting(
            "Unpaid stays this old come with a newly bound plate; older ones stay with it"
            " and are paid by hand",
            unit="days",
            ge=0,
        ),
    ] = 30
    inherit_hold_seconds: Annotated[
        int, setting("What comes with a plate waits this long, to be contested", unit="s", ge=0)
    ] = 24 * 3600
    appeal_days: Annotated[
        int, setting("A fee may be contested for this long after the exit", unit="days", ge=1)
    ] = 90
    appeal_times_max: Annotated[
        int, setting("Appeals against one fee that may be refused", unit="appeals", ge=1)
    ] = 2
    claim_answer_days: Annotated[
        int, setting("A plate's holder may answer a claim for this long", unit="days", ge=1)
    ] = 7
    claim_evidence_days: Annotated[
        int, setting("A claim without any evidence ends after this long", unit="days", ge=1)
    ] = 14
    claim_fact_tries_max: Annotated[
        int, setting("Guesses at a fact from a recent stay", unit="tries", ge=1)
    ] = 3
    claim_pause_days: Annotated[
        int,
        setting(
            "After a claim that was withdrawn or refused, its account may claim the same plate"
            " again after this long",
            unit="days",
            ge=1,
        ),
    ] = 30
    claims_max: Annotated[
        int,
        setting("Claims that one account may make in so long without success", unit="claims", ge=1),
    ] = 5
    write_off_after_days: Annotated[
        int, setting("What is unpaid for this long is written off", unit="days", ge=1)
    ] = 180

    settlement_delay_seconds: Annotated[
        int, setting("A period is settled this long after its last day ended", unit="s", ge=60)
    ] = 3600
    payout_minimum_minor: Annotated[
        int, setting("Less than this is carried to the next settlement", unit=_FEN, ge=1)
    ] = 10_000

    payout_retry_seconds: Annotated[
        int, setting("A payout that the gateway refused is tried again after this", unit="s", ge=1)
    ] = 6 * 3600

    report_poll_seconds: Annotated[
        int, setting("Between readings of the gateway's balance transactions", unit="s", ge=1)
    ] = 60
    report_overlap_seconds: Annotated[
        int, setting("How far back each reading begins before the last ended", unit="s", ge=0)
    ] = 3600

    dispute_poll_seconds: Annotated[
        int,
        setting(
            "How often the gateway is asked for banks' disputes that no webhook told of, and how"
            " those that are open stand",
            unit="s",
            ge=1,
        ),
    ] = 3600

    notification_sender: Annotated[
        NotificationSender,
        setting("Who delivers messages to drivers; the console is for trying things out"),
    ] = NotificationSender.FILE
    notification_file: Annotated[
        Path, setting("Where the file sender appends messages, one JSON object a line")
    ] = Path(".data/notifications.ndjson")
    code_life_seconds: Annotated[
        int, setting("A one-time code is good for this long", unit="s", ge=30)
    ] = 300
    code_tries_max: Annotated[
        int, setting("A one-time code guessed wrong this often is dead", unit="tries", ge=1)
    ] = 5
    code_pause_seconds: Annotated[
        int, setting("Between two one-time codes for one phone number", unit="s", ge=0)
    ] = 60
    code_hourly_max: Annotated[
        int, setting("One-time codes for one phone number in an hour", unit="codes", ge=1)
    ] = 5
    token_days: Annotated[
        int, setting("A driver's token is good for this long", unit="days", ge=1)
    ] = 180

    worker_batch: Annotated[
        int, setting("Messages, webhooks or accounts in one transaction", unit="rows", ge=1)
    ] = 200
    worker_concurrency: Annotated[
        int, setting("Requests to the gateway at once", unit="requests", ge=1, le=200)
    ] = 8
    worker_idle_ms: Annotated[
        int, setting("The longest sleep of an idle worker, and after a failure", unit="ms", ge=10)
    ] = 250

    def __post_init__(self) -> None:
        """Refuse a day that is none before anything is compared with it."""
        read_agreed_fees(self.stripe_agreed_fees)
        read_agreed_fees(self.wechat.agreed_fees)

    def agreed_fees(self, gateway_name: str) -> tuple[AgreedFee, ...]:
        """What was agreed with a provider, by days; nothing where nothing was."""
        said = {"stripe": self.stripe_agreed_fees, "wechatpay": self.wechat.agreed_fees}
        return read_agreed_fees(said.get(gateway_name, ""))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing secrets in force; EmptyWebhookSecretError where there is none."""
        texts = (text.strip() for text in self.stripe_webhook_secret.reveal().split(","))
        secrets = tuple(filter(None, texts))
        if not secrets:
            raise EmptyWebhookSecretError
        return secrets

    @property
    def inherit(self) -> timedelta:
        """How far back unpaid stays come with a newly bound plate."""
        return timedelta(days=self.inherit_days)

    @property
    def appeal_rule(self) -> AppealRule:
        """How long and how often a fee may be contested."""
        return AppealRule(window=timedelta(days=self.appeal_days), times_max=self.appeal_times_max)

    @property
    def claim_rule(self) -> ClaimRule:
        """How long claims to a plate take."""
        return ClaimRule(
            answer=timedelta(days=self.claim_answer_days),
            evidence=timedelta(days=self.claim_evidence_days),
            fact_tries_max=self.claim_fact_tries_max,
            fact_within=timedelta(minutes=15),
            fact_age=timedelta(days=30),
            pause=timedelta(days=self.claim_pause_days),
            claims_max=self.claims_max,
        )

    @property
    def code_rule(self) -> CodeRule:
        """How careful sign-in is with one phone number."""
        return CodeRule(
            life=timedelta(seconds=self.code_life_seconds),
            tries_max=self.code_tries_max,
            pause=timedelta(seconds=self.code_pause_seconds),
            hourly_max=self.code_hourly_max,
        )

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
