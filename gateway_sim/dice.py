"""What goes wrong, by rate and by script, from a seed: the same seed goes wrong the same way.

Shared by all simulated providers; each has its own faults, its own mishaps and its own plan of
them. A fault is what goes wrong with a request, a mishap what goes wrong in the world behind it.
"""

import fnmatch
import random
from collections import Counter
from enum import Enum
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from parking.core.errors import DomainError

Rate: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Times: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
F = TypeVar("F", bound=Enum)
M = TypeVar("M", bound=Enum)
P = TypeVar("P", bound="Plan[Any, Any]")


class _Scripted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Goes wrong when its turn comes."""

    after: Count = 0
    """So many that match pass first."""
    times: Times = 1
    """And then so many go wrong."""

    def its_turn(self) -> bool:
        """Whether this one goes wrong, of all that match; counts it."""
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


class ScriptedFault(_Scripted, Generic[F], kw_only=True, forbid_unknown_fields=True):
    """The next requests that match go wrong."""

    fault: F
    method: str = "*"
    path: str = "*"
    """With `*` and `?`, for example `/v1/payment_intents*`."""

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request goes wrong; counts it if it matches."""
        if not fnmatch.fnmatchcase(method, self.method.upper()):
            return False
        return fnmatch.fnmatchcase(path, self.path) and self.its_turn()


class ScriptedMishap(_Scripted, Generic[M], kw_only=True, forbid_unknown_fields=True):
    """The next occasions for a mishap go wrong."""

    mishap: M
    subject: str = "*"
    """With `*` and `?`: of what; a request's body or metadata as JSON, or a message's type."""

    def strikes(self, mishap: M, subject: str) -> bool:
        """Whether it happens now; counts the occasion if it matches."""
        if mishap is not self.mishap or not fnmatch.fnmatchcase(subject, self.subject):
            return False
        return self.its_turn()


class Plan(msgspec.Struct, Generic[F, M], kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong."""

    rates: dict[F, Rate] = {}
    """Over all requests to the provider's API; together at most 1."""
    script: list[ScriptedFault[F]] = []
    """Looked at before the rates; the first that matches strikes."""
    mishaps: dict[M, Rate] = {}
    """Over the occasions of each."""
    mishap_script: list[ScriptedMishap[M]] = []
    """Looked at before the rates."""
    slow_seconds: Seconds = 2.0
    rate_limited_burst: Times = 1
    """So many requests in a row are told 429 when the rate strikes once."""


class FaultPlanError(DomainError):
    """A plan of faults cannot be read, or its rates are more than 1 together."""


def decode_plan(text: bytes | str, plan_type: type[P]) -> P:
    """Read a provider's plan from JSON.

    Raises FaultPlanError.
    """
    try:
        plan: P = msgspec.json.decode(text, type=plan_type)
    except msgspec.DecodeError as error:
        msg = f"cannot read the faults: {error}"
        raise FaultPlanError(msg) from error
    if sum(plan.rates.values()) > 1:
        msg = "the rates of faults add up to more than 1"
        raise FaultPlanError(msg)
    return plan


class Dice(Generic[F, M]):
    """Decides for each request and each occasion, and counts what it did."""

    def __init__(self, seed: str, plan: Plan[F, M], *, in_bursts: F) -> None:
        """Begin at the seed; when the rate of `in_bursts` strikes it does so a burst long."""
        self._random = random.Random(seed)
        self.plan = plan
        self.struck: Counter[str] = Counter()
        self._in_bursts = in_bursts
        self._burst = 0

    def for_request(self, method: str, path: str) -> F | None:
        """What goes wrong with a request; None: nothing."""
        fault = self._scripted(method, path) or self._by_rate()
        if fault is not None:
            self.struck[fault.value] += 1
        return fault

    def _scripted(self, method: str, path: str) -> F | None:
        for entry in self.plan.script:
            if entry.strikes(method, path):
                if not entry.times:
                    self.plan.script.remove(entry)
                return entry.fault
        return None

    def _by_rate(self) -> F | None:
        if self._burst:
            self._burst -= 1
            return self._in_bursts
        dice = self._random.random()
        for fault, rate in self.plan.rates.items():
            dice -= rate
            if dice < 0:
                if fault is self._in_bursts:
                    self._burst = self.plan.rate_limited_burst - 1
                return fault
        return None

    def happens(self, mishap: M, subject: str = "") -> bool:
        """Whether a mishap happens now that there is an occasion for it; counts it."""
        happens = self._scripted_mishap(mishap, subject)
        if not happens and (rate := self._rate_of(mishap)):
            happens = self._random.random() < rate
        if happens:
            self.struck[mishap.value] += 1
        return happens

    def _scripted_mishap(self, mishap: M, subject: str) -> bool:
        for entry in self.plan.mishap_script:
            if entry.strikes(mishap, subject):
                if not entry.times:
                    self.plan.mishap_script.remove(entry)
                return True
        return False

    def _rate_of(self, mishap: M) -> float:
        return self.plan.mishaps.get(mishap, 0.0)

    def some(self, at_most: int) -> int:
        """A random number from 1."""
        return self._random.randint(1, max(1, at_most))
