"""Every kind of mistake in a tariff file is told with its line and its mend."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli import main

TARIFFS = Path(__file__).parents[2] / "tariffs"

# File, what stands there, what is written instead, the row pointed at, and words of the mend.
MISTAKES = [
    ("hangzhou-core", "currency =", "curency =", "curency =", "did you mean currency?"),
    ("hangzhou-core", 'rounding = "up"', 'flavour = "up"', "flavour", "docs/tariffs.md"),
    ("hangzhou-core", "Asia/Shanghai", "Asia/Hangzhou", "zone =", "Asia/Shanghai"),
    ("hangzhou-core", 'calendar = "china"', 'calendar = "mars"', "calendar =", "write one of"),
    ("hangzhou-core", 'until = "08:00"', 'until = "07:00"', "[[windows]]", "is in no window"),
    ("hangzhou-core", 'until = "08:00"', 'until = "09:00"', "[[windows]]", "where the next begins"),
    ("hangzhou-core", 'until = "08:00"', 'until = "20:00"', 'until = "20:00"', "00:00 to 24:00"),
    ("hangzhou-core", 'until = "08:00"', 'until = "8:00"', '"8:00"', "write a time as 08:00"),
    ("hangzhou-core", "lasts_minutes = 60", "lasts_minutes = 45", "lasts_minutes", "a multiple"),
    ("hangzhou-core", "lasts_minutes = 60", "", "steps]]", "how long the step lasts"),
    ("hangzhou-core", "unit_minutes = 30", "unit_minutes = 0", "utes = 0", "write 1 or more"),
    ("hangzhou-core", "price_minor = 500", "price_minor = -5", "= -5", "write 0 or more"),
    ("hangzhou-core", "price_minor = 500", "price_minor = 500000", "= 500000", "minor units"),
    ("hangzhou-core", "price_minor = 500", "price_minor = 5.0", "= 5.0", "a whole number"),
    ("hangzhou-core", "version = 2", "version = 0", "version = 0", "write 1 or more"),
    ("mall", "calendar_day_minor = 6000", "calendar_day_minor = 200", "= 200", "at least that"),
    ("mall", "calendar_day_minor = 6000", "calendar_day_shared = true", "shared", "the cap"),
    ("mall", "minimum_minor = 300", "minimum_minor = 7000", "minimum_minor", "lower it"),
    ("mall", 'way = "down"', 'way = "sideways"', "way =", "docs/tariffs.md"),
    ("mall", 'zone = "Asia/Shanghai"', "", "# A shopping mall", "write it"),
    ("mall", "minutes = 15", "minutes = true", "minutes = true", "a whole number"),
    ("mall", "reentry_minutes = 15", "reentry_minutes = 1440", "reentry", "less than 1440"),
    ("mall", 'on = ["rest_day"]', 'on = ["xmas"]', "on =", "mon to sun"),
    ("mall", 'on = ["rest_day"]', "", "[[schedules]]", "say when it holds"),
    ("mall", "percent = 150", "", "[[schedules]]", "a percent"),
    ("mall", 'right_id = "half"', 'right_id = "ten-yuan"', "right_id", "a name of its own"),
    ("mall", "minutes = 120 }", "minutes = 0 }", "minutes = 0", "write 1 or more"),
    ("stadium", "until = 2026-12-0", "until = 2025-12-0", "dates", "the last day"),
    ("mall", "minimum_minor = 300", "effective_to = 2025-01-01\neffective_from = 2026-01-01",
     "effective_to", "the last day of the version"),
    ("hangzhou-class-1", 'colours = ["yellow"]\nvehicles = ["large"]', "", "[[classes]]", "colour"),
    ("hangzhou-core", "[[windows]]", "[[windows]", "[[windows]", "not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "was", "becomes", "row", "mend"),
    MISTAKES,
    ids=[f"{name}-{becomes or was}" for name, was, becomes, *_ in MISTAKES],
)
def test_a_mistake_is_told_with_its_line_and_its_mend(
    tmp_path: Path, name: str, was: str, becomes: str, row: str, mend: str
) -> None:
    text = (TARIFFS / f"{name}.toml").read_text(encoding="utf-8")
    assert was in text
    path = tmp_path / "bad.toml"
    path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    result = CliRunner().invoke(main, ("tariff", "check", str(path)))
    assert result.exit_code == 1
    rows = path.read_text(encoding="utf-8").splitlines()
    told = result.stderr.splitlines()
    pointed = [rows[int(line.split(":")[1]) - 1] for line in told]
    assert any(row in each for each in pointed), told
    assert any(mend in line for line in told), told
