from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpr.core.reading import joint_confidence
from lpr.ctc import read_characters, read_whole, text_probability

ALPHABET = (None, "A", "1")


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    kept = [output for i, output in enumerate(path) if i == 0 or output != path[i - 1]]
    return tuple(output for output in kept if output)


def steps_of(seed: int, count: int = 6) -> npt.NDArray[np.float32]:
    raw = np.random.default_rng(seed).dirichlet((0.4, 0.4, 0.4), count)
    return raw.astype(np.float32)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_a_text_is_as_likely_as_all_its_spellings_together(seed: int) -> None:
    steps = steps_of(seed)
    totals: dict[tuple[int, ...], float] = {}
    for path in product(range(3), repeat=len(steps)):
        text = collapsed(path)
        share = float(np.prod([steps[i, output] for i, output in enumerate(path)]))
        totals[text] = totals.get(text, 0.0) + share
    for text, total in totals.items():
        assert text_probability(steps, text) == pytest.approx(total, abs=1e-6)


@given(st.integers(0, 10_000))
def test_a_reading_is_never_surer_than_the_net(seed: int) -> None:
    steps = steps_of(seed, count=10)
    plain, whole = read_characters(steps, ALPHABET), read_whole(steps, ALPHABET)
    assert [place.character for place in whole] == [place.character for place in plain]
    text = "".join(place.character for place in whole)
    if text:
        sure = text_probability(steps, [ALPHABET.index(character) for character in text])
        assert joint_confidence(whole, text) <= sure + 1e-6
        assert joint_confidence(whole, text) <= joint_confidence(plain, text) + 1e-6


def test_a_character_that_was_nearly_missed_makes_the_text_unsure() -> None:
    steps = np.full((7, 3), 0.001, np.float32)
    steps[:, 0] = 0.998
    steps[1] = (0.001, 0.998, 0.001)
    steps[3] = (0.55, 0.001, 0.449)  # a 1 stands here, nearly
    steps[5] = (0.001, 0.998, 0.001)
    whole = read_whole(steps, ALPHABET)
    assert "".join(place.character for place in whole) == "AA"
    assert joint_confidence(whole, "AA") < 0.6
