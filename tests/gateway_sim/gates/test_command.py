"""`gateway-sim gates` as a person and as the demo call it."""

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from gateway_sim.cli import main

SCENARIO = """{"passes": [{"lane": "wulin-square/in", "captured_at": "2026-11-22T19:05:00+08:00",
                           "plate": "浙A8B762", "colour": "blue"}]}"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["gates", *arguments])
    return result.exit_code, result.output


def test_a_scenario_file_becomes_frames_and_a_summary_that_programs_can_read(
    tmp_path: Path,
) -> None:
    plan, out = tmp_path / "day.json", tmp_path / "frames"
    plan.write_text(SCENARIO, encoding="utf-8")
    code, said = run("--scenario", str(plan), "--out", str(out), "--seed", "3")
    assert code == 0
    summary = json.loads(said)
    assert (summary["passes"], summary["frames"]) == (1, 4)
    assert len(list((out / "wulin-square/in").glob("*.jpg"))) == 4


def test_a_made_up_day_needs_no_file(tmp_path: Path) -> None:
    lots = tmp_path / "lots.json"
    lots.write_text('[{"lot": "quay"}]')
    arguments = ("--cars", "1", "--seed", "1", "--day", "2026-11-22", "--lots", str(lots))
    code, said = run(*arguments, "--out", str(tmp_path / "out"))
    assert code == 0
    assert json.loads(said)["passes"] == 2
    assert {path.parent.name for path in (tmp_path / "out/quay").rglob("*.jpg")} == {"in", "out"}


@pytest.mark.parametrize(("light", "size"), [("night", (720, 1280)), ("none", (140, 440))])
def test_a_still_is_one_picture_to_look_at(
    tmp_path: Path, light: str, size: tuple[int, int]
) -> None:
    path = tmp_path / "still.png"
    code, said = run("--still", "浙A8B762", "-o", str(path), "--light", light)
    assert (code, said.strip()) == (0, str(path))
    assert cv2.imread(str(path)).shape[:2] == size


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--still", "浙A☃"), "no number plate carries the character"),
        (("--still", "浙A8B762", "-o", "still.docx"), "no picture format is called .docx"),
        (("--zone", "Mars/Olympus"), "there is no time zone 'Mars/Olympus'"),
        (("--scenario", "absent.json"), "absent.json"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(arguments: tuple[str, ...], reason: str) -> None:
    code, said = run(*arguments)
    assert code != 0
    assert reason in said
    assert "Traceback" not in said
