"""What goes wrong, by rate and by script, from a seed: the same seed goes wrong the same way."""

from enum import Enum

import msgspec

from gateway_sim.dice import Dice, Plan, Seconds, decode_plan


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


class FaultPlan(Plan[Fault, Mishap], kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong."""

    deduct_late_seconds: Seconds = 2 * 86_400.0
    repaid_after_seconds: Seconds = 3 * 86_400.0
    reorder_seconds: Seconds = 2.0
    late_seconds: Seconds = 30.0


def read_plan(text: bytes | str) -> FaultPlan:
    """Read a plan from JSON.

    Raises FaultPlanError.
    """
    return decode_plan(text, FaultPlan)


def subject_of(asked: msgspec.Struct) -> str:
    """What a scripted mishap is matched against: the request's body."""
    body = msgspec.to_builtins(asked)
    given = {name: value for name, value in body.items() if value is not None}
    return msgspec.json.encode(given, order="sorted").decode()


class Faults(Dice[Fault, Mishap]):
    """Decides for each request and each notification, and counts what it did."""

    plan: FaultPlan

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        super().__init__(
            f"wechatpay faults:{seed}", plan or FaultPlan(), in_bursts=Fault.RATE_LIMITED
        )

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
