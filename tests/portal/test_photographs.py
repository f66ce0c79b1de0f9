"""`parking demo --frames`: pictures of the user's become stays, on one lot one car at a time."""

import csv
import os
import re
import subprocess
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.demo.city import LOTS
from portal.demo.photographs import Shown, TooManyPicturesError, plan
from portal.demo.stage import free_port

DAY = date(2026, 11, 22)
_SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "plates"
_EVERY = 3
_PROGRAM = str(Path(sys.executable).parent / "parking")
_ROW = re.compile(r"^│(\d{4}\.jpg)\s*│\s*(\S+)\s*│.*│\s*closed\s*│")


def made(folder: Path, count: int) -> tuple[Shown, ...]:
    for number in range(count):
        (folder / f"{number:04d}.jpg").write_bytes(b"")
    return plan(folder, day=DAY)


@given(count=st.integers(0, 300))
def test_a_lot_has_one_of_them_at_a_time(
    tmp_path_factory: pytest.TempPathFactory, count: int
) -> None:
    shown = made(tmp_path_factory.mktemp("pictures"), count)
    assert len(shown) == count
    for lot in LOTS:
        cars = [each for each in shown if each.lot is lot]
        assert all(one.entered_at < one.left_at for one in cars)
        assert all(one.left_at < other.entered_at for one, other in pairwise(cars))
    assert all(each.left_at.date() <= DAY for each in shown)


def test_more_than_the_days_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManyPicturesError, match="1700 pictures"):
        made(tmp_path, 1700)


@pytest.mark.slow
def test_real_photographs_become_priced_stays(tmp_path: Path) -> None:
    """Real photographs through the real agent, up to the fee: nine in ten under the right plate.

    A video that cannot be decoded is told of and holds nothing up.
    """
    if not _SAMPLES.is_dir():
        pytest.skip("the sample photographs are not beside this clone (../shared/plates)")
    with (_SAMPLES / "truth.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("frames/")]
    truth = {Path(row["path"]).name: row["text"] for row in rows[::_EVERY]}
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in truth:
        (pictures / name).symlink_to(_SAMPLES / "frames" / name)
    (pictures / "broken.mp4").write_bytes(b"this is no video")
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PARKING")}
    clean.pop("DATABASE_URL", None)
    arguments = ["demo", "--once", "--frames", str(pictures), "--port", str(free_port())]
    try:
        result = subprocess.run(
            [_PROGRAM, *arguments],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    finally:
        subprocess.run([_PROGRAM, "db", "stop"], cwd=tmp_path, env=clean, check=True)
    assert result.returncode == 0, result.stdout + result.stderr
    for lane in ("video-1-entry", "video-1-exit"):
        assert re.search(rf"{lane}: .*not a video", " ".join(result.stdout.split()))
    priced: dict[str, set[str]] = {}
    for found in filter(None, map(_ROW.match, result.stdout.splitlines())):
        priced.setdefault(found[1], set()).add(found[2])
    wrong = {name: text for name, text in truth.items() if text not in priced.get(name, ())}
    assert len(wrong) <= 0.1 * len(truth), {name: (wrong[name], priced.get(name)) for name in wrong}
