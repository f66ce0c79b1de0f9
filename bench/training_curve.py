"""What more photographs would bring: nets that learnt from ever larger parts of them.

    nice python bench/training_curve.py --photographs ../shared/plates
        [--draw docs/images/training-curve.svg] [--work .data/curve] [--read-only]

One net first learns from plates drawn with open fonts alone. From it each of the others goes on,
alike in all but the part of the training share that it learns from: none, an eighth, a quarter,
half, all. Each part is in the next one (lpr/training/split.py). Read are, by the net alone under
the grammar and in frames with the product's detector:

- the tuning share, and its crops photographed anew;
- what half of the training share leaves over: held out from all parts but the whole.

The test share is not touched. A net that is there already is not made again, so a run that was
killed goes on where it was. One thread, half an hour on a quiet core; `make setup FOR=train`.
"""

import argparse
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from curve_drawing import Line, drawn, interval
from plate_readers import one_thread

if TYPE_CHECKING:
    from lpr.image_file import Picture
    from lpr.pipeline import Pipeline
    from lpr.training.split import Photograph

PARTS = (0.0, 0.125, 0.25, 0.5, 1.0)
HELD_OUT_UP_TO = 0.5
"""What this part of the training share leaves over is read by nets that learnt from no more."""
SEEDS = (21, 22)
ANEW = 600
ANEW_SEED = 100
"""As in training's own calibration."""
BASE = ("--part", "0", "--drawn", "16000", "--steps", "4000", "--seed", "20", "--rate", "3e-3")
GOES_ON = (
    *("--drawn", "1500", "--real", "2000", "--exchanged", "3000"),
    *("--steps", "800", "--rate", "1.5e-3"),
)
TUNING, HELD_OUT, ANEW_SET = "tuning share", "other half of the training share", "anew"
COLOURS = {TUNING: "#0a7d38", HELD_OUT: "#1f5fbf", ANEW_SET: "#a65a00"}


class Tally(NamedTuple):
    """How many of a set were read exactly, and how many with the right province."""

    exact: int
    province: int
    total: int


Tallies = dict[tuple[str, float], list[Tally]]
"""By what was read and the part learnt from, one tally a seed."""


def main() -> int:
    """Make the nets that are missing, read with all of them, print the table, draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=Path("../shared/plates"))
    parser.add_argument("--work", type=Path, default=Path(".data/curve"))
    parser.add_argument("--draw", type=Path, help="where the curve goes, as SVG")
    parser.add_argument("--read-only", action="store_true", help="make no net that is missing")
    asked = parser.parse_args()
    one_thread()
    if not asked.read_only:
        train(asked.photographs, asked.work)
    tallies = tallied(asked.photographs, asked.work)
    learnt_from = photographs_in_parts(asked.photographs)
    print("\n".join(table(tallies, learnt_from)))
    if asked.draw:
        asked.draw.write_text(_curve(tallies, learnt_from), encoding="utf-8")
    return 0


def train(folder: Path, work: Path) -> None:
    """Make the base and each part's nets, where they are not there yet."""
    base = work / "base.onnx"
    if not base.is_file():
        _run(folder, *BASE, "--cache", work / "base", "--out", base)
    weights = work / "base" / "part-0" / "weights.pt"
    for seed in SEEDS:
        for part in PARTS:
            if not (net := _net(work, seed, part)).is_file():
                net.parent.mkdir(parents=True, exist_ok=True)
                begin = ("--part", part, "--begin-with", weights, "--seed", seed)
                _run(folder, *begin, *GOES_ON, "--cache", net.parent, "--out", net)


def _run(folder: Path, *options: object) -> None:
    command = [sys.executable, "-m", "lpr.training", "--photographs", str(folder)]
    one = ["--processes", "1", "--threads", "1"]
    subprocess.run([*command, *one, *map(str, options)], check=True)


def _net(work: Path, seed: int, part: float) -> Path:
    return work / f"seed-{seed}" / f"part-{part}.onnx"


def photographs_in_parts(folder: Path) -> dict[float, int]:
    """Count the crops and frames of each part."""
    from lpr.training.split import Share, is_among, photographs

    texts = [item.text for item in photographs(folder, Share.TRAINING)]
    return {part: sum(is_among(text, part) for text in texts) for part in PARTS}


