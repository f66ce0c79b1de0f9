"""Money: nothing is lost, made, or mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core.fee import Fee, FeeLine, FeeLinesDoNotAddUpError
from parking.core.ids import TariffId
from parking.core.money import CurrencyMismatchError, Money, MoneyAllocationError, zero

sums = st.integers(-(10**12), 10**12)


@given(sums, sums)
def test_sums_add_compare_and_negate_as_whole_numbers_do(one: int, other: int) -> None:
    left, right = Money(one), Money(other)
    assert left + right == Money(one + other)
    assert left - right == left + -right
    assert (left < right, left <= right) == (one < other, one <= other)
    assert bool(left) is (one != 0)
    assert left.times(3) == Money(3 * one)


@given(sums, st.lists(st.integers(0, 1000), min_size=1).filter(any))
def test_handing_out_loses_and_makes_nothing(amount: int, weights: list[int]) -> None:
    shares = Money(amount).allocate(weights)
    assert sum(share.amount_minor for share in shares) == amount
    total = sum(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.amount_minor - amount * weight / total) < 1 + 1e-3


def test_the_remainder_goes_to_the_largest_fractions_the_earlier_first() -> None:
    assert [share.amount_minor for share in Money(100).allocate([1, 1, 1])] == [34, 33, 33]
    assert [share.amount_minor for share in Money(10).allocate([1, 5])] == [2, 8]


@pytest.mark.parametrize("weights", [[], [0, 0], [3, -1]])
def test_weights_must_make_sense(weights: list[int]) -> None:
    with pytest.raises(MoneyAllocationError):
        Money(100).allocate(weights)


def test_currencies_do_not_mix() -> None:
    yuan, dollars = Money(100), Money(100, "USD")
    for combine in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(CurrencyMismatchError, match="CNY with USD"):
            combine(yuan, dollars)


def test_what_is_no_money_is_refused() -> None:
    for amount in (1.5, True, "1"):
        with pytest.raises(TypeError):
            Money(amount)  # type: ignore[arg-type]
    for currency in ("yuan", "cny", ""):
        with pytest.raises(ValueError, match="ISO 4217"):
            Money(1, currency)


def test_money_is_shown_as_people_write_it() -> None:
    assert str(Money(1230)) == "12.30 CNY"
    assert str(Money(-5, "USD")) == "-0.05 USD"
    assert str(zero()) == "0.00 CNY"


def test_a_fee_s_lines_add_up_or_it_is_refused() -> None:
    line = FeeLine(code="rate", amount_minor=500, text_zh="甲", text_en="a")
    fee = Fee(total=Money(1000), lines=(line, line), tariff_id=TariffId("t"), tariff_version=1)
    assert fee.total == Money(1000)
    with pytest.raises(FeeLinesDoNotAddUpError, match=r"5\.00 CNY.*10\.00 CNY"):
        Fee(total=Money(1000), lines=(line,), tariff_id=TariffId("t"), tariff_version=1)
