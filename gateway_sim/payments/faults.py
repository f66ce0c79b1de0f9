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


class WebhookFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deliveries go wrong, each by its rate."""

    duplicated: Rate = 0.0
    reordered: Rate = 0.0
    """Held back for a random part of `reorder_seconds`, so that later ones overtake."""
    late: Rate = 0.0
    missing: Rate = 0.0
    reorder_seconds: Seconds = 2.0
    late_seconds: Seconds = 30.0


class FaultPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong."""

    rates: dict[Fault, Rate] = {}
    """Over all requests to /v1; together at most 1."""
    script: list[ScriptedFault] = []
    """Looked at before the rates; the first that matches strikes."""
    webhooks: WebhookFaults = WebhookFaults()
    slow_seconds: Seconds = 2.0
    search_lag_seconds: Seconds = 0.0
    """How long a payment cannot be found by search (at Stripe mostly below a minute)."""


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
        dice = self._random.random()
        for fault, rate in self.plan.rates.items():
            dice -= rate
            if dice < 0:
                return fault
        return None

    def delivery_delays(self) -> tuple[float, ...]:
        """After how many seconds an event is delivered, once for each delivery."""
        webhooks = self.plan.webhooks
        if self._happens("missing", webhooks.missing):
            return ()
        copies = 2 if self._happens("duplicated", webhooks.duplicated) else 1
        return tuple(self._delay() for _ in range(copies))

    def _delay(self) -> float:
        webhooks = self.plan.webhooks
        delay = webhooks.late_seconds if self._happens("late", webhooks.late) else 0.0
        if self._happens("reordered", webhooks.reordered):
            delay += self._random.uniform(0, webhooks.reorder_seconds)
        return delay

    def _happens(self, name: str, rate: float) -> bool:
        happens = self._random.random() < rate
        self.struck[f"webhook_{name}"] += happens
        return happens
