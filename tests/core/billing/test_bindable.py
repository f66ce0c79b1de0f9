"""Which plates a driver may bind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core.bindable import (
    NoPlateError,
    NotMainlandPlateError,
    NotPlateOfCountryError,
    UnknownCountryError,
    bindable_plate,
)
from lpr.core.plate_format import ALPHABET, kind_of

MAINLAND = [
    "浙a·8b762",
    "粤OA2160",
    "浙AD12345",
    "京A12345F",
    "苏A1234警",
    "渝B3587学",
    "豫C1A23挂",
    "粤Z1A23港",
    "粤ZF023澳",
    "沪A0023领",
    "使014578",
    "224578使",
    "京X0123应急",
    "民航A1234",
    "VA12345",
    "WJ浙1234X",
    "WJ12345",
    "浙A9V0V9临",
    "浙0112345",
]


@pytest.mark.parametrize("text", MAINLAND)
@pytest.mark.parametrize("country", [None, "CN", " cn "])
def test_a_plate_of_the_mainland_needs_no_country(text: str, country: str | None) -> None:
    plate = bindable_plate(text, country=country)
    assert plate == text.upper().replace("·", "")


@given(st.text(alphabet=sorted(ALPHABET), min_size=7, max_size=8))
def test_what_a_gate_reads_as_a_plate_can_be_bound(text: str) -> None:
    if kind_of(text) is not None:
        assert bindable_plate(text, country=None) == text


@pytest.mark.parametrize(
    "text",
    ["hello world", "A8B762", "浙A8B76", "浙A8B76I", "AB1234", "票0123456789ABCDE", "浙浙浙"],
)
def test_what_no_car_of_the_mainland_bears_is_not_bound(text: str) -> None:
    with pytest.raises(NotMainlandPlateError, match="with its country"):
        bindable_plate(text, country=None)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("AB 1234", "HK"),
        ("HAPPY", "HK"),
        ("MA-12-34", "MO"),
        ("ABC-1234", "TW"),
        ("1234-AB", "tw"),
        ("K 123 AB 77", "RU"),
        ("hello", "GB"),
    ],
)
def test_a_plate_from_elsewhere_is_bound_with_its_country(text: str, country: str) -> None:
    assert bindable_plate(text, country=country).isascii()


@pytest.mark.parametrize(
    ("text", "country"),
    [("浙A8B762", "HK"), ("IOQ1", "HK"), ("AB123", "MO"), ("HELLO", "TW"), ("HELLOWORLD12", "GB")],
)
def test_a_plate_that_the_country_cannot_have_is_refused(text: str, country: str) -> None:
    with pytest.raises(NotPlateOfCountryError, match=f"no number plate of {country}"):
        bindable_plate(text, country=country)


@pytest.mark.parametrize("country", ["", "H", "HKG", "香港", "1A"])
def test_a_country_is_two_letters(country: str) -> None:
    with pytest.raises(UnknownCountryError):
        bindable_plate("AB1234", country=country)


def test_no_plate_is_told_as_such() -> None:
    with pytest.raises(NoPlateError):
        bindable_plate("无牌车", country=None)
