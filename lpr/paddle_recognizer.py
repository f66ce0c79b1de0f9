"""PaddleOCR's own library as a recogniser: the reference that ours are measured against.

The product runs PP-OCRv4 without the library (`lpr.recognizer.OcrRecognizer`), which spares a gate
box seconds at the start and some 240 MB.
"""

import json
import logging
import os
import threading
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lpr import weights
from lpr.core.reading import CharacterRead
from lpr.ctc import Floats, read_characters
from lpr.detector import session
from lpr.errors import EdgePartMissingError
from lpr.image_file import Picture
from lpr.recognizer import plate_alphabet

_MODEL_NAME = "PP-OCRv4_mobile_rec"
_INPUT_WIDTH_PIXELS = 320
_PADDLE = "paddleocr"


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
        self._predictor.post_op = _CharacterDecode(plate_alphabet(net_characters))
        self._lock = threading.Lock()

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right."""
        with self._lock:
            (result,) = self._predictor.predict(crop)
        characters: tuple[CharacterRead, ...] = result["rec_text"]
        return characters


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
