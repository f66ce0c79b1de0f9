"""How well and how fast plates are read, ours and what can be installed, side by side.

    python bench/plates.py --photographs ../shared/plates [--draw docs/images/plate-confidence.svg]

Only the test share is read (lpr/training/split.py): nothing was learnt or tuned on it. One
thread, one process a reader, so that time, memory and start are its own. A read is right when it
is exactly the plate; of a frame, when the plate is among the texts read in it.

`--worst page.html` makes a page of the twenty that were read worst, `--confusions` prints which
characters were taken for which; both are of our reader, and read the share no further time.

Times are processor time of one thread, which on an idle machine is the time that passes; the start
counts from the process's begin.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from plate_readers import READERS, Reader, at_720p, one_thread, resident_megabytes
from plate_worst import Judged

if TYPE_CHECKING:
    from lpr.training.split import Photograph

SURE = 0.95


def main() -> int:
    """Measure every reader, print the table, draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/plates"))
    parser.add_argument("--draw", type=Path, help="where the curve of confidence goes, as SVG")
    parser.add_argument("--worst", type=Path, help="where a page of what was read worst goes")
    parser.add_argument("--confusions", action="store_true", help="which characters are mistaken")
    parser.add_argument("--only", choices=sorted(READERS), action="append")
    parser.add_argument("--share", choices=("test", "tuning"), default="test")
    parser.add_argument("--reader", choices=sorted(READERS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.reader:
        print(json.dumps(measured(asked.reader, asked.photographs, asked.share)))
        return 0
    results = {name: _apart(name, asked) for name in READERS if name in (asked.only or READERS)}
    _print_table(results)
    if "reads" in results.get("ours", {}):
        _print_details([Judged(*read) for read in results["ours"]["reads"]], asked)
    return 0


def _print_details(judged: list[Judged], asked: argparse.Namespace) -> None:
    from plate_curve import calibration, drawn
    from plate_worst import confusions, page

    reads = [(item.sure, item.right) for item in judged if item.read]
    print(calibration(reads, sure=SURE))
    if asked.draw:
        asked.draw.write_text(drawn(reads), encoding="utf-8")
    if asked.confusions:
        print(confusions(judged))
    if asked.worst:
        asked.worst.write_text(page(judged), encoding="utf-8")


def measured(name: str, folder: Path, share: str) -> dict[str, Any]:
    """Measure one reader, in this process."""
    one_thread()
    from lpr.training.split import Share, photographs

    taken = list(photographs(folder, Share(share)))
    reader = READERS[name]()
    started = time.process_time()
    answer: dict[str, Any] = {"start_s": started, "reads": []}
    answer |= _crops(reader, [item for item in taken if not item.is_frame], answer["reads"])
    answer |= _frames(reader, [item for item in taken if item.is_frame], answer["reads"])
    answer["memory_mb"] = resident_megabytes()
    return answer


def _crops(reader: Reader, crops: list["Photograph"], reads: list[Any]) -> dict[str, Any]:
    from lpr.image_file import read_image_file

    if reader.crop is None:
        return {}
    times, right = [], 0
    for item in crops:
        picture = read_image_file(item.path)
        began = time.process_time()
        read, sure = reader.crop(picture)
        times.append(time.process_time() - began)
        right += read == item.text
        reads.append((sure, read == item.text, item.text, read, str(item.path)))
    return {"crops": right / len(crops), "crops_of": len(crops), "crop_ms": median(times) * 1e3}


def _frames(reader: Reader, frames: list["Photograph"], reads: list[Any]) -> dict[str, Any]:
    from lpr.image_file import read_image_file

    if reader.frame is None:
        return {}
    times, right = [], 0
    for item in frames:
        picture = read_image_file(item.path)
        found = reader.frame(picture)
        right += item.text in {read for read, _ in found}
        # Other cars are in view too, and nobody wrote down their plates: a text is judged only
        # where it claims to be the known one.
        alike = [(read, sure) for read, sure in found if _alike(read, item.text)]
        reads += [
            (sure, read == item.text, item.text, read, str(item.path))
            for read, sure in alike or [("", 0.0)]
        ]
        scaled = at_720p(picture)
        began = time.process_time()
        reader.frame(scaled)
        times.append(time.process_time() - began)
    return {
        "frames": right / len(frames),
        "frames_of": len(frames),
        "frame_ms": median(times) * 1e3,
        "frame_p95_ms": quantiles(times, n=20)[-1] * 1e3,
    }


def _alike(read: str, text: str) -> bool:
    return len(read) == len(text) and sum(a != b for a, b in zip(read, text, strict=True)) <= 3


def _apart(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--reader", name, "--share", asked.share]
    done = subprocess.run(
        [*command, "--photographs", str(asked.photographs)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{name}: skipped: {reason}", file=sys.stderr)
        return {}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _print_table(results: dict[str, dict[str, Any]]) -> None:
    print("| reader | crops | ms | frames | ms at 720p | p95 | start s | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, got in results.items():
        if got:
            crops = f"{got['crops']:.1%} | {got['crop_ms']:.1f}" if "crops" in got else " | "
            frames = " | | "
            if "frames" in got:
                frames = f"{got['frames']:.1%} | {got['frame_ms']:.0f} | {got['frame_p95_ms']:.0f}"
            print(
                f"| {name} | {crops} | {frames} | {got['start_s']:.1f} | {got['memory_mb']:.0f} |"
            )


if __name__ == "__main__":
    sys.exit(main())
