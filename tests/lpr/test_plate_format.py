import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.plate_format import (
    ALPHABET,
    PLATE_CHARACTERS_MAX,
    PLATE_CHARACTERS_MIN,
    PlateKind,
    allowed_at,
    kind_of,
)
from parking.core.plate import normalise_plate


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("浙A8B762", PlateKind.STANDARD),
        ("粤OA2160", PlateKind.STANDARD),
        ("辽BMW005", PlateKind.STANDARD),
        ("鲁A88888", PlateKind.STANDARD),
        ("浙AD12345", PlateKind.NEW_ENERGY_SMALL),
        ("沪AFA0123", PlateKind.NEW_ENERGY_SMALL),
        ("京A12345D", PlateKind.NEW_ENERGY_LARGE),
        ("京A12345F", PlateKind.NEW_ENERGY_LARGE),
        ("苏A1234警", PlateKind.POLICE),
        ("渝B3587学", PlateKind.COACH),
        ("豫C1A23挂", PlateKind.TRAILER),
        ("粤Z1A23港", PlateKind.HONG_KONG),
        ("粤ZF023澳", PlateKind.MACAO),
        ("沪A0023领", PlateKind.CONSULATE),
        ("使014578", PlateKind.EMBASSY),
        ("224578使", PlateKind.EMBASSY),
        ("京X0123应急", PlateKind.EMERGENCY),
        ("民航A1234", PlateKind.CIVIL_AVIATION),
        ("VA12345", PlateKind.MILITARY),
    ],
)
def test_names_the_kinds_of_the_mainland(text: str, kind: PlateKind) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "浙A8B76",
        "浙A8B76I",  # no I among the serial
        "浙A8B76O",  # no O either
        "浙I8B762",  # no office I
        "浙08B762",  # an office is a letter
        "A浙8B762",
        "浙ABCDEF",  # a word, not a serial
        "京A12345Z",  # no energy letter
        "浙Z1A23港",  # only 粤Z crosses to Hong Kong
        "TAXI",
        "20150513",
        "浙AD1234567",
        "京A0123应急",  # fire (X) and forest rescue (S) only
        "民A12345",
        "VO12345",
    ],
)
def test_refuses_what_no_plate_can_be(text: str) -> None:
    assert kind_of(text) is None


@given(st.text(alphabet=sorted(ALPHABET), min_size=6, max_size=9))
def test_every_plate_keeps_to_the_alphabet_of_each_place(text: str) -> None:
    if kind_of(text) is None:
        return
    assert PLATE_CHARACTERS_MIN <= len(text) <= PLATE_CHARACTERS_MAX
    assert all(letter in allowed_at(place, len(text)) for place, letter in enumerate(text))


@given(
    st.one_of(
        st.from_regex(r"[京浙粤][A-HJ-NP-Z][0-9]{5}", fullmatch=True),
        st.from_regex(r"[京浙粤][A-HJ-NP-Z][DF][0-9A-HJ-NP-Z][0-9]{4}", fullmatch=True),
        st.from_regex(r"[京浙粤][A-HJ-NP-Z][0-9A-HJ-NP-Z]{4}[警学挂领]", fullmatch=True),
    )
)
def test_every_plate_is_one_that_the_server_normalises_to_itself(text: str) -> None:
    assert kind_of(text) is not None
    assert normalise_plate(text) == text
    assert all(letter in allowed_at(place, len(text)) for place, letter in enumerate(text))
