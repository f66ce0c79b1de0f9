"""When a code may be sent, what a try at it is worth, and that consent texts never change."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core.consent import CURRENT, TEXTS, ConsentOutdatedError, check_consent
from billing.core.sign_in import CodeAnswer, CodeRule, SentCode, judge, may_send_at

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RULE = CodeRule(life=timedelta(minutes=5), tries_max=3, pause=timedelta(minutes=1), hourly_max=5)


@given(st.lists(st.integers(0, 4 * 3600), max_size=60))
def test_whoever_asks_whenever_no_hour_sees_more_codes_than_the_rule(asks: list[int]) -> None:
    sent: list[datetime] = []
    for seconds in sorted(asks):
        now = NOW + timedelta(seconds=seconds)
        if may_send_at(sent, rule=RULE, now=now) <= now:
            sent.append(now)
    for first, last in zip(sent, sent[RULE.hourly_max :], strict=False):
        assert last - first >= timedelta(hours=1)
    for one, next_one in pairwise(sent):
        assert next_one - one >= RULE.pause


@given(st.lists(st.integers(0, 3600), min_size=1, max_size=12))
def test_the_time_that_is_named_is_the_first_at_which_it_works(ages: list[int]) -> None:
    sent = [NOW - timedelta(seconds=age) for age in ages]
    at = may_send_at(sent, rule=RULE, now=NOW)
    assert may_send_at(sent, rule=RULE, now=at) == at
    if at > NOW:
        early = at - timedelta(seconds=1)
        assert may_send_at(sent, rule=RULE, now=early) > early


def test_a_code_is_right_only_while_it_lives() -> None:
    code = SentCode(expires_at=NOW + RULE.life, tries=0, used=False)
    last_try = SentCode(expires_at=code.expires_at, tries=RULE.tries_max - 1, used=False)
    cases = [
        (code, True, NOW, CodeAnswer.RIGHT),
        (code, False, NOW, CodeAnswer.WRONG),
        (code, True, code.expires_at, CodeAnswer.DEAD),
        (last_try, True, NOW, CodeAnswer.RIGHT),
        (SentCode(expires_at=code.expires_at, tries=3, used=False), True, NOW, CodeAnswer.DEAD),
        (SentCode(expires_at=code.expires_at, tries=0, used=True), True, NOW, CodeAnswer.DEAD),
        (None, False, NOW, CodeAnswer.DEAD),
    ]
    for sent, matches, now, answer in cases:
        assert judge(sent, matches=matches, rule=RULE, now=now) is answer


def test_published_consent_texts_stay_as_they_were_agreed_to() -> None:
    digests = {
        text.version: hashlib.sha256(f"{text.text_zh}\n{text.text_en}".encode()).hexdigest()[:16]
        for text in TEXTS
    }
    assert digests == {"2026-11-1": "18e6941966276572"}, "add a version instead of editing one"
    assert check_consent(CURRENT.version) is CURRENT
    with pytest.raises(ConsentOutdatedError):
        check_consent("2020-1")
