"""Contracts, cut-offs and settlements: every fen between two cut-offs is explained."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core.settlement import (
    Contract,
    Figures,
    Period,
    Settlement,
    SettlementDoesNotAddUpError,
    contract_on,
    cut_off_of,
    settle,
)
from parking.core.ids import OperatorId

DAY = date(2026, 11, 23)
DEFAULT = Contract(effective_from=date.min, commission_bp=500)
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
SUMS = st.integers(0, 10**9)


def settled(contract: Contract, figures: Figures, minimum: int = 10_000) -> Settlement:
    return settle(
        operator_id=OperatorId("west-lake"),
        begin_date=DAY,
        cut_off_date=DAY,
        currency="CNY",
        contract=contract,
        figures=figures,
        payout_minimum_minor=minimum,
    )


@given(
    st.builds(
        Contract,
        effective_from=st.just(DAY),
        commission_bp=st.integers(0, 10_000),
        fixed_minor=SUMS,
        minimum_minor=SUMS,
    ),
    st.lists(st.tuples(SUMS, SUMS, SUMS, st.integers(-(10**6), 10**6)), min_size=1, max_size=12),
)
def test_a_chain_of_settlements_hands_out_all_that_there_was(
    contract: Contract, periods: list[tuple[int, int, int, int]]
) -> None:
    carried = paid = taken = there_was = 0
    for collected, commission, fees, corrected in periods:
        result = settled(
            contract,
            Figures(
                opening_minor=carried,
                collected_minor=collected,
                commission_minor=commission,
                processor_fees_minor=fees,
                corrected_minor=corrected,
            ),
        )
        assert result.commission_minor + result.top_up_minor >= contract.minimum_minor
        assert result.settled_minor == 0 or result.settled_minor >= 10_000
        assert result.settled_minor == 0 or result.carried_minor == 0
        there_was += collected - commission - fees + corrected
        taken += result.fixed_minor + result.top_up_minor
        paid, carried = paid + result.settled_minor, result.carried_minor
    assert paid + carried == there_was - taken


def test_what_does_not_add_up_is_refused() -> None:
    figures = Figures(
        opening_minor=0,
        collected_minor=20_000,
        commission_minor=1_000,
        processor_fees_minor=100,
        corrected_minor=0,
    )
    good = settled(DEFAULT, figures)
    assert good.settled_minor == 18_900
    with pytest.raises(SettlementDoesNotAddUpError):
        Settlement(
            **{
                name: getattr(good, name) + (name == "settled_minor")
                if name.endswith("_minor")
                else getattr(good, name)
                for name in Settlement.__struct_fields__
            }
        )


@given(minimum=SUMS, commission=SUMS, returned=st.integers(-(10**6), 10**9))
def test_the_minimum_counts_what_the_platform_keeps(
    minimum: int, commission: int, returned: int
) -> None:
    """What corrections gave back was not earned; and a top-up is never more than the minimum."""
    contract = Contract(effective_from=DAY, commission_bp=500, minimum_minor=minimum)
    figures = Figures(
        opening_minor=0,
        collected_minor=2 * commission,
        commission_minor=commission,
        processor_fees_minor=0,
        corrected_minor=0,
        commission_returned_minor=returned,
    )
    top_up = settled(contract, figures).top_up_minor
    kept = max(0, commission - returned)
    assert top_up == max(0, minimum - kept)
    assert 0 <= top_up <= minimum


@given(DAYS, st.sampled_from(Period))
def test_periods_tile_the_calendar(day: date, period: Period) -> None:
    last = cut_off_of(day, period)
    assert last >= day
    assert cut_off_of(last, period) == last
    assert cut_off_of(last + timedelta(days=1), period) > last
    if period is Period.WEEKLY:
        assert last.weekday() == 6
    if period is Period.MONTHLY:
        assert (last + timedelta(days=1)).day == 1


@given(st.lists(DAYS, unique=True, max_size=6), DAYS)
def test_the_newest_contract_that_has_begun_is_in_force(begins: list[date], day: date) -> None:
    contracts = [Contract(effective_from=each, commission_bp=1) for each in begins]
    found = contract_on(contracts, day, default=DEFAULT)
    begun = [each for each in begins if each <= day]
    assert found.effective_from == (max(begun) if begun else date.min)
