"""Samples on disk, so that rendering is done once and learning only reads.

A file's name says what it was made from; delete the folder after changing how samples are made.
"""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from lpr.image_file import Picture
from lpr.own_net import INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS
from lpr.training.prepare import samples
from lpr.training.samples import Source, Studio


class SampleSet(msgspec.Struct, frozen=True, kw_only=True):
    """Many samples: pictures (N, 32, 128, 3) and their texts."""

    pictures: Picture
    texts: tuple[str, ...]

    def first(self, count: int) -> "SampleSet":
        """Take the first samples only."""
        return SampleSet(pictures=self.pictures[:count], texts=self.texts[:count])


def joined(sets: list[SampleSet]) -> SampleSet:
    """Put sets behind one another."""
    return SampleSet(
        pictures=np.concatenate([part.pictures for part in sets]),
        texts=tuple(text for part in sets for text in part.texts),
    )


def sample_set(
    source: Source,
    count: int,
    *,
    studio: Callable[[], Studio],
    seed: int,
    folder: Path,
    processes: int,
    progress: Callable[[int], None],
) -> SampleSet:
    """Read a set from the cache, or make it and keep it; `progress` is told of each sample."""
    pictures_file = folder / f"{source.value}-{seed}-{count}.pictures"
    shape = (count, INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS, 3)
    texts_file = pictures_file.with_suffix(".json")
    if not texts_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        pictures = np.memmap(pictures_file, np.uint8, "w+", shape=shape)
        texts = []
        made = samples(source, count, studio=studio(), seed=seed, processes=processes)
        for number, sample in enumerate(made):
            pictures[number] = sample.picture
            texts.append(sample.text)
            progress(1)
        pictures.flush()
        # Written last: a set without its texts was not finished.
        texts_file.write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
    return SampleSet(
        pictures=np.memmap(pictures_file, np.uint8, "r", shape=shape),
        texts=tuple(json.loads(texts_file.read_text(encoding="utf-8"))),
    )
