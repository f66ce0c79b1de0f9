"""What must not be in a log is not in it, wherever in an event it stood."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core.logs import mask_event, mask_text, mask_value
from parking.core.settings import Secret

PLATES = st.builds(
    lambda province, letter, rest: f"{province}{letter}{rest}",
    st.sampled_from("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"),
    st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ"),
    st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=5, max_size=6),
)
PHONES = st.builds(
    lambda country, second, rest: f"{country}1{second}{rest}",
    st.sampled_from(["", "+86", "86", "+86 "]),
    st.sampled_from("3456789"),
    st.text("0123456789", min_size=9, max_size=9),
)


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """A sensitive text somewhere inside an event's value."""
    in_text = st.builds(
        lambda before, text, after: f"{before} {text} {after}",
        st.text("abc ,:;=/", max_size=5),
        inner,
        st.text("abc ,:;=/", max_size=5),
    )
    return st.recursive(
        in_text,
        lambda value: (
            st.lists(value, min_size=1, max_size=3)
            | st.dictionaries(st.sampled_from(["note", "detail", "x"]), value, min_size=1)
            | st.tuples(value)
        ),
        max_leaves=4,
    )


@given(PLATES, st.data())
def test_no_plate_leaves_in_clear(plate: str, data: st.DataObject) -> None:
    value = data.draw(nested(st.just(plate)))
    event = {"event": value, "plate": plate, "error": ValueError(f"no stay for {plate}")}
    assert plate not in str(mask_event(None, "info", event))


@given(PHONES, st.data())
def test_no_phone_number_leaves_in_clear(phone: str, data: st.DataObject) -> None:
    value = data.draw(nested(st.just(phone)))
    event = {"event": value, "phone": phone}
    assert phone[-11:] not in str(mask_event(None, "info", event))


@given(st.text("abcdef0123456789", min_size=12, max_size=40))
def test_no_secret_leaves_in_clear(secret: str) -> None:
    event = {
        "device_key": secret,
        "headers": {"Authorization": f"Bearer {secret}", "stripe_signature": secret},
        "event": f"calling with Bearer {secret} and sk_test_{secret}",
        "database": f"postgresql://parking:{secret}@127.0.0.1:5432/parking",
        "settings": [Secret(secret)],
        "token": secret,
    }
    masked = str(mask_event(None, "info", event))
    assert secret not in masked
    assert "127.0.0.1:5432/parking" in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("浙A8B762 in", "浙A***62 in"),
        ("浙A·8B762 in", "浙A****62 in"),
        ("call +8613800138000.", "call +86138****8000."),
        ("call 138 0013 8000", "call 138****8000"),
        ("call +44 7700 900123", "call +44****23"),
        ("card 4242 4242 4242 4242", "card ****4242"),
        ("card 4242424242424242 declined", "card ****4242 declined"),
    ],
)
def test_a_person_can_still_tell_them_apart(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "harmless",
    [
        UUID("01938e5e-1380-7013-8000-138001380001"),
        datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
        "01938e5e-1380-7013-8000-138001380001",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        1_763_906_400_123,
        "2026-11-23T14:00:00.123456Z",
        "pi_3NxYz13800138000abc",
        "GET /v1/stays/01938e5e-1380-7013-8000-138001380001 200 12.5 ms",
        True,
        None,
        0.5,
    ],
)
def test_ids_times_and_figures_stay(harmless: object) -> None:
    masked = mask_value(harmless, field="event")
    expected = harmless.isoformat() if isinstance(harmless, datetime) else harmless
    assert str(masked) == str(expected)


def test_an_idempotency_key_is_no_secret() -> None:
    event = {"idempotency_key": "pay-0193-1", "key_id": "abc"}
    assert mask_event(None, "info", dict(event)) == event


def test_an_event_is_copied_not_changed() -> None:
    inner = {"plate": "浙A8B762"}
    mask_event(None, "info", {"read": inner})
    assert inner == {"plate": "浙A8B762"}


def test_a_loop_in_the_data_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "…" in str(mask_value(loop))
