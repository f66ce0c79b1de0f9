"""Tariff files on the command line: quote with rights, check with lines, draw, compare, passes."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.cli import main

TARIFFS = Path(__file__).parents[2] / "tariffs"
HANGZHOU = str(TARIFFS / "hangzhou-core.toml")
HOUR = ("--entered", "2026-03-02T09:00", "--left", "2026-03-02T10:00")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def total(result: Result) -> int:
    assert result.exit_code == 0, result.stderr
    amount: int = json.loads(result.stdout)["total"]["amount_minor"]
    return amount


def test_a_quote_takes_rights_kinds_and_what_was_paid() -> None:
    assert total(run("quote", HANGZHOU, *HOUR, "--json")) == 1000
    right = ("--right", "citizen-card")
    assert total(run("quote", HANGZHOU, *HOUR, *right, "--json")) == 800
    over = ("--right", "citizen-card@2026-01-01..2026-02-01")
    assert total(run("quote", HANGZHOU, *HOUR, *over, "--json")) == 1000
    paid = ("--paid", "4.50@2026-03-02T09:20", "--paid", "1@2026-03-02T09:30")
    assert total(run("quote", HANGZHOU, *HOUR, *paid, "--json")) == 450
    scenic = str(TARIFFS / "scenic-area.toml")
    assert total(run("quote", scenic, *HOUR, "--class", "large", "--json")) == 2500
    library = str(TARIFFS / "library.toml")
    assert total(run("quote", library, *HOUR, "--visits-today", "1", "--json")) == 400


def test_a_quote_tells_when_the_price_steps_and_what_to_warn_of() -> None:
    shown = run("quote", HANGZHOU, *HOUR, "--next").stdout
    assert "16.00  from 2026-03-02 10:01:00" in shown
    assert "no highest price" in shown
    told = json.loads(run("quote", HANGZHOU, *HOUR, "--next", "--json").stdout)
    assert told["then"]["amount_minor"] == 1600
    assert [notice["code"] for notice in told["notices"]] == ["no_cap"]
    stadium = str(TARIFFS / "stadium.toml")
    match = ("--entered", "2026-12-05T16:00", "--left", "2026-12-05T17:00")
    assert "does not step" in run("quote", stadium, *match, "--next").stdout


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--right", "gold", "citizen-card"),
        ("--paid", "ten@2026-03-02T09:20", "10.00@"),
        ("--paid", "10.00", "10.00@"),
        ("--right", "citizen-card@soon..", "soon"),
    ],
)
def test_what_a_quote_cannot_read_is_told(option: str, value: str, word: str) -> None:
    result = run("quote", HANGZHOU, *HOUR, option, value)
    assert result.exit_code == 2
    assert word in result.stderr


def test_a_good_tariff_is_drawn(tmp_path: Path) -> None:
    svg = tmp_path / "price.svg"
    times = ("--entered", "2026-03-02T08:00", "--svg", str(svg))
    result = run("tariff", "check", HANGZHOU, *times)
    assert result.exit_code == 0
    assert "142.00 │" in result.stdout
    assert "08:00" in result.stdout.splitlines()[-2]
    assert ET.fromstring(svg.read_text(encoding="utf-8")).tag.endswith("svg")  # noqa: S314 - ours
    free = ("--entered", "2026-02-17T08:00+08:00", "--class", "small")
    assert "0.01 │" in run("tariff", "check", HANGZHOU, *free).stdout
    assert run("tariff", "check", HANGZHOU).exit_code == 0
    odd = run("tariff", "check", HANGZHOU, "--entered", "noon")
    assert odd.exit_code == 2


@pytest.mark.parametrize("path", sorted(TARIFFS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_gallery_passes_the_check(path: Path) -> None:
    assert run("tariff", "check", str(path), "--entered", "2026-03-02T08:00").exit_code == 0


def test_each_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    text = Path(HANGZHOU).read_text(encoding="utf-8")
    rows = text.replace("Asia/Shanghai", "Asia/Hangzhou").replace("rounding =", "roundng =")
    path = tmp_path / "bad.toml"
    path.write_text(rows, encoding="utf-8")
    result = run("tariff", "check", str(path))
    assert result.exit_code == 1
    lines = {row.split(" =")[0]: number for number, row in enumerate(rows.split("\n"), start=1)}
    assert f"{path}:{lines['zone']}: zone: " in result.stderr
    assert f"{path}:{lines['roundng']}: windows[0].rate.roundng: " in result.stderr
    assert "did you mean rounding?" in result.stderr


def test_json_is_checked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{\n"tariff_id": "Bad One"}')
    assert f"{path}:2: tariff_id" in run("tariff", "check", str(path)).stderr
    path.write_text("{")
    assert "not JSON" in run("tariff", "check", str(path)).stderr


def test_two_tariffs_are_compared_over_stays(tmp_path: Path) -> None:
    stays = tmp_path / "stays.csv"
    stays.write_text(
        "entered_at,left_at,colour,class\n"
        "2026-03-02T09:00,2026-03-02T10:40,blue,\n"
        "2026-03-02T09:00+08:00,2026-03-02T10:30+08:00,,large\n"
        "2026-03-02T21:00, 2026-03-02T22:00, Blue, Small\n"
        "2026-03-02T21:00,2026-03-02T22:00,green,new-energy\n"
    )
    two, one = (str(TARIFFS / f"hangzhou-class-{number}.toml") for number in (2, 1))
    found = json.loads(run("tariff", "compare", two, one, "--stays", str(stays), "--json").stdout)
    assert found == {
        "currency": "CNY",
        "stays": 4,
        "old_minor": 1000 + 700,
        "new_minor": 1400 + 2000,
        "dearer": 2,
        "cheaper": 0,
        "largest_rise_minor": 1300,
        "largest_fall_minor": 0,
    }
    shown = run("tariff", "compare", one, two, "--stays", str(stays)).stdout
    assert "change   -17.00 CNY (-50.0%)" in shown
    assert "same     2" in shown


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("entered_at\n", "missing: left_at"),
        ("entered_at,left_at\nsoon,2026-03-02T10:40\n", ":2:"),
        ("entered_at,left_at\n2026-03-02T10:40\n", ":2:"),
        ("entered_at,left_at,class\n2026-03-02T09:00,2026-03-02T10:40,tank\n", "tank"),
        ("entered_at,left_at\n0001-01-01T00:00,0001-01-01T01:00\n", ":2: 0001-01-01"),
        (f"entered_at,left_at\n{'x' * 200_000},\n", "field limit"),
        ("entered_at,left_at,colour\n2026-03-02T09:00,2026-03-02T10:40,\udcff\n", "UTF-8"),
    ],
)
def test_a_file_of_stays_that_cannot_be_read_is_told(tmp_path: Path, text: str, word: str) -> None:
    stays = tmp_path / "stays.csv"
    stays.write_text(text, encoding="utf-8", errors="surrogateescape")
    result = run("tariff", "compare", HANGZHOU, HANGZHOU, "--stays", str(stays))
    assert result.exit_code == 2
    assert word in result.stderr


def test_currencies_are_not_compared(tmp_path: Path) -> None:
    stays = tmp_path / "stays.csv"
    stays.write_text("entered_at,left_at\n")
    stoke = str(TARIFFS / "stoke.toml")
    assert "GBP" in run("tariff", "compare", HANGZHOU, stoke, "--stays", str(stays)).stderr
    same = run("tariff", "compare", HANGZHOU, HANGZHOU, "--stays", str(stays)).stdout
    assert "stays    0" in same


def test_a_pass_is_priced_by_the_month() -> None:
    community = str(TARIFFS / "community.toml")
    days = ("--from", "2021-10-15", "--until", "2021-11-15")
    shown = run("tariff", "pass", community, "--right", "monthly", *days).stdout
    assert "314.52" in shown.splitlines()[-1]


def test_every_bad_stay_is_told_with_its_line(tmp_path: Path) -> None:
    stays = tmp_path / "stays.csv"
    stays.write_text(
        "entered_at,left_at,colour\n"
        "2026-03-02T09:00,2026-03-02T10:40,blue\n"
        "2026-03-02T09:00,2026-03-02T08:40,blue\n"
        "soon,2026-03-02T08:40,blue\n"
        "2026-03-02T09:00,2026-03-02T10:40,mauve\n"
        "2026-03-02T09:00,2029-03-02T10:40,blue\n"
    )
    result = run("tariff", "compare", HANGZHOU, HANGZHOU, "--stays", str(stays))
    assert (result.exit_code, result.stdout) == (2, "")
    told = result.stderr.splitlines()
    for number, words in (
        (3, "before it came in"),
        (4, "is not a time"),
        (5, "'mauve'"),
        (6, "366"),
    ):
        assert f"{stays}:{number}: " in result.stderr
        assert words in told[number - 3]
    assert len(told) == 4


def test_check_lists_the_classes_and_rights_that_a_quote_may_name() -> None:
    shown = run("tariff", "check", str(TARIFFS / "charging-hub.toml")).stdout
    assert "--class new_energy, --colour green: 新能源 new-energy" in shown
    assert "--right charging: 充电两小时免费 Two hours while charging" in shown
    assert "no classes, no rights" in run("tariff", "check", str(TARIFFS / "chengdu.toml")).stdout
    assert "tariff check" in run("quote", "--help").stdout
