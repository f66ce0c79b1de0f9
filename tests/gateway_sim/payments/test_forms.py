"""Form bodies: whatever the SDK encodes comes out as it went in."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.forms import decode_form

NAMES = st.text(
    st.characters(exclude_characters="[]", exclude_categories=["Cs"]), min_size=1
).filter(lambda name: not name.isdecimal())
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    TEXTS,
    lambda below: (
        st.lists(below, min_size=1, max_size=4)
        | st.dictionaries(NAMES, below, min_size=1, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_the_sdk_encodes_is_decoded(params: dict[str, Any]) -> None:
    assert decode_form(urlencode(list(_api_encode(params)))) == params


def test_empty_brackets_append() -> None:
    assert decode_form("expand[]=a&expand[]=b") == {"expand": ["a", "b"]}


@given(st.text(max_size=60) | st.text("ab[]0=&%", max_size=60))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    with suppress(InvalidRequestError):
        decode_form(text)


@pytest.mark.parametrize(
    "text",
    [
        "a=1&a[b]=2",
        "a[b]=2&a=1",
        "[a]=1",
        "a[b=1",
        "a]=1",
        "a[[b]]=1",
        "%ff=1",
        "a" + "[b]" * 9 + "=1",
    ],
)
def test_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        decode_form(text)


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(InvalidRequestError):
        decode_form("a=1&" * 1001)
