"""Whatever happens to an obligation, the ledger says the same as its sums."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from billing.core import accounts, entries, obligation
from billing.core.entries import Booking, FeeShare
from billing.core.ledger import (
    EntryKind,
    EntryShapeError,
    JournalEntry,
    Posting,
    UnbalancedEntryError,
    balances,
    gathered,
)
from billing.core.obligation import (
    ARROWS,
    Obligation,
    ObligationArrowError,
    ObligationState,
    ObligationSumsError,
    check_arrow,
)
from parking.core.ids import ObligationId, OperatorId, PaymentId
from parking.core.money import Money

WEST = OperatorId("west-lake")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
BOOKING = Booking(booked_on=date(2026, 11, 23), occurred_at=NOW)
PAYMENT = PaymentId(UUID(int=7))
sums = st.integers(min_value=0, max_value=100_000)


def fresh(commission_bp: int = 500) -> Obligation:
    return Obligation(
        obligation_id=ObligationId(UUID(int=1)), operator_id=WEST, commission_bp=commission_bp
    )


class LifeOfAnObligation(RuleBasedStateMachine):
    """Fees, corrections, holds, captures and releases in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.obligation = fresh(commission_bp=333)
        self.entries: list[JournalEntry] = []
        self.held_minor = 0

    def _book(self, entry: JournalEntry | None) -> None:
        if entry is not None:
            self.entries.append(entry)

    @rule(charged=sums, stale=st.booleans())
    def reassess(self, *, charged: int, stale: bool) -> None:
        revision = self.obligation.revision + (0 if stale else 1)
        step = obligation.reassess(self.obligation, charged_minor=charged, revision=revision)
        assert (step is None) == stale
        if step is not None:
            self.obligation = step.obligation
            self._book(entries.assessed(step, currency="CNY", booking=BOOKING))

    @rule()
    @precondition(lambda self: self.obligation.captured_minor)
    def take_back(self) -> None:
        step = obligation.take_back(self.obligation)
        self.obligation = step.obligation
        self._book(entries.assessed(step, currency="CNY", booking=BOOKING))
        assert self.obligation.kept_minor == 0

    @rule()
    @precondition(lambda self: self.obligation.state is ObligationState.DUE)
    def hold(self) -> None:
        self.held_minor = self.obligation.outstanding_minor
        self.obligation = obligation.hold(self.obligation)

    @rule()
    @precondition(lambda self: self.obligation.held)
    def release(self) -> None:
        self.obligation = obligation.release(self.obligation)

    @rule(in_error=st.booleans())
    @precondition(lambda self: self.obligation.held)
    def capture(self, *, in_error: bool) -> None:
        take = obligation.capture_in_error if in_error else obligation.capture
        part = take(self.obligation, amount_minor=self.held_minor)
        assert part.applied_minor + part.excess_minor == self.held_minor
        self.obligation = part.obligation
        self._book(
            entries.captured(
                [part], payment_id=PAYMENT, gateway="stripe", currency="CNY", booking=BOOKING
            )
        )

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        replayed = balances(self.entries)
        expected = {
            accounts.driver_receivable(WEST): self.obligation.outstanding_minor,
            accounts.operator_accrued(WEST): -self.obligation.outstanding_minor,
            accounts.operator_payable(WEST): self.obligation.commission_minor
            - self.obligation.kept_minor,
            accounts.PLATFORM_COMMISSION: -self.obligation.commission_minor,
            accounts.DRIVER_CREDIT: -self.obligation.returned_minor,
            accounts.processor_clearing("stripe"): self.obligation.captured_minor,
        }
        for account, amount in expected.items():
            assert replayed.get((account, "CNY"), 0) == amount, account.name
        assert sum(replayed.values()) == 0


TestLifeOfAnObligation = LifeOfAnObligation.TestCase


