import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from lpr.cli import main
from lpr.spool import LaneProgress, RejectedEvent, Spool, SpooledEvent
from parking.core.ids import uuid7

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("command", [[], ["read"], ["run"], ["rejected"]])
def test_explains_itself(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "a setting is missing: set lot_id in TOML or LPR_LOT_ID"),
        (["run", "--config", "/nowhere/gate.toml"], "/nowhere/gate.toml: cannot be read"),
        (["run", "--camera", "west-in"], "expected LANE:DIRECTION:SOURCE"),
        (["rejected", "--spool", "/nowhere/spool.sqlite3"], "there is no spool at"),
    ],
)
def test_tells_a_mistake_in_one_line(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(main, arguments, env={"LPR_DEVICE_KEY": "k"})
    assert result.exit_code == 2
    assert result.stderr.startswith("lpr: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_shows_what_was_put_aside_and_sends_it_again(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite3"
    event = SpooledEvent(event_id=uuid7(1, 1), body=b'{"lane_id":"west-in"}')
    spool = Spool(path, bytes_max=1 << 24)
    spool.advance("west-in", LaneProgress(cursor="", state=b"{}"), events=[event], now=NOW)
    refused = RejectedEvent(
        event_id=event.event_id, status="refused", reason="no such lane", body=event.body
    )
    spool.settle(delivered=[], rejected=[refused], now=NOW)
    result = CliRunner().invoke(main, ["rejected", "--spool", str(path), "--retry"])
    assert json.loads(result.stdout) == {
        "event_id": str(event.event_id),
        "status": "refused",
        "reason": "no such lane",
        "event": {"lane_id": "west-in"},
    }
    assert result.stderr == "1 events are on their way again\n"
    assert spool.counts().pending == 1
    spool.close()


def picture(mode: str = "RGB", size: tuple[int, int] = (320, 180)) -> Image.Image:
    return Image.effect_noise(size, 40).convert(mode)


def files_of_every_kind(folder: Path) -> dict[str, str]:
    """Write pictures and what only looks like some; answer what should be said of each."""
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = Image.fromarray(np.tile(np.linspace(0, 65535, 320).astype(np.uint16), (180, 1)))
    picture().save(folder / "plain.jpg")
    picture("CMYK").save(folder / "cmyk.jpg")
    picture("L").save(folder / "grey.jpg")
    picture().save(folder / "turned.jpg", exif=turned)
    picture().save(folder / "modern.webp")
    picture("RGBA").save(folder / "clear.png")
    deep.save(folder / "deep.png")
    picture().save(folder / "moving.webp", save_all=True, append_images=[picture()])
    picture("P").save(folder / "moving.gif", save_all=True, append_images=[picture("P")])
    picture("1", (9_000, 6_000)).save(folder / "huge.png")
    (folder / "empty.jpg").touch()
    (folder / "half.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:3000])
    (folder / "letter.jpg").write_text("浙A8B762")
    (folder / "folder").mkdir()
    read = {"plain.jpg", "cmyk.jpg", "grey.jpg", "turned.jpg", "modern.webp", "clear.png"}
    return dict.fromkeys(read | {"deep.png", "moving.webp"}, "") | {
        "moving.gif": "not a picture in a known format",
        "huge.png": "9000x6000, more than",
        "empty.jpg": "the file is empty",
        "half.jpg": "truncated",
        "letter.jpg": "not a picture in a known format",
        "folder": "there are no pictures in this folder",
        "missing.jpg": "No such file or directory",
    }


def test_reads_or_says_in_one_line_why_not(tmp_path: Path) -> None:
    expected = files_of_every_kind(tmp_path)
    result = CliRunner().invoke(main, ["read", *(str(tmp_path / name) for name in expected)])
    told = {Path(line["file"]).name: line for line in map(json.loads, result.stdout.splitlines())}
    assert told.keys() == expected.keys()
    for name, reason in expected.items():
        if reason:
            assert reason in told[name]["error"]
            assert "\n" not in told[name]["error"]
        else:
            assert told[name]["plates"] == []
    assert result.exit_code == 1
    assert CliRunner().invoke(main, ["read", str(tmp_path / "plain.jpg")]).exit_code == 0


def test_opens_folders_and_reads_the_pictures_in_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    picture().save(tmp_path / "deep" / "one.JPG", "JPEG")
    (tmp_path / "notes.txt").touch()
    result = CliRunner().invoke(main, ["read", str(tmp_path)])
    assert result.exit_code == 0
    assert [json.loads(line)["file"] for line in result.stdout.splitlines()] == [
        str(tmp_path / "deep" / "one.JPG")
    ]
