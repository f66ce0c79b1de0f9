"""Plates and ids: one spelling for each, and none that breaks what comes after."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core.events import fact_id_of
from parking.core.ids import uuid7, uuid7_unix_ms
from parking.core.plate import (
    NO_PLATE_TEXTS,
    InvalidPlateError,
    mask_plate,
    normalise_plate,
)


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("浙A·8B762", "浙A8B762"),
        ("浙a 8b762", "浙A8B762"),
        ("浙A．８Ｂ７６２", "浙A8B762"),  # noqa: RUF001 - cameras write full-width characters
        ("沪AD12345", "沪AD12345"),
        ("WJ-京0001A", "WJ京0001A"),
        ("_无_", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_a_plate_has_one_spelling(text: str, plate: str | None) -> None:
    assert normalise_plate(text) == plate


@pytest.mark.parametrize("text", ["🚗🚗🚗", "浙\x00A8B762", "A" * 17, "9" * 10_000, "a'; --", "A"])
def test_what_cannot_be_a_plate_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(InvalidPlateError) as caught:
        normalise_plate(text)
    assert len(str(caught.value)) < 120


@given(st.text(max_size=30))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    try:
        plate = normalise_plate(text)
    except InvalidPlateError:
        return
    if plate is not None:
        assert normalise_plate(plate) == plate
        assert 2 <= len(plate) <= 16
        assert plate not in NO_PLATE_TEXTS


def test_a_masked_plate_shows_its_ends_only() -> None:
    assert mask_plate("浙A8B762") == "浙A***62"
    assert mask_plate("AB12") == "****"


@given(st.integers(0, (1 << 48) - 1), st.integers(0, 1 << 80))
def test_a_uuid7_carries_its_time(unix_ms: int, bits: int) -> None:
    value = uuid7(unix_ms, bits)
    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert uuid7_unix_ms(value) == unix_ms
    assert fact_id_of(value) == value


@pytest.mark.parametrize("unix_ms", [-1, 1 << 48])
def test_a_time_that_does_not_fit_is_refused(unix_ms: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        uuid7(unix_ms, 0)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=16))
def test_the_short_way_for_plain_texts_ends_where_the_long_one_does(text: str) -> None:
    """A text that is normal already is answered at once; with a separator before it, it is not."""
    try:
        plate = normalise_plate(text)
    except InvalidPlateError:
        with pytest.raises(InvalidPlateError):
            normalise_plate(f"·{text}")
    else:
        assert normalise_plate(f"·{text}") == plate


def test_every_plain_character_is_its_own_normal_form() -> None:
    plain = [*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x4E00, 0xA000)]
    for text in (chr(code) * 2 for code in plain):
        assert normalise_plate(text) == normalise_plate(f" {text}") == text
