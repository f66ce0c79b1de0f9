from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.decode import decode, ranked_texts, raw_text
from lpr.core.plate_format import PlateKind, kind_of
from lpr.core.reading import CharacterRead
from tests.lpr.plates import characters


def doubtful(text: str, place: int, *alternatives: tuple[str, float]) -> list[CharacterRead]:
    places = list(characters(text, 0.99))
    places[place] = CharacterRead(alternatives)
    return places


def test_keeps_a_text_that_is_a_plate() -> None:
    decoded = decode(characters("浙A8B762", 0.9))
    assert decoded.text == "浙A8B762"
    assert decoded.kind is PlateKind.STANDARD
    assert decoded.confidence == pytest.approx(0.9**7)


def test_reads_a_letter_where_only_a_letter_can_stand() -> None:
    decoded = decode(doubtful("粤0A2160", 1, ("0", 0.9), ("O", 0.06), ("Q", 0.04)))
    assert decoded.text == "粤OA2160"
    assert [item.text for item in decoded.candidates] == ["粤QA2160"]


def test_reads_a_digit_where_no_letter_can_stand() -> None:
    decoded = decode(doubtful("粤AF9CO0", 5, ("O", 0.8), ("0", 0.19), ("D", 0.01)))
    assert decoded.text == "粤AF9C00"
    assert decoded.characters[5].character == "0"
    assert [item.text for item in decoded.candidates] == ["粤AF9CD0"]


def test_drops_a_screw_read_as_a_character() -> None:
    places = [*characters("皖ATK071", 0.99), CharacterRead((("1", 0.4),))]
    decoded = decode(places)
    assert decoded.text == "皖ATK071"
    assert decoded.confidence == pytest.approx(0.99**7 * 0.6)


def test_leaves_alone_what_no_grammar_fits() -> None:
    decoded = decode(characters("TAXI"))
    assert (decoded.text, decoded.kind, decoded.candidates) == ("TAXI", None, ())
    assert decode(()).text == ""


def test_does_not_force_a_date_into_a_plate() -> None:
    assert decode(characters("20150513", 0.99)).kind is None


PLACES = st.lists(
    st.dictionaries(
        st.sampled_from("浙京A1B0OI8D学"), st.floats(0.001, 1.0), min_size=1, max_size=4
    ).map(
        lambda shares: CharacterRead(
            tuple(
                sorted(
                    ((name, share / 4) for name, share in shares.items()),
                    key=lambda item: (-item[1], item[0]),
                )
            )
        )
    ),
    min_size=1,
    max_size=9,
)


@given(PLACES)
def test_ranks_texts_likeliest_first_and_each_once(places: list[CharacterRead]) -> None:
    ranked = list(islice(ranked_texts(places), 200))
    assert ranked[0][0] == raw_text(places)
    assert len({text for text, _ in ranked}) == len(ranked)
    assert all(one >= other * (1 - 1e-9) for (_, one), (_, other) in pairwise(ranked))


@given(PLACES)
def test_answers_a_plate_or_the_raw_text_with_a_confidence(places: list[CharacterRead]) -> None:
    decoded = decode(places)
    assert 0.0 <= decoded.confidence <= 1.0
    assert decoded.kind is kind_of(decoded.text)
    assert len(decoded.characters) == len(decoded.text)
    if decoded.kind is None:
        assert decoded.text == raw_text(places)
    else:
        assert all(kind_of(item.text) is not None for item in decoded.candidates)
        assert all(item.confidence <= decoded.confidence for item in decoded.candidates)
        assert decoded.text not in {item.text for item in decoded.candidates}
