"""What the recogniser learns from: the split, the texts, the samples."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpr.core.plate_format import PlateKind, kind_of
from lpr.core.reading import CharacterRead
from lpr.detector import DetectedPlate
from lpr.image_file import Picture
from lpr.own_net import CHARACTERS, INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS
from lpr.pipeline import Pipeline
from lpr.training.errors import FontMissingError, PhotographsMissingError
from lpr.training.faces import Faces
from lpr.training.photos import from_crops
from lpr.training.prepare import studio
from lpr.training.samples import Source, Studio, sample
from lpr.training.split import Share, is_among, photographs, share_of
from lpr.training.texts import SHARES, Design, draw_text

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "plates"
needs_photographs = pytest.mark.skipif(
    not (PHOTOGRAPHS / "truth.csv").is_file(),
    reason="the photographs with known plates are not at hand (../shared/plates)",
)


class _Never:
    """A net that must not be asked."""

    def detect(
        self, picture: Picture, *, side_pixels: int, score_min: float = 0.0
    ) -> list[DetectedPlate]:
        raise AssertionError

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        raise AssertionError


@pytest.fixture(scope="module")
def faces() -> Faces:
    try:
        return Faces()
    except FontMissingError as error:
        pytest.skip(str(error))


@needs_photographs
def test_the_split_is_the_one_written_down() -> None:
    counts = Counter((item.share, item.is_frame) for item in photographs(PHOTOGRAPHS, *Share))
    assert counts == {
        (Share.TRAINING, False): 344,
        (Share.TRAINING, True): 77,
        (Share.TUNING, False): 37,
        (Share.TUNING, True): 9,
        (Share.TEST, False): 193,
        (Share.TEST, True): 49,
    }


@needs_photographs
def test_no_plate_stands_on_two_sides() -> None:
    texts = [{item.text for item in photographs(PHOTOGRAPHS, share)} for share in Share]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]


@given(st.text())
def test_a_text_alone_decides_its_share(text: str) -> None:
    assert share_of(text) is share_of(text)


def test_says_which_folder_has_no_photographs(tmp_path: Path) -> None:
    with pytest.raises(PhotographsMissingError, match=tmp_path.name):
        list(photographs(tmp_path, Share.TRAINING))


def test_draws_only_plates_and_every_kind_of_them() -> None:
    drawn = [draw_text(np.random.default_rng([5, number])) for number in range(3000)]
    kinds = {kind_of(text) for text, _ in drawn}
    assert kinds == set(PlateKind)
    assert {design for _, design in drawn} == set(Design) == set(SHARES)
    assert {character for text, _ in drawn for character in text} == set(CHARACTERS)


def test_a_drawn_sample_is_the_same_from_the_same_number(faces: Faces) -> None:
    studio = Studio(faces=faces, grounds=(), real=())
    for number in range(20):
        one = sample(Source.DRAWN, studio=studio, seed=3, number=number)
        again = sample(Source.DRAWN, studio=studio, seed=3, number=number)
        assert one.text == again.text
        assert np.array_equal(one.picture, again.picture)
        assert one.picture.shape == (INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS, 3)
        assert one.text == "" or kind_of(one.text)


@needs_photographs
def test_no_part_of_the_photographs_leaves_open_fonts_before_plain_grounds(faces: Faces) -> None:
    blind = Pipeline(detector=_Never(), first=_Never(), others=())
    nothing = studio(PHOTOGRAPHS, pipeline=blind, seed=1, part=0.0)
    assert not nothing.real
    plain = Studio(faces=faces, grounds=(), real=())
    for number in range(3):
        one = sample(Source.DRAWN, studio=nothing, seed=3, number=number)
        assert np.array_equal(
            one.picture, sample(Source.DRAWN, studio=plain, seed=3, number=number).picture
        )


@needs_photographs
def test_each_part_of_the_photographs_is_in_the_next() -> None:
    texts = [item.text for item in photographs(PHOTOGRAPHS, Share.TRAINING)]
    parts = [{text for text in texts if is_among(text, part)} for part in (0, 0.125, 0.5, 1)]
    assert not parts[0]
    assert parts[1] < parts[2] < parts[3] == set(texts)


@needs_photographs
def test_characters_of_real_plates_change_places_and_their_texts_with_them(faces: Faces) -> None:
    crops = [item for item in photographs(PHOTOGRAPHS, Share.TUNING) if not item.is_frame]
    studio = Studio(faces=faces, grounds=(), real=from_crops(crops))
    known = {plate.text for plate in studio.real}
    exchanged = [sample(Source.EXCHANGED, studio=studio, seed=3, number=n) for n in range(12)]
    assert sum(item.text in known for item in exchanged) < len(exchanged) / 2
    assert all(len(item.text) == 7 for item in exchanged)
    real = sample(Source.REAL, studio=studio, seed=3, number=1)
    assert real.text in known