def tallied(folder: Path, work: Path) -> Tallies:
    """Read all sets with all nets that are there."""
    from lpr.detector import CornerDetector
    from lpr.pipeline import Pipeline
    from lpr.recognizer import OwnRecognizer
    from lpr.training.split import Share, is_among, photographs

    detector = CornerDetector(threads=1)
    tuning = list(photographs(folder, Share.TUNING))
    training = photographs(folder, Share.TRAINING)
    held_out = [item for item in training if not is_among(item.text, HELD_OUT_UP_TO)]
    anew = list(_anew(folder))
    tallies: Tallies = defaultdict(list)
    for part in PARTS:
        nets = (_net(work, seed, part) for seed in SEEDS)
        for net in (net for net in nets if net.is_file()):
            first = OwnRecognizer(threads=1, path=net)
            pipeline = Pipeline(detector=detector, first=first, others=())
            tallies[TUNING, part].append(_tally(_read(pipeline, tuning)))
            tallies[ANEW_SET, part].append(_tally(_crops(pipeline, anew)))
            if part <= HELD_OUT_UP_TO:
                tallies[HELD_OUT, part].append(_tally(_read(pipeline, held_out)))
    return tallies


def _anew(folder: Path) -> Iterator[tuple["Picture", str]]:
    from lpr.pipeline import standard_pipeline
    from lpr.training.prepare import studio
    from lpr.training.samples import Source, sample
    from lpr.training.split import Share

    pipeline = standard_pipeline(threads=1)
    tuning = studio(folder, pipeline=pipeline, seed=ANEW_SEED, shares=(Share.TUNING,))
    for number in range(ANEW):
        made = sample(Source.REAL, studio=tuning, seed=ANEW_SEED, number=number)
        yield made.picture, made.text


def _read(pipeline: "Pipeline", taken: Sequence["Photograph"]) -> Iterator[tuple[str, str]]:
    """Answer true and read text: of a frame, the read one that is nearest to the true."""
    from lpr.core.track import edit_distance
    from lpr.image_file import read_image_file

    for item in taken:
        picture = read_image_file(item.path)
        if item.is_frame:
            texts = [reading.text for reading in pipeline.read(picture)]
            yield item.text, min(texts, key=lambda text: edit_distance(text, item.text), default="")
        else:
            yield item.text, pipeline.read_crop(picture).text


def _crops(
    pipeline: "Pipeline", crops: Iterable[tuple["Picture", str]]
) -> Iterator[tuple[str, str]]:
    return ((text, pipeline.read_crop(picture).text) for picture, text in crops)


def _tally(reads: Iterable[tuple[str, str]]) -> Tally:
    pairs = list(reads)
    return Tally(
        exact=sum(true == read for true, read in pairs),
        province=sum(true[0] == read[:1] for true, read in pairs),
        total=len(pairs),
    )


def table(tallies: Tallies, learnt_from: dict[float, int]) -> Iterator[str]:
    """Write the table: each seed's exact reads, their mean and interval, and the provinces."""
    yield "| part | photographs | read | of | exact, by seed | exact | 95 % | province |"
    yield "|---|---|---|---|---|---|---|---|"
    for (name, part), found in tallies.items():
        low, high = _bounds(found)
        count = found[0].total
        each = ", ".join(str(tally.exact) for tally in found)
        province = sum(tally.province for tally in found) / len(found) / count
        yield (
            f"| {part:g} | {learnt_from[part]} | {name} | {count} | {each} | "
            f"{_share(found):.1%} | {low:.0%} to {high:.0%} | {province:.1%} |"
        )


def _share(found: Sequence[Tally]) -> float:
    return sum(tally.exact for tally in found) / sum(tally.total for tally in found)


def _bounds(found: Sequence[Tally]) -> tuple[float, float]:
    """Answer the interval of the share: two nets that read one set do not make the set larger."""
    return interval(_share(found), found[0].total)


def _curve(tallies: Tallies, learnt_from: dict[float, int]) -> str:
    lines = []
    for name, colour in COLOURS.items():
        parts = [part for part in PARTS if tallies.get((name, part))]
        found = [tallies[name, part] for part in parts]
        lines.append(
            Line(
                label=f"{name}, {found[0][0].total}",
                colour=colour,
                places=[PARTS.index(part) for part in parts],
                shares=[_share(tally) for tally in found],
                bounds=[_bounds(tally) for tally in found] if name != ANEW_SET else [],
            )
        )
    return drawn(lines, [str(learnt_from[part]) for part in PARTS])


if __name__ == "__main__":
    sys.exit(main())
