"""What goes wrong, by rate and by script, from a seed: the same seed goes wrong the same way."""

import fnmatch
import random
from collections import Counter
from enum import Enum
from typing import Annotated, TypeAlias

import msgspec

from parking.core.errors import DomainError

Rate: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Times: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class Fault(Enum):
    """One way in which a request goes wrong."""

    DROP_BEFORE = "drop_before"
    """The connection is cut; nothing was done."""
    DROP_AFTER = "drop_after"
    """The connection is cut; everything was done."""
    SLOW = "slow"
    """The answer comes late; everything was done at once."""
    RATE_LIMITED = "rate_limited"
    """429; nothing was done."""
    SERVER_ERROR = "server_error"
    """500 SYSTEM_ERROR; nothing was done."""
    SERVER_ERROR_AFTER = "server_error_after"
    """500 SYSTEM_ERROR; everything was done."""
    BAD_GATEWAY = "bad_gateway"
    """502 with HTML from a proxy; nothing was done."""
    BAD_GATEWAY_AFTER = "bad_gateway_after"
    """502 with HTML from a proxy; everything was done."""
    ANSWER_FORGED = "answer_forged"
    """The true answer, signed by somebody else; everything was done."""
    ANSWER_PROBE = "answer_probe"
    """The true answer with a signature that is marked as a test; everything was done."""


class Mishap(Enum):
    """One way in which the world goes wrong behind a request, told to nobody who asked."""

    ENTRY_BLOCKED = "entry_blocked"
    """An entry: the user's evaluation fails, this once."""
    DEDUCTION_FAILED = "deduction_failed"
    """An order: PAY_FAIL."""
    DEDUCTION_ADVANCED = "deduction_advanced"
    """An order: WeChat pays; the user pays it back after `repaid_after_seconds`."""
    DEDUCTION_ADVANCED_FOR_GOOD = "deduction_advanced_for_good"
    """An order: WeChat pays; the user does not pay it back by himself."""
    DEDUCTION_LATE = "deduction_late"
    """An order: stays ACCEPTED for `deduct_late_seconds`."""
    REFUND_SHORT_OF_MONEY = "refund_short_of_money"
    """A refund: 403 NOT_ENOUGH, this once."""
    REFUND_ABNORMAL = "refund_abnormal"
    """A refund: the user's card is gone; the money waits at WeChat."""
    REFUND_CLOSED = "refund_closed"
    """A refund: closed; the money is back at the merchant's."""
    WRONG_FEE = "wrong_fee"
    """An order: bills show a fee higher than agreed."""
    MISSING_IN_BILL = "missing_in_bill"
    """An order: bills leave it out."""
    SURPLUS_IN_BILL = "surplus_in_bill"
    """An order: bills show another besides it that nobody asked for."""
    NOTIFICATION_DUPLICATED = "notification_duplicated"
    """Sent twice."""
    NOTIFICATION_REORDERED = "notification_reordered"
    """Held back for a part of `reorder_seconds`, so that later ones overtake."""
    NOTIFICATION_LATE = "notification_late"
    """Sent after `late_seconds`, which may be days."""
    NOTIFICATION_LOST = "notification_lost"
    """Never sent."""
    NOTIFICATION_ROTATED = "notification_rotated"
    """The platform gets a new certificate first and signs with it: true, though unknown so far."""
    NOTIFICATION_FORGED = "notification_forged"
    """Besides it comes one that never happened, signed by somebody else."""
    NOTIFICATION_STALE = "notification_stale"
    """Besides it comes a copy whose signature is an hour old."""
    NOTIFICATION_FUTURE_DATED = "notification_future_dated"
    """Besides it comes a copy whose signature is dated in an hour."""
    NOTIFICATION_OLD_CERTIFICATE = "notification_old_certificate"
    """Besides it comes a copy signed with a certificate that is in no list."""
    NOTIFICATION_PROBE = "notification_probe"
    """Besides it comes a copy whose signature is marked as a test of the receiver."""


