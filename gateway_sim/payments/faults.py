"""What goes wrong, by rate and by script, from a seed: the same seed goes wrong the same way."""

import fnmatch
import random
from collections import Counter
from enum import Enum
from typing import Annotated

import msgspec

from parking.core.errors import DomainError

Rate = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


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


class ScriptedFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The next requests that match go wrong."""

    fault: Fault
    method: str = "*"
    path: str = "*"
    """With `*` and `?`, for example `/v1/payment_intents*`."""
    after: Count = 0
    """So many matching requests pass first."""
    times: Annotated[int, msgspec.Meta(ge=1)] = 1

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request goes wrong; counts it if it matches."""
        if not fnmatch.fnmatchcase(method, self.method.upper()):
            return False
        if not fnmatch.fnmatchcase(path, self.path):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


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


class ScriptedMishap(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The next occasions for a mishap go wrong."""

    mishap: Mishap
    subject: str = "*"
    """With `*` and `?`: of what; a charge's or payout's metadata as JSON, or an event's type."""
    after: Count = 0
    """So many matching occasions pass first."""
    times: Annotated[int, msgspec.Meta(ge=1)] = 1

    def strikes(self, mishap: Mishap, subject: str) -> bool:
        """Whether it happens now; counts the occasion if it matches."""
        if mishap is not self.mishap or not fnmatch.fnmatchcase(subject, self.subject):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


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


class FaultPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong."""

    rates: dict[Fault, Rate] = {}
    """Over all requests to /v1; together at most 1."""
    script: list[ScriptedFault] = []
    """Looked at before the rates; the first that matches strikes."""
    mishaps: dict[Mishap, Rate] = {}
    """Over the occasions of each; webhooks' stand in `webhooks`."""
    mishap_script: list[ScriptedMishap] = []
    """Looked at before the rates."""
    webhooks: WebhookFaults = WebhookFaults()
    slow_seconds: Seconds = 2.0
    rate_limited_burst: Annotated[int, msgspec.Meta(ge=1)] = 1
    """So many requests in a row are told 429 when the rate strikes once."""
    search_lag_seconds: Seconds = 0.0
    """How long a payment cannot be found by search (at Stripe mostly below a minute)."""
    dispute_after_seconds: Seconds = 5 * 86_400.0
    dispute_decided_after_seconds: Seconds = 20 * 86_400.0


class FaultPlanError(DomainError):
    """A plan of faults cannot be read, or its rates are more than 1 together."""


def read_plan(text: bytes | str) -> FaultPlan:
    """Read a plan from JSON.

    Raises FaultPlanError.
    """
    try:
        plan = msgspec.json.decode(text, type=FaultPlan)
    except msgspec.DecodeError as error:
        msg = f"cannot read the faults: {error}"
        raise FaultPlanError(msg) from error
    if any(mishap.value.startswith("webhook_") for mishap in plan.mishaps):
        msg = "the rates of webhooks' mishaps stand in `webhooks`"
        raise FaultPlanError(msg)
    if sum(plan.rates.values()) > 1:
        msg = "the rates of faults add up to more than 1"
        raise FaultPlanError(msg)
    return plan


class Faults:
    """Decides for each request and each delivery, and counts what it did."""

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        self._random = random.Random(f"faults:{seed}")
        self.plan = plan or FaultPlan()
        self.struck: Counter[str] = Counter()
        self._burst = 0

    def for_request(self, method: str, path: str) -> Fault | None:
        """What goes wrong with a request; None: nothing."""
        fault = self._scripted(method, path) or self._by_rate()
        if fault is not None:
            self.struck[fault.value] += 1
        return fault

    def _scripted(self, method: str, path: str) -> Fault | None:
        for entry in self.plan.script:
            if entry.strikes(method, path):
                if not entry.times:
                    self.plan.script.remove(entry)
                return entry.fault
        return None

    def _by_rate(self) -> Fault | None:
        if self._burst:
            self._burst -= 1
            return Fault.RATE_LIMITED
        dice = self._random.random()
        for fault, rate in self.plan.rates.items():
            dice -= rate
            if dice < 0:
                if fault is Fault.RATE_LIMITED:
                    self._burst = self.plan.rate_limited_burst - 1
                return fault
        return None

    def happens(self, mishap: Mishap, subject: str = "") -> bool:
        """Whether a mishap happens now that there is an occasion for it; counts it."""
        happens = self._scripted_mishap(mishap, subject)
        if not happens and (rate := self._rate_of(mishap)):
            happens = self._random.random() < rate
        if happens:
            self.struck[mishap.value] += 1
        return happens

    def _scripted_mishap(self, mishap: Mishap, subject: str) -> bool:
        for entry in self.plan.mishap_script:
            if entry.strikes(mishap, subject):
                if not entry.times:
                    self.plan.mishap_script.remove(entry)
                return True
        return False

    def _rate_of(self, mishap: Mishap) -> float:
        group, _, name = mishap.value.partition("_")
        if group == "webhook":
            return float(getattr(self.plan.webhooks, name))
        return self.plan.mishaps.get(mishap, 0.0)

    def some(self, at_most: int) -> int:
        """A random number from 1."""
        return self._random.randint(1, max(1, at_most))

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
