"""Two accounts claim one plate: who gets it. Pure; the rules are a table in docs/.

The holder keeps the plate until the claim is decided. Decided means from now on: stays that were
made stay with whoever had the plate then.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

import msgspec

from parking.core.ids import LotId


class HolderAnswer(Enum):
    """What the one who has the plate says."""

    AGREES = "agrees"
    CONTESTS = "contests"


class ClaimRule(msgspec.Struct, frozen=True, kw_only=True):
    """How long everybody has."""

    answer: timedelta
    """The holder's time to answer; silence after that speaks for a proven claim."""
    evidence: timedelta
    """The claimant's time to prove anything at all."""
    fact_tries_max: int
    """Guesses at the fact from a recent stay."""
    fact_within: timedelta
    """How close to the camera's time the driver's must be."""
    fact_age: timedelta
    """How far back a recent stay may lie."""
    pause: timedelta
    """Between a claim that came to nothing and the next one to the same plate."""
    claims_max: int
    """Claims of one account in such a time, to whatever plates; those granted do not count."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for and against a claim so far."""

    opened_at: datetime
    licence: bool
    """A reference to the vehicle licence was given."""
    fact_matched: bool
    """The claimant knew a fact from a recent stay that only the driver knows."""
    holder_answer: HolderAnswer | None


class Grant(msgspec.Struct, frozen=True):
    """The plate goes to the claimant."""

    reason: str


class Refuse(msgspec.Struct, frozen=True):
    """The plate stays where it is."""

    reason: str


class LookAgain(msgspec.Struct, frozen=True):
    """Nothing can be decided before this instant."""

    at: datetime


class AskPerson(msgspec.Struct, frozen=True):
    """Only a person can decide."""

    reason: str


Verdict: TypeAlias = Grant | Refuse | LookAgain | AskPerson


class EarlierClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that the same account has made, and that was not granted."""

    same_plate: bool
    opened_at: datetime
    ended_at: datetime | None
    """None: it is still open."""


def may_claim_from(
    earlier: Iterable[EarlierClaim], *, rule: ClaimRule, now: datetime
) -> datetime | None:
    """Say from when on another claim is taken; None: now.

    Each claim alarms whoever has the plate, so nobody may make them by the dozen.
    """
    found = [each for each in earlier if each.opened_at > now - rule.pause or each.same_plate]
    ends = [each.ended_at + rule.pause for each in found if each.same_plate and each.ended_at]
    recent = sorted(each.opened_at for each in found if each.opened_at > now - rule.pause)
    if len(recent) >= rule.claims_max:
        ends.append(recent[-rule.claims_max] + rule.pause)
    at = max(ends, default=now)
    return at if at > now else None


def judge_claim(evidence: Evidence, *, rule: ClaimRule, now: datetime) -> Verdict:
    """Decide a claim by rule as far as rules go."""
    if evidence.holder_answer is HolderAnswer.AGREES:
        return Grant("the holder agrees")
    if evidence.holder_answer is HolderAnswer.CONTESTS:
        return AskPerson("the holder contests the claim")
    proofs = evidence.licence + evidence.fact_matched
    silent_until = evidence.opened_at + rule.answer
    lapses_at = evidence.opened_at + rule.evidence
    if proofs == 0:
        return Refuse("no evidence was given in time") if now >= lapses_at else LookAgain(lapses_at)
    if now < silent_until:
        return LookAgain(silent_until)
    if proofs == 1:
        return AskPerson("there is one piece of evidence only, and the holder is silent")
    return Grant("licence and a fact from a stay, and the holder is silent")


class StayFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver says of a recent stay: in which lot, and when the car came in."""

    lot_id: LotId
    entered_at: datetime


def fact_matches(fact: StayFact, stays: Iterable[StayFact], *, rule: ClaimRule) -> bool:
    """Whether the fact is that of one of the stays; seconds aside, as people remember."""
    return any(
        stay.lot_id == fact.lot_id and abs(stay.entered_at - fact.entered_at) <= rule.fact_within
        for stay in stays
    )
