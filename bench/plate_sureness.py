"""From which confidence a gate may charge without a question, on plates that were not learnt from.

    nice python bench/plate_sureness.py --photographs ../shared/plates [--samples 1200]
        [--draw docs/images/plate-sureness.svg]

The tuning share of the photographs (lpr/training/split.py), photographed anew so many times: moved,
lit, blurred, made noisy. Each is read as the product reads a crop, with the other opinions in
doubt. The pictures are harder than a gate's and come from few plates, so the share of right reads
is no claim about the road; how the errors lie over the confidence is what the threshold is chosen
by. The test share is not touched.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from plate_curve import drawn, lower_bound
from plate_readers import one_thread

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
SEED = 100
"""Far from the seeds of learning."""


def main() -> int:
    """Read, print what each threshold would let through, draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=Path("../shared/plates"))
    parser.add_argument("--samples", type=int, default=1200)
    parser.add_argument("--draw", type=Path, help="where the curve goes, as SVG")
    asked = parser.parse_args()
    one_thread()
    reads = list(judged(asked.photographs, asked.samples))
    print("| confidence at least | reads | right | of them | at least, with 95 % confidence |")
    print("|---|---|---|---|---|")
    for threshold in THRESHOLDS:
        sure = [right for confidence, right in reads if confidence >= threshold]
        if sure:
            print(
                f"| {threshold} | {len(sure)} of {len(reads)} | {sum(sure)} | "
                f"{np.mean(sure):.2%} | {lower_bound(sum(sure), len(sure)):.1%} |"
            )
    if asked.draw:
        asked.draw.write_text(drawn(reads), encoding="utf-8")
    return 0


def judged(folder: Path, count: int) -> Iterator[tuple[float, bool]]:
    """Photograph the tuning share anew and read it: how sure, and whether right."""
    from lpr.pipeline import standard_pipeline
    from lpr.training.prepare import studio
    from lpr.training.samples import Source, sample
    from lpr.training.split import Share

    pipeline = standard_pipeline(threads=1)
    held_out = studio(folder, pipeline=pipeline, seed=SEED, shares=(Share.TUNING,))
    for number in range(count):
        made = sample(Source.REAL, studio=held_out, seed=SEED, number=number)
        read = pipeline.read_crop(made.picture)
        if read.kind is not None:
            yield read.confidence, read.text == made.text


if __name__ == "__main__":
    sys.exit(main())
