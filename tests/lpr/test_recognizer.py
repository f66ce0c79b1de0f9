"""The recognisers on a plate that is drawn here: no photograph is needed."""

import json
import threading
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from lpr import weights
from lpr.core.decode import decode, raw_text
from lpr.core.plate_format import PlateKind
from lpr.detector import session
from lpr.image_file import Picture
from lpr.own_net import CHARACTERS
from lpr.paddle_recognizer import PaddleRecognizer
from lpr.pipeline import standard_pipeline
from lpr.recognizer import LazyRecognizer, OcrRecognizer, OwnRecognizer, Recognizer
from lpr.training.errors import FontMissingError
from lpr.training.faces import Faces
from lpr.training.plates import draw_flat
from lpr.training.texts import Design

ROOT = Path(__file__).parents[2]
BYTES_MAX = 5_000_000


def drawn(text: str, design: Design = Design.BLUE) -> Picture:
    try:
        faces = Faces()
    except FontMissingError as error:
        pytest.skip(str(error))
    return draw_flat(text, design, faces=faces, chance=np.random.default_rng(11)).picture


@pytest.fixture(scope="module")
def own() -> OwnRecognizer:
    return OwnRecognizer()


def test_the_net_says_what_its_outputs_mean() -> None:
    path = weights.own_recognizer()
    notes = session(str(path), threads=1).get_modelmeta().custom_metadata_map
    assert notes["characters"] == CHARACTERS
    assert json.loads(notes["recipe"])["seed"] >= 0
    assert path.stat().st_size < BYTES_MAX


def test_a_wheel_carries_the_net() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    inside = weights.own_recognizer().relative_to(ROOT / "lpr").as_posix()
    assert any(fnmatch(inside, pattern) for pattern in data["package-data"]["lpr"])


@pytest.mark.parametrize(
    ("text", "design", "kind"),
    [
        ("浙A8B762", Design.BLUE, PlateKind.STANDARD),
        ("粤B12345", Design.YELLOW, PlateKind.STANDARD),
        ("沪AD12345", Design.GREEN_SMALL, PlateKind.NEW_ENERGY_SMALL),
        ("粤Z1A23港", Design.BLACK, PlateKind.HONG_KONG),
    ],
)
def test_reads_a_clear_plate(
    own: OwnRecognizer, text: str, design: Design, kind: PlateKind
) -> None:
    crop = drawn(text, design)
    decoded = standard_pipeline().read_crop(crop)
    assert (decoded.text, decoded.kind) == (text, kind)
    # Alone the net may take one province for another (docs/model-card.md), and nothing else.
    assert decode(own.recognize(crop)).text[1:] == text[1:]


def test_reads_nothing_where_nothing_is_written(own: OwnRecognizer) -> None:
    grey = np.full((48, 168, 3), 120, np.uint8)
    assert decode(own.recognize(grey)).confidence < 0.5


def test_threads_may_share_a_recogniser(own: OwnRecognizer) -> None:
    crop = drawn("浙A8B762")
    expected = own.recognize(crop)
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(own.recognize(crop))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 4


def test_an_opinion_that_nobody_asks_for_is_never_loaded(own: OwnRecognizer) -> None:
    loaded: list[int] = []

    def load() -> Recognizer:
        loaded.append(1)
        return own

    lazy = LazyRecognizer(load)
    assert not loaded
    crop = drawn("浙A8B762")
    assert lazy.recognize(crop) == lazy.recognize(crop) == own.recognize(crop)
    assert loaded == [1]


@pytest.mark.slow
def test_the_second_opinion_reads_what_paddleocr_reads() -> None:
    library, direct = PaddleRecognizer(), OcrRecognizer()
    for text, design in (("浙A8B762", Design.BLUE), ("粤B12345", Design.YELLOW)):
        crop = drawn(text, design)
        expected, read = library.recognize(crop), direct.recognize(crop)
        assert raw_text(read) == raw_text(expected)
        for place, other in zip(read, expected, strict=True):
            assert place.confidence == pytest.approx(other.confidence, abs=1e-4)
