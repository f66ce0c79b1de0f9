"""A payment: money to be moved once, by as many attempts as it takes.

`due_at` says when the worker must look at it next; what it then does follows from the state.
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import assert_never

import msgspec

from billing.core.attempt import (
    ActionRequired,
    DeclineClass,
    Declined,
    NotExecuted,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from billing.core.dunning import Dunning, dun
from parking.core.errors import DomainError


class PaymentMethodKind(Enum):
    """How the money is asked for."""

    CARD = "card"
    """The bound card is charged while its owner is away."""
    CHECKOUT = "checkout"
    """The driver pays by hand on the gateway's own page."""
    DEDUCTION = "deduction"
    """One stay is charged to the service that its driver has opened for the plate."""


class PaymentState(Enum):
    """Where a payment stands, and what looking at it when it is due means."""

    READY = "ready"
    """Gathered; the first attempt is to be made."""
    IN_FLIGHT = "in_flight"
    """An attempt is stored and its request may be under way. Due: its sender died, send again."""
    UNKNOWN = "unknown"
    """The answer was lost. Due: send the same again, or look it up."""
    PENDING = "pending"
    """The gateway has it and will know later. Due: ask."""
    OPEN = "open"
    """The driver has the gateway's page before them. Due: ask."""
    WAITING = "waiting"
    """Declined. Due: the next attempt."""
    STOPPED = "stopped"
    """Declined for good, until the driver acts."""
    ABANDONING = "abandoning"
    """To be called off. Due: call it off at the gateway, which may answer that it has succeeded."""
    SUCCEEDED = "succeeded"
    """The money was taken, once."""
    ABANDONED = "abandoned"
    """Called off for certain; its obligations are free again."""


_S = PaymentState
_ANSWERS = frozenset({_S.SUCCEEDED, _S.PENDING, _S.UNKNOWN, _S.WAITING, _S.STOPPED, _S.READY})
ARROWS: dict[PaymentState, frozenset[PaymentState]] = {
    _S.READY: frozenset({_S.IN_FLIGHT, _S.ABANDONING, _S.ABANDONED}),
    _S.IN_FLIGHT: _ANSWERS | {_S.OPEN, _S.ABANDONED},
    _S.UNKNOWN: _ANSWERS | {_S.OPEN, _S.ABANDONED},
    _S.PENDING: _ANSWERS | {_S.ABANDONED},
    _S.OPEN: frozenset({_S.SUCCEEDED, _S.PENDING, _S.ABANDONED}),
    # Success from a resting state: the gateway had it after all.
    _S.WAITING: frozenset({_S.IN_FLIGHT, _S.ABANDONING, _S.SUCCEEDED}),
    _S.STOPPED: frozenset({_S.WAITING, _S.ABANDONING, _S.SUCCEEDED}),
    _S.ABANDONING: frozenset({_S.ABANDONED, _S.SUCCEEDED}),
    _S.SUCCEEDED: frozenset(),
    _S.ABANDONED: frozenset(),
}
"""Every way from one state to another."""

UNSETTLED = frozenset({_S.IN_FLIGHT, _S.UNKNOWN, _S.PENDING})
"""The money may be moving right now: nothing else may be started for the same obligations."""
FINAL = frozenset({_S.SUCCEEDED, _S.ABANDONED})


class PaymentArrowError(DomainError):
    """A payment cannot go from the one state to the other."""

    def __init__(self, *, before: PaymentState, after: PaymentState) -> None:
        super().__init__(f"a payment cannot go from {before.value} to {after.value}")
        self.before = before
        self.after = after


class PaymentPace(msgspec.Struct, frozen=True, kw_only=True):
    """How soon a payment is looked at again."""

    poll: timedelta
    """While the gateway or the driver is at it."""
    unknown_retry: timedelta
    """After the first lost answer; doubles with each further one."""
    unknown_retry_max: timedelta
    dunning_time_scale: int = 1


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """Where an outcome leads."""

    state: PaymentState
    due_at: datetime | None
    decline_class: DeclineClass | None = None
    decline_code: str | None = None
    dunning: Dunning | None = None
    """What else follows from a decline."""


def check_arrow(before: PaymentState, after: PaymentState) -> None:
    """Refuse a move that the table of arrows does not have."""
    if after is not before and after not in ARROWS[before]:
        raise PaymentArrowError(before=before, after=after)


def after_outcome(
    outcome: Outcome, *, declines: int, sends: int, pace: PaymentPace, now: datetime
) -> NextStep:
    """Where an attempt's outcome leads a payment by card.

    `declines` counts the declines in a row before this one; `sends` how often the request was sent.
    """
    match outcome:
        case Succeeded():
            return NextStep(state=_S.SUCCEEDED, due_at=None)
        case Pending():
            return NextStep(state=_S.PENDING, due_at=now + pace.poll)
        case Unknown():
            return NextStep(state=_S.UNKNOWN, due_at=now + backoff(sends=sends, pace=pace))
        case NotExecuted():
            return NextStep(state=_S.READY, due_at=now)
        case ActionRequired(code=code):
            refusal = DeclineClass.AUTHENTICATION_REQUIRED
        case Declined(decline_class=refusal, code=code):
            pass
        case _:
            assert_never(outcome)
    dunning = dun(
        decline_class=refusal,
        declines=declines + 1,
        now=now,
        time_scale=pace.dunning_time_scale,
    )
    return NextStep(
        state=_S.STOPPED if dunning.retry_at is None else _S.WAITING,
        due_at=dunning.retry_at,
        decline_class=refusal,
        decline_code=code,
        dunning=dunning,
    )


def backoff(*, sends: int, pace: PaymentPace) -> timedelta:
    """How long to wait after the nth lost answer."""
    doublings = min(max(sends, 1) - 1, 20)
    delay: timedelta = pace.unknown_retry * (1 << doublings)
    return min(delay, pace.unknown_retry_max)
