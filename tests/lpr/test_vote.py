import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.reading import PlateReading
from lpr.core.vote import vote
from parking.core.events import PlateColour
from tests.lpr.plates import characters, corners, reading

TRUE = "浙A8B762"
SERIAL = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def test_hears_nothing_without_a_frame() -> None:
    assert vote([]) is None


@given(st.floats(0.3, 0.999))
def test_leaves_one_frame_as_it_came_in(confidence: float) -> None:
    voted = vote([reading(TRUE, confidence=confidence)])
    assert voted is not None
    assert voted.text == TRUE
    assert voted.confidence == pytest.approx(confidence**7, rel=0.02)


def test_grows_surer_as_frames_agree() -> None:
    confidences = []
    for count in (1, 2, 4, 8):
        voted = vote([reading(TRUE, confidence=0.8)] * count)
        assert voted is not None
        confidences.append(voted.confidence)
    assert confidences == sorted(confidences)
    assert confidences[0] < 0.25
    assert confidences[-1] > 0.8


def test_outvotes_one_bad_frame_place_by_place() -> None:
    frames = [reading("浙A8B162"), reading("浙A88762"), reading("浙A8B762"), reading("沪A8B762")]
    voted = vote(frames)
    assert voted is not None
    assert voted.text == TRUE
    assert (voted.frames, voted.agreeing) == (4, 1)


def test_trusts_frames_that_keep_the_grammar_over_those_that_do_not() -> None:
    voted = vote([reading("A8B7621", confidence=0.99)] * 2 + [reading(TRUE, confidence=0.9)])
    assert voted is not None
    assert voted.text == TRUE


def test_takes_the_colour_that_most_frames_saw() -> None:
    frames = [reading(TRUE, colour="blue")] * 3 + [
        reading(TRUE, colour="green"),
        reading(TRUE, colour="unknown"),
    ]
    voted = vote(frames)
    assert voted is not None
    assert voted.colour is PlateColour.BLUE


def noisy(seed: int, frames: int) -> Sequence[PlateReading]:
    """Frames of which each misreads each serial character once in ten."""
    chance = random.Random(seed)
    texts = [
        TRUE[:2] + "".join(c if chance.random() > 0.1 else chance.choice(SERIAL) for c in TRUE[2:])
        for _ in range(frames)
    ]
    return [reading(text, confidence=0.9) for text in texts]


def test_reads_far_better_from_seven_frames_than_from_one() -> None:
    right = {
        frames: sum(vote(noisy(seed, frames)).text == TRUE for seed in range(200))  # type: ignore[union-attr]
        for frames in (1, 7)
    }
    assert right[1] < 150
    assert right[7] >= 195


@given(
    st.lists(
        st.sampled_from(["浙A8B762", "浙A8B76", "沪AD12345", "TAXI", "浙A8B7Z2"]),
        min_size=1,
        max_size=8,
    ),
    st.randoms(),
)
def test_does_not_depend_on_the_order_of_frames(texts: list[str], chance: random.Random) -> None:
    frames = [reading(text, at=corners(left=10.0 * n)) for n, text in enumerate(texts)]
    shuffled = list(frames)
    chance.shuffle(shuffled)
    one, other = vote(frames), vote(shuffled)
    assert one is not None
    assert other is not None
    assert one.text == other.text
    assert one.confidence == pytest.approx(other.confidence)


def test_needs_characters() -> None:
    empty = reading("")
    assert not characters("")
    assert vote([empty]) is None
