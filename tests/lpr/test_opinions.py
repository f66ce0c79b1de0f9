import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.decode import Decoded, decode
from lpr.core.opinions import pooled
from lpr.core.plate_format import kind_of
from lpr.core.reading import CharacterRead, joint_confidence
from tests.lpr.plates import characters


def look(text: str, confidence: float) -> Decoded:
    return decode(characters(text, confidence ** (1 / len(text))))


def test_one_look_comes_out_as_it_went_in() -> None:
    alone = look("浙A8B762", 0.7)
    assert pooled([alone]) == alone


def test_looks_that_agree_are_surer_together() -> None:
    together = pooled([look("浙A8B762", 0.7), look("浙A8B762", 0.8)])
    assert together.text == "浙A8B762"
    assert together.confidence > 0.8


def test_a_look_that_saw_little_does_not_drown_one_that_saw_it_all() -> None:
    blurred = [look("浙A88762", 0.1), look("赣A8B762", 0.15)]
    together = pooled([*blurred, look("浙A8B762", 0.999)])
    assert together.text == "浙A8B762"
    assert together.confidence > 0.95


def test_looks_that_differ_are_sure_of_nothing() -> None:
    split = pooled([look("浙A8B762", 0.97), look("浙A88762", 0.97)])
    assert split.confidence < 0.6
    assert {split.text, split.candidates[0].text} == {"浙A8B762", "浙A88762"}


def test_what_is_no_plate_is_not_heard_beside_a_plate() -> None:
    assert pooled([look("TAXI", 0.99), look("浙A8B762", 0.4)]) == look("浙A8B762", 0.4)
    assert pooled([look("TAXI", 0.5), look("PARK", 0.6)]).text == "PARK"


def test_everybodys_second_choice_may_win() -> None:
    def doubtful(first: str) -> Decoded:
        places = list(characters("浙A8B762", 0.999))
        places[3] = CharacterRead(((first, 0.5), ("8", 0.49)))
        return decode(places)

    assert "浙A88762" in {doubtful("B").candidates[0].text, doubtful("D").candidates[0].text}
    assert pooled([doubtful("B"), doubtful("D")]).confidence <= 0.51


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["浙A8B762", "浙A88762", "京A12345", "TAXI"]), st.floats(0.01, 1)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_an_answer_is_a_whole_answer_in_any_order(asked: list[tuple[str, float]]) -> None:
    looks = [look(text, confidence) for text, confidence in asked]
    answer = pooled(looks)
    assert answer.kind is kind_of(answer.text)
    assert 0.0 <= answer.confidence <= 1.0
    assert joint_confidence(answer.characters, answer.text) == pytest.approx(
        answer.confidence, abs=1e-6
    )
    for place in answer.characters:
        assert sum(share for _, share in place.alternatives) <= 1.0 + 1e-6
    assert pooled(looks[::-1]).confidence == pytest.approx(answer.confidence)
