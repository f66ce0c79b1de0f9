"""One-time codes: when one may be sent, and whether one is right. Pure; the rules as data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

import msgspec

CODE_DIGITS = 6


class CodeRule(msgspec.Struct, frozen=True, kw_only=True):
    """How careful sign-in is with one phone number."""

    life: timedelta
    """A code is good for this long."""
    tries_max: int
    """A code that was guessed wrong this often is dead."""
    pause: timedelta
    """Between two codes for one number."""
    hourly_max: int
    """Codes for one number in an hour. With `tries_max` this bounds guessing: five codes of five
    tries each are one chance in forty thousand an hour."""


class CodeAnswer(Enum):
    """What a given code turned out to be."""

    RIGHT = "right"
    WRONG = "wrong"
    DEAD = "dead"
    """Too old, used, guessed at too often, or none was sent: another must be asked for."""


class SentCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was sent, without the code."""

    expires_at: datetime
    tries: int
    used: bool


def may_send_at(sent: Sequence[datetime], *, rule: CodeRule, now: datetime) -> datetime:
    """When the next code may be sent, given when the last ones were; not after `now`: at once."""
    recent = sorted(at for at in sent if at > now - timedelta(hours=1))
    earliest = now
    if recent:
        earliest = max(earliest, recent[-1] + rule.pause)
    if len(recent) >= rule.hourly_max:
        earliest = max(earliest, recent[-rule.hourly_max] + timedelta(hours=1))
    return earliest


def judge(code: SentCode | None, *, matches: bool, rule: CodeRule, now: datetime) -> CodeAnswer:
    """Judge a try at the newest code; `tries` counts the wrong ones before this one."""
    if code is None or code.used or now >= code.expires_at or code.tries >= rule.tries_max:
        return CodeAnswer.DEAD
    return CodeAnswer.RIGHT if matches else CodeAnswer.WRONG