class TestJournalEntry:
    @given(st.lists(sums, min_size=1, max_size=6))
    def test_balances_or_is_refused(self, amounts: list[int]) -> None:
        legs = [
            (accounts.operator_payable(OperatorId(f"op-{n}")), a) for n, a in enumerate(amounts)
        ]
        postings = gathered([*legs, (accounts.DRIVER_CREDIT, -sum(amounts))], currency="CNY")
        if not postings:
            return
        entry = _entry(postings)
        undone = entry.reverse(booked_on=date(2026, 11, 24), occurred_at=NOW)
        assert not any(balances([entry, undone]).values())
        with pytest.raises((UnbalancedEntryError, EntryShapeError)):
            _entry((*postings, Posting(accounts.PLATFORM_COMMISSION, Money(1))))

    def test_balances_in_each_currency_by_itself(self) -> None:
        with pytest.raises(UnbalancedEntryError):
            _entry(
                (
                    Posting(accounts.DRIVER_CREDIT, Money(5, "CNY")),
                    Posting(accounts.DRIVER_CREDIT, Money(-5, "USD")),
                )
            )

    def test_is_of_two_postings_or_more_and_none_of_nothing(self) -> None:
        for postings in ((), (Posting(accounts.DRIVER_CREDIT, Money(0)),) * 2):
            with pytest.raises(EntryShapeError):
                _entry(postings)

    @given(st.lists(st.integers(min_value=1, max_value=10_000), min_size=1, max_size=5), sums)
    def test_hands_a_fee_out_to_the_last_fen(self, parts: list[int], fee_minor: int) -> None:
        shares = [FeeShare(OperatorId(f"op-{n}"), part) for n, part in enumerate(parts)]
        entry = entries.fee_known(
            shares, fee=Money(fee_minor), payment_id=PAYMENT, gateway="stripe", booking=BOOKING
        )
        assert (entry is None) == (fee_minor == 0)
        if entry is not None:
            clearing = accounts.processor_clearing("stripe")
            assert balances([entry])[clearing, "CNY"] == -fee_minor

    def test_gives_a_refund_out_of_the_drivers_credit(self) -> None:
        entry = entries.refunded(Money(400), refund_id="r", gateway="stripe", booking=BOOKING)
        assert balances([entry])[accounts.DRIVER_CREDIT, "CNY"] == 400


def _entry(postings: tuple[Posting, ...]) -> JournalEntry:
    return JournalEntry(
        kind=EntryKind.REVERSAL,
        source="test",
        booked_on=date(2026, 11, 23),
        occurred_at=NOW,
        postings=postings,
    )


class TestArrows:
    def test_lead_from_every_state_and_nowhere_else(self) -> None:
        for before in ObligationState:
            for after in ObligationState:
                if after is before or after in ARROWS[before]:
                    check_arrow(before, after)
                else:
                    with pytest.raises(ObligationArrowError, match=f"{before.value} to"):
                        check_arrow(before, after)

    def test_only_what_is_due_can_be_held(self) -> None:
        with pytest.raises(ObligationArrowError):
            obligation.hold(fresh())


@pytest.mark.parametrize(
    "wrong",
    [{"charged_minor": -1}, {"captured_minor": 1}, {"returned_minor": 1}, {"returned_minor": -1}],
)
def test_sums_that_contradict_each_other_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ObligationSumsError):
        msgspec.structs.replace(fresh(), **wrong)


@given(sums, sums, st.integers(min_value=0, max_value=10_000))
def test_commission_grows_with_the_sum_and_never_exceeds_it(a: int, b: int, bp: int) -> None:
    low, high = sorted((a, b))
    share = obligation.commission(amount_minor=low, commission_bp=bp)
    assert 0 <= share <= low
    assert share <= obligation.commission(amount_minor=high, commission_bp=bp)


class TestChartOfAccounts:
    def test_names_kind_and_owner(self) -> None:
        account = accounts.operator_payable(WEST)
        assert account.kind is accounts.AccountKind.LIABILITY
        assert account.operator_id == WEST
        assert accounts.PLATFORM_COMMISSION.operator_id is None
        assert accounts.processor_clearing("stripe").operator_id is None

    def test_refuses_what_it_does_not_have(self) -> None:
        with pytest.raises(accounts.UnknownLedgerAccountError):
            _ = accounts.LedgerAccount("petty_cash").kind
