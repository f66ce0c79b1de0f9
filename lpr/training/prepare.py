"""Gather what samples are made of from the photographs, and make samples in many processes."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from lpr.core.track import edit_distance
from lpr.detector import DetectedPlate
from lpr.image_file import Picture, read_image_file
from lpr.pipeline import Pipeline
from lpr.training.faces import Faces
from lpr.training.photos import common_face, from_crops, from_frames, grounds_of, learnt_faces
from lpr.training.samples import Sample, Source, Studio, sample
from lpr.training.split import Photograph, Share, is_among, photographs

EDITS_MAX = 2
"""A plate in a frame is taken for the known one when it was read this nearly right."""
_CHUNK = 64
_TWO_ROW_ASPECT_MAX = 2.4


def studio(
    folder: Path,
    *,
    pipeline: Pipeline,
    seed: int,
    shares: tuple[Share, ...] = (Share.TRAINING,),
    part: float = 1.0,
) -> Studio:
    """Take the photographs of some shares, or of a part (0.0 to 1.0) of them, apart.

    Of none of them: what is drawn then uses open fonts alone, before plain grounds.
    """
    chance = np.random.default_rng(seed)
    taken = [item for item in photographs(folder, *shares) if is_among(item.text, part)]
    if not taken:
        return Studio(faces=Faces(), grounds=(), real=())
    crops = from_crops(taken)
    frames = from_frames(taken, found=partial(found_by, pipeline), common=common_face(crops))
    real = crops + frames
    return Studio(
        faces=Faces(learnt=learnt_faces(real)),
        grounds=grounds_of(_frames(taken), chance=chance),
        real=real,
    )


def found_by(pipeline: Pipeline, picture: Picture, text: str) -> DetectedPlate | None:
    """Find the plate with a known text; None where nothing reads like it, or it has two rows."""
    for reading in pipeline.read(picture):
        near = edit_distance(reading.text, text) <= EDITS_MAX
        if near and reading.corners.aspect() > _TWO_ROW_ASPECT_MAX:
            return DetectedPlate(corners=reading.corners, score=reading.confidence)
    return None


def samples(
    source: Source, count: int, *, studio: Studio, seed: int, processes: int
) -> Iterator[Sample]:
    """Make samples in order; the number of processes changes nothing but the time."""
    chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(studio,)
    ) as pool:
        for made in pool.map(partial(_make, source, seed), chunks):
            yield from made


_STUDIOS: list[Studio] = []
"""Each process's own, sent once and not with every chunk."""


def _begin(studio: Studio) -> None:
    cv2.setNumThreads(1)
    _STUDIOS.append(studio)


def _make(source: Source, seed: int, numbers: range) -> list[Sample]:
    return [sample(source, studio=_STUDIOS[0], seed=seed, number=number) for number in numbers]


def _frames(taken: list[Photograph]) -> Iterator[Picture]:
    return (read_image_file(item.path) for item in taken if item.is_frame)
