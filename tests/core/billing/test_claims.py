"""Who gets a plate that two accounts claim: the whole table of rules, and facts from stays."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.core.claims import (
    AskPerson,
    ClaimRule,
    EarlierClaim,
    Evidence,
    Grant,
    HolderAnswer,
    LookAgain,
    Refuse,
    StayFact,
    fact_matches,
    judge_claim,
    may_claim_from,
)
from parking.core.ids import LotId

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RULE = ClaimRule(
    answer=timedelta(days=7),
    evidence=timedelta(days=14),
    fact_tries_max=3,
    fact_within=timedelta(minutes=15),
    fact_age=timedelta(days=30),
    pause=timedelta(days=30),
    claims_max=3,
)
EVIDENCE = st.builds(
    Evidence,
    opened_at=st.just(NOW),
    licence=st.booleans(),
    fact_matched=st.booleans(),
    holder_answer=st.sampled_from([None, *HolderAnswer]),
)


@given(EVIDENCE, st.integers(0, 40 * 24))
def test_the_table_of_rules(evidence: Evidence, hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    verdict = judge_claim(evidence, rule=RULE, now=now)
    proofs = evidence.licence + evidence.fact_matched
    match evidence.holder_answer:
        case HolderAnswer.AGREES:
            assert isinstance(verdict, Grant)
        case HolderAnswer.CONTESTS:
            assert isinstance(verdict, AskPerson), "no rule takes a plate from who contests"
        case None if proofs == 0:
            assert isinstance(verdict, Refuse if hours >= 14 * 24 else LookAgain)
        case None if hours < 7 * 24:
            assert isinstance(verdict, LookAgain)
        case None:
            assert isinstance(verdict, Grant if proofs == 2 else AskPerson)
    if isinstance(verdict, LookAgain):
        assert verdict.at > now
        assert not isinstance(judge_claim(evidence, rule=RULE, now=verdict.at), LookAgain)


@given(st.integers(-40 * 60, 40 * 60), st.booleans())
def test_a_fact_is_a_lot_and_about_the_time(seconds: int, same_lot: bool) -> None:  # noqa: FBT001
    stay = StayFact(lot_id=LotId("west-lake"), entered_at=NOW)
    told = StayFact(
        lot_id=LotId("west-lake" if same_lot else "bus-station"),
        entered_at=NOW + timedelta(seconds=seconds),
    )
    right = fact_matches(told, [stay], rule=RULE)
    assert right == (same_lot and abs(seconds) <= 15 * 60)
    assert not fact_matches(told, [], rule=RULE)


@given(st.lists(st.tuples(st.integers(0, 59), st.booleans(), st.integers(0, 3)), max_size=30))
def test_nobody_claims_by_the_dozen(tries: list[tuple[int, bool, int]]) -> None:
    """Whoever claims and withdraws all the time gets few claims in, however they try."""
    made: list[EarlierClaim] = []
    for days, same_plate, lasts in sorted(tries):
        now = NOW + timedelta(days=days)
        at = may_claim_from(made, rule=RULE, now=now)
        # Claims to the other plate look the other way round, but each has the same history.
        if at is None:
            ended_at = now + timedelta(days=lasts)
            made.append(EarlierClaim(same_plate=same_plate, opened_at=now, ended_at=ended_at))
        else:
            assert at > now
    for begin in made:
        within = [
            each
            for each in made
            if begin.opened_at <= each.opened_at < begin.opened_at + RULE.pause
        ]
        assert len(within) <= RULE.claims_max