FALSE_NOTIFICATIONS = (
    Mishap.NOTIFICATION_FORGED,
    Mishap.NOTIFICATION_STALE,
    Mishap.NOTIFICATION_FUTURE_DATED,
    Mishap.NOTIFICATION_OLD_CERTIFICATE,
    Mishap.NOTIFICATION_PROBE,
)


class ScriptedFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The next requests that match go wrong."""

    fault: Fault
    method: str = "*"
    path: str = "*"
    """With `*` and `?`, for example `/v3/vehicle/transactions/*`."""
    after: Count = 0
    """So many matching requests pass first."""
    times: Times = 1

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request goes wrong; counts it if it matches."""
        if not fnmatch.fnmatchcase(method, self.method.upper()):
            return False
        return fnmatch.fnmatchcase(path, self.path) and _counts(self)


class ScriptedMishap(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The next occasions for a mishap go wrong."""

    mishap: Mishap
    subject: str = "*"
    """With `*` and `?`: the request's body as JSON with sorted keys, or a notification's type."""
    after: Count = 0
    """So many matching occasions pass first."""
    times: Times = 1

    def strikes(self, mishap: Mishap, subject: str) -> bool:
        """Whether it happens now; counts the occasion if it matches."""
        if mishap is not self.mishap or not fnmatch.fnmatchcase(subject, self.subject):
            return False
        return _counts(self)


def _counts(entry: ScriptedFault | ScriptedMishap) -> bool:
    if entry.after:
        entry.after -= 1
        return False
    entry.times -= 1
    return True


class FaultPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong."""

    rates: dict[Fault, Rate] = {}
    """Over all requests to /v3; together at most 1."""
    script: list[ScriptedFault] = []
    """Looked at before the rates; the first that matches strikes."""
    mishaps: dict[Mishap, Rate] = {}
    """Over the occasions of each."""
    mishap_script: list[ScriptedMishap] = []
    """Looked at before the rates."""
    slow_seconds: Seconds = 2.0
    rate_limited_burst: Times = 1
    """So many requests in a row are told 429 when the rate strikes once."""
    deduct_late_seconds: Seconds = 2 * 86_400.0
    repaid_after_seconds: Seconds = 3 * 86_400.0
    reorder_seconds: Seconds = 2.0
    late_seconds: Seconds = 30.0


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


def subject_of(asked: msgspec.Struct) -> str:
    """What a scripted mishap is matched against: the request's body."""
    body = msgspec.to_builtins(asked)
    given = {name: value for name, value in body.items() if value is not None}
    return msgspec.json.encode(given, order="sorted").decode()


class Faults:
    """Decides for each request and each notification, and counts what it did."""

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        self._random = random.Random(f"wechatpay faults:{seed}")
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
        if not happens and (rate := self.plan.mishaps.get(mishap, 0.0)):
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

    def some(self, at_most: int) -> int:
        """A random number from 1."""
        return self._random.randint(1, max(1, at_most))

    def delays(self, event_type: str) -> tuple[float, ...]:
        """After how many seconds a notification is sent, once for each time."""
        if self.happens(Mishap.NOTIFICATION_LOST, event_type):
            return ()
        copies = 2 if self.happens(Mishap.NOTIFICATION_DUPLICATED, event_type) else 1
        return tuple(self._delay(event_type) for _ in range(copies))

    def false_ones(self, event_type: str) -> tuple[Mishap, ...]:
        """What comes besides a notification and must not be believed."""
        return tuple(one for one in FALSE_NOTIFICATIONS if self.happens(one, event_type))

    def _delay(self, event_type: str) -> float:
        plan = self.plan
        delay = plan.late_seconds if self.happens(Mishap.NOTIFICATION_LATE, event_type) else 0.0
        if self.happens(Mishap.NOTIFICATION_REORDERED, event_type):
            delay += self._random.uniform(0, plan.reorder_seconds)
        return delay
