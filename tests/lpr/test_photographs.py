"""The whole chain on real photographs with known plates, where they are at hand.

They lie beside the checkout, never in it: they show real cars.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from lpr.cli import main
from lpr.image_file import read_image_file
from lpr.pipeline import Pipeline, standard_pipeline

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "plates"
EXACT_SHARE_MIN = 0.965

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PHOTOGRAPHS / "truth.csv").is_file(),
        reason="the photographs with known plates are not at hand (../shared/plates)",
    ),
]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return standard_pipeline(threads=1)


def frames() -> Iterator[tuple[Path, str]]:
    with (PHOTOGRAPHS / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["path"].startswith("frames/"):
                yield PHOTOGRAPHS / row["path"], row["text"]


def test_reads_nearly_all_frames_exactly(pipeline: Pipeline) -> None:
    missed = []
    count = 0
    for path, text in frames():
        count += 1
        readings = pipeline.read(read_image_file(path))
        if text not in {reading.text for reading in readings}:
            missed.append(path.name)
    exact = 1 - len(missed) / count
    assert count >= 100
    assert exact >= EXACT_SHARE_MIN, f"{exact:.1%} of {count}; missed: {missed}"


def test_reads_the_same_twice(pipeline: Pipeline) -> None:
    path, _ = next(frames())
    picture = read_image_file(path)
    assert pipeline.read(picture) == pipeline.read(picture)


def test_finds_no_plate_where_there_is_none(pipeline: Pipeline) -> None:
    grey = np.full((720, 1280, 3), 120, np.uint8)
    noise = np.random.default_rng(7).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    assert pipeline.read(grey) == []
    assert pipeline.read(np.asarray(cv2.GaussianBlur(noise, (9, 9), 0), np.uint8)) == []
    assert pipeline.read(np.zeros((16, 4000, 3), np.uint8)) == []


def test_prints_one_line_a_file_and_says_in_the_end_that_one_failed(tmp_path: Path) -> None:
    path, text = next(frames())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    result = CliRunner().invoke(main, ["read", str(path), str(tmp_path)])
    good, bad = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 1
    assert set(good) == {"file", "plates", "ms"}
    assert set(good["plates"][0]) == {"text", "colour", "confidence", "corners", "candidates"}
    assert good["plates"][0]["text"] == text
    assert len(good["plates"][0]["corners"]) == 4
    assert bad == {"file": str(broken), "error": "the file is empty"}
