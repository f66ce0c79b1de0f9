"""What goes wrong, by rate and by script, from a seed: the same seed goes wrong the same way."""

from enum import Enum

import msgspec

from gateway_sim.dice import Dice, FaultPlanError, Plan, Rate, Seconds, decode_plan


class Fault(Enum):
    """One way in which a request goes wrong."""

    DROP_BEFORE = "drop_before"
    """The connection is cut; nothing was done."""
    DROP_AFTER = "drop_after"
    """The connection is cut; everything was done."""
    SLOW = "slow"
    """The answer comes late; its idempotency key is in use until then."""
    RATE_LIMITED = "rate_limited"
    """429; nothing was done, nothing is saved under the key."""
    CONFLICT = "conflict"
    """409 lock_timeout; nothing was done, nothing is saved under the key."""
    LOCK_TIMEOUT = "lock_timeout"
    """429 lock_timeout; nothing was done, nothing is saved under the key."""
    SERVER_ERROR = "server_error"
    """500, saved under the key and replayed; nothing was done."""
    SERVER_ERROR_AFTER = "server_error_after"
    """500, saved under the key and replayed; everything was done."""
    BAD_GATEWAY = "bad_gateway"
    """502 with HTML from a proxy; nothing was done, nothing is saved under the key."""
    BAD_GATEWAY_AFTER = "bad_gateway_after"
    """502 with HTML from a proxy; everything was done, and the true answer is saved."""


class Mishap(Enum):
    """One way in which the world goes wrong behind a request, told to nobody who asked."""

    CARD_LOST = "card_lost"
    """At a charge: the card is reported lost, and declines as that from now on."""
    CARD_EXPIRED = "card_expired"
    """At a charge: the card has expired, and declines as that from now on."""
    CARD_SHORT_OF_MONEY = "card_short_of_money"
    """At a charge: `insufficient_funds`, this once."""
    CARD_NEEDS_AUTHENTICATION = "card_needs_authentication"
    """At a charge: the bank wants to see its customer, this once."""
    CARD_DETACHED = "card_detached"
    """After a charge: the card is detached from its customer; the next charge is refused."""
    DISPUTE_WON = "dispute_won"
    """After a charge: disputed after `dispute_after_seconds`, then won."""
    DISPUTE_LOST = "dispute_lost"
    """After a charge: disputed after `dispute_after_seconds`, then lost."""
    PAYOUT_FAILED = "payout_failed"
    """A payout comes back instead of arriving."""
    PAYOUT_FAILED_AFTER_PAID = "payout_failed_after_paid"
    """A payout comes back three days after it was told to be paid."""
    WRONG_FEE = "wrong_fee"
    """The report shows a charge with a fee higher than agreed."""
    MISSING_CHARGE = "missing_charge"
    """The report leaves a charge out."""
    SURPLUS_CHARGE = "surplus_charge"
    """The report shows a charge that nobody asked for."""
    WEBHOOK_DUPLICATED = "webhook_duplicated"
    """An event is delivered twice."""
    WEBHOOK_REORDERED = "webhook_reordered"
    """An event is held back for a part of `reorder_seconds`, so that later ones overtake."""
    WEBHOOK_LATE = "webhook_late"
    """An event is delivered after `late_seconds`, which may be days."""
    WEBHOOK_MISSING = "webhook_missing"
    """An event is never delivered."""
    WEBHOOK_FORGED = "webhook_forged"
    """Besides the event comes one that never happened, signed by somebody else."""
    WEBHOOK_STALE = "webhook_stale"
    """Besides the event comes a copy whose signature is an hour old."""
    WEBHOOK_FUTURE_DATED = "webhook_future_dated"
    """Besides the event comes a copy whose signature is dated in an hour."""
    WEBHOOK_OLD_SECRET = "webhook_old_secret"  # noqa: S105 - a name
    """Besides the event comes a copy signed with a secret that was rotated out."""


CARD_MISHAPS = {
    Mishap.CARD_LOST: "lost_card",
    Mishap.CARD_EXPIRED: "expired_card",
    Mishap.CARD_SHORT_OF_MONEY: "insufficient_funds",
    Mishap.CARD_NEEDS_AUTHENTICATION: "authentication_required",
}
"""With the decline code that each is told as."""
FALSE_DELIVERIES = (
    Mishap.WEBHOOK_FORGED,
    Mishap.WEBHOOK_STALE,
    Mishap.WEBHOOK_FUTURE_DATED,
    Mishap.WEBHOOK_OLD_SECRET,
)


def subject_of(metadata: dict[str, str]) -> str:
    """What a scripted mishap of a charge or payout is matched against: its metadata as JSON."""
    return msgspec.json.encode(metadata, order="sorted").decode()


class WebhookFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deliveries go wrong, each by its rate."""

    duplicated: Rate = 0.0
    reordered: Rate = 0.0
    late: Rate = 0.0
    missing: Rate = 0.0
    forged: Rate = 0.0
    stale: Rate = 0.0
    future_dated: Rate = 0.0
    old_secret: Rate = 0.0
    reorder_seconds: Seconds = 2.0
    late_seconds: Seconds = 30.0


class FaultPlan(Plan[Fault, Mishap], kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong; the rates of webhooks' mishaps stand in `webhooks`."""

    webhooks: WebhookFaults = WebhookFaults()
    search_lag_seconds: Seconds = 0.0
    """How long a payment cannot be found by search (at Stripe mostly below a minute)."""
    dispute_after_seconds: Seconds = 5 * 86_400.0
    dispute_decided_after_seconds: Seconds = 20 * 86_400.0


def read_plan(text: bytes | str) -> FaultPlan:
    """Read a plan from JSON.

    Raises FaultPlanError.
    """
    plan = decode_plan(text, FaultPlan)
    if any(mishap.value.startswith("webhook_") for mishap in plan.mishaps):
        msg = "the rates of webhooks' mishaps stand in `webhooks`"
        raise FaultPlanError(msg)
    return plan


class Faults(Dice[Fault, Mishap]):
    """Decides for each request and each delivery, and counts what it did."""

    plan: FaultPlan

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        super().__init__(f"faults:{seed}", plan or FaultPlan(), in_bursts=Fault.RATE_LIMITED)

    def _rate_of(self, mishap: Mishap) -> float:
        group, _, name = mishap.value.partition("_")
        if group == "webhook":
            return float(getattr(self.plan.webhooks, name))
        return super()._rate_of(mishap)

    def delivery_delays(self, event_type: str) -> tuple[float, ...]:
        """After how many seconds an event is delivered, once for each delivery."""
        if self.happens(Mishap.WEBHOOK_MISSING, event_type):
            return ()
        copies = 2 if self.happens(Mishap.WEBHOOK_DUPLICATED, event_type) else 1
        return tuple(self._delay(event_type) for _ in range(copies))

    def false_deliveries(self, event_type: str) -> tuple[Mishap, ...]:
        """What comes besides an event and must not be believed."""
        return tuple(one for one in FALSE_DELIVERIES if self.happens(one, event_type))

    def _delay(self, event_type: str) -> float:
        webhooks = self.plan.webhooks
        late = self.happens(Mishap.WEBHOOK_LATE, event_type)
        delay = webhooks.late_seconds if late else 0.0
        if self.happens(Mishap.WEBHOOK_REORDERED, event_type):
            delay += self._random.uniform(0, webhooks.reorder_seconds)
        return delay
