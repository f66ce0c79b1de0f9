"""Gathering, dunning, payments' arrows, and what outcomes lead to."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from billing.core.dunning import REMINDERS, TABLE, Restore, Tell, dun, restores
from billing.core.gathering import (
    DueObligation,
    Gathered,
    GatherRule,
    NothingToWaitFor,
    WaitUntil,
    gather,
)
from billing.core.payment import (
    ARROWS,
    FINAL,
    NextStep,
    PaymentArrowError,
    PaymentPace,
    PaymentState,
    after_outcome,
    backoff,
    check_arrow,
)
from parking.core.ids import ObligationId

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PACE = PaymentPace(
    poll=timedelta(seconds=30),
    unknown_retry=timedelta(seconds=2),
    unknown_retry_max=timedelta(minutes=10),
)
RULE = GatherRule(
    threshold_minor=5_000, wait=timedelta(hours=24), minimum_minor=400, obligations_max=3
)


def due(number: int, amount_minor: int, hours: float) -> DueObligation:
    return DueObligation(
        obligation_id=ObligationId(UUID(int=number)),
        outstanding_minor=amount_minor,
        chargeable_from=NOW + timedelta(hours=hours),
    )


dues = st.lists(
    st.tuples(st.integers(min_value=1, max_value=9_000), st.floats(min_value=-48, max_value=48)),
    max_size=8,
).map(lambda pairs: [due(n, amount, hours) for n, (amount, hours) in enumerate(pairs)])


class TestGathering:
    @given(dues, st.randoms(use_true_random=False))
    def test_decides_the_same_in_any_order_and_by_the_rule(
        self, owed: list[DueObligation], random: st.DataObject
    ) -> None:
        decision = gather(owed, rule=RULE, now=NOW)
        shuffled = list(owed)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        assert gather(shuffled, rule=RULE, now=NOW) == decision
        match decision:
            case Gathered(obligations=chosen):
                assert all(each.chargeable_from <= NOW for each in chosen)
                assert decision.amount_minor >= RULE.minimum_minor
                assert len(chosen) <= RULE.obligations_max
                waited = chosen[0].chargeable_from + RULE.wait <= NOW
                assert waited or decision.amount_minor >= RULE.threshold_minor
                rest = [each for each in owed if each not in chosen]
                assert all(each.chargeable_from >= chosen[-1].chargeable_from for each in rest), (
                    "the oldest go first"
                )
            case WaitUntil(at=at):
                assert at > NOW
            case NothingToWaitFor():
                assert all(each.chargeable_from <= NOW for each in owed)

    @given(dues)
    def test_waiting_ends(self, owed: list[DueObligation]) -> None:
        now, looks = NOW, 0
        while isinstance(decision := gather(owed, rule=RULE, now=now), WaitUntil):
            now, looks = decision.at, looks + 1
            assert looks <= 2 * len(owed) + 1

    def test_collects_at_the_threshold_and_after_the_wait(self) -> None:
        assert gather([due(1, 4_999, -1)], rule=RULE, now=NOW) == WaitUntil(
            NOW + timedelta(hours=23)
        )
        assert isinstance(gather([due(1, 5_000, -1)], rule=RULE, now=NOW), Gathered)
        assert isinstance(gather([due(1, 400, -24)], rule=RULE, now=NOW), Gathered)
        assert gather([due(1, 399, -24)], rule=RULE, now=NOW) == NothingToWaitFor()
        assert gather([due(1, 5_000, 2)], rule=RULE, now=NOW) == WaitUntil(NOW + timedelta(hours=2))


class TestDunning:
    @pytest.mark.parametrize("decline_class", list(DeclineClass))
    def test_every_class_has_a_row_that_ends(self, decline_class: DeclineClass) -> None:
        row = TABLE[decline_class]
        for declines, delay in enumerate(row.charges_after, start=1):
            step = dun(decline_class=decline_class, declines=declines, now=NOW)
            assert (step.retry_at, step.suspend, step.reminders_at) == (NOW + delay, False, ())
            assert (step.tell is Tell.DECLINED) == (row.tell_first and declines == 1)
        last = dun(decline_class=decline_class, declines=len(row.charges_after) + 1, now=NOW)
        assert (last.retry_at, last.suspend) == (None, row.suspend)
        assert (last.tell is Tell.STOPPED) == row.tell_stop
        assert last.reminders_at == (tuple(NOW + at for at in REMINDERS) if row.tell_stop else ())
        assert not row.suspend or row.tell_stop, "nobody is suspended without being told"
        assert Restore.NEW_CARD in row.restored_by, "there is always a way back"
        assert restores(decline_class, by=Restore.NEW_CARD)

    def test_can_be_shown_in_a_hurry(self) -> None:
        step = dun(
            decline_class=DeclineClass.INSUFFICIENT_FUNDS, declines=1, now=NOW, time_scale=86_400
        )
        assert step.retry_at == NOW + timedelta(seconds=1)

    def test_a_card_that_is_gone_is_never_asked_again(self) -> None:
        for decline_class in (DeclineClass.CARD_UNUSABLE, DeclineClass.AUTHENTICATION_REQUIRED):
            assert dun(decline_class=decline_class, declines=1, now=NOW).retry_at is None

    def test_paying_by_hand_does_not_mend_a_card_that_is_gone(self) -> None:
        assert not restores(DeclineClass.CARD_UNUSABLE, by=Restore.ALL_PAID)
        assert restores(DeclineClass.INSUFFICIENT_FUNDS, by=Restore.ALL_PAID)


class TestOutcomes:
    @pytest.mark.parametrize(
        ("outcome", "state", "due_at"),
        [
            (
                Succeeded(
                    payment_ref="pi",
                    charge_ref="ch",
                    amount_minor=1,
                    currency="CNY",
                    captured_at=NOW,
                ),
                PaymentState.SUCCEEDED,
                None,
            ),
            (Pending(payment_ref="pi"), PaymentState.PENDING, NOW + PACE.poll),
            (Unknown(reason="lost"), PaymentState.UNKNOWN, NOW + PACE.unknown_retry),
            (NotExecuted(reason="never"), PaymentState.READY, NOW),
            (ActionRequired(payment_ref="pi"), PaymentState.STOPPED, None),
            (
                Declined(decline_class=DeclineClass.INSUFFICIENT_FUNDS, code="x"),
                PaymentState.WAITING,
                NOW + timedelta(days=1),
            ),
            (
                Declined(decline_class=DeclineClass.CARD_UNUSABLE, code="x"),
                PaymentState.STOPPED,
                None,
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_lead_where_the_table_says(
        self, outcome: Outcome, state: PaymentState, due_at: datetime | None
    ) -> None:
        step = after_outcome(outcome, declines=0, sends=1, pace=PACE, now=NOW)
        assert isinstance(step, NextStep)
        assert (step.state, step.due_at) == (state, due_at)
        for before in (PaymentState.IN_FLIGHT, PaymentState.UNKNOWN):
            check_arrow(before, step.state)

    def test_are_all_in_the_table_above(self) -> None:
        assert len(get_args(Outcome)) == 6

    @given(st.integers(min_value=0, max_value=10**9))
    def test_a_lost_answer_is_asked_for_ever_more_rarely(self, sends: int) -> None:
        delay = backoff(sends=sends, pace=PACE)
        assert PACE.unknown_retry <= delay <= PACE.unknown_retry_max
        assert delay <= backoff(sends=sends + 1, pace=PACE)


class TestArrows:
    def test_lead_out_of_every_state_but_the_final_ones(self) -> None:
        assert {state for state, after in ARROWS.items() if not after} == FINAL
        assert set(ARROWS) == set(PaymentState)

    def test_any_other_is_refused(self) -> None:
        for before, allowed in ARROWS.items():
            for after in set(PaymentState) - allowed - {before}:
                with pytest.raises(PaymentArrowError, match=f"{before.value} to {after.value}"):
                    check_arrow(before, after)
