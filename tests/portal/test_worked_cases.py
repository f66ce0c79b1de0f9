"""Every worked case of published rules, priced by the commands as an operator types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from parking.core.vehicle import VehicleKind
from portal.cli import main
from tests.core.test_pricing_worked_cases import CASES, MONDAY

TARIFFS = Path(__file__).parents[2] / "tariffs"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def quote(name: str, entered: str, left: str, *options: str) -> tuple[str, int]:
    """The total of the text's last line, and that of the JSON."""
    times = [
        text if {"-", "T"}.intersection(text) else f"{MONDAY} {text}" for text in (entered, left)
    ]
    typed = ("quote", str(TARIFFS / f"{name}.toml"), "--entered", times[0], "--left", times[1])
    shown, told = run(*typed, *options), run(*typed, *options, "--json")
    assert shown.exit_code == told.exit_code == 0, shown.stderr
    fee = json.loads(told.stdout)
    assert sum(line["amount_minor"] for line in fee["lines"]) == fee["total"]["amount_minor"]
    return shown.stdout.splitlines()[-1].split()[0], fee["total"]["amount_minor"]


@pytest.mark.parametrize(
    ("name", "vehicle", "entered", "left", "expected"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_a_published_case(
    name: str, vehicle: VehicleKind, entered: str, left: str, expected: int
) -> None:
    shown, told = quote(name, entered, left, "--class", vehicle.value)
    assert told == expected
    assert shown == f"{expected // 100}.{expected % 100:02d}"


@pytest.mark.parametrize(
    ("name", "entered", "left", "options", "total"),
    [
        pytest.param(
            "hangzhou-core", "09:00", "10:00", ["--right", "citizen-card"], 800, id="R citizen card"
        ),
        pytest.param("hangzhou-class-1", "09:00", "10:30", ["--colour", "yellow"], 2000, id="R"),
        # Half-hours of 2.50 from 09:25: ten yuan at 11:24, within ten minutes nothing more.
        pytest.param("mall", "09:25", "11:33", ["--paid", f"10@{MONDAY}T11:24"], 0, id="R t+9"),
        pytest.param("mall", "09:25", "11:35", ["--paid", f"10@{MONDAY}T11:24"], 200, id="R t+11"),
    ],
)
def test_a_case_with_rights_or_payments(
    name: str, entered: str, left: str, options: list[str], total: int
) -> None:
    assert quote(name, entered, left, *options)[1] == total


@pytest.mark.parametrize(
    ("name", "entered", "left", "options", "total"),
    [
        # After the second hour each goes on at its price.
        ("new-york-core-passenger", "09:00", "10:01", [], 1450),
        ("new-york-core-passenger", "09:00", "12:00", [], 2350),
        # The hour that is jumped over is not parked; the one shown twice is parked twice.
        ("new-york-core-commercial", "2026-03-08T01:30", "2026-03-08T03:30", [], 600),
        ("new-york-core-commercial", "2026-11-01T00:30", "2026-11-01T02:30", [], 2100),
        ("stoke", "15:59:59", "17:59:59", [], 280),
        ("stoke", "2026-03-29T00:30", "2026-03-29T03:00", [], 280),
        # New-energy cars pay half, to the fen.
        ("charging-hub", "09:00", "10:40", [], 1400),
        ("charging-hub", "09:00", "10:40", ["--colour", "green"], 700),
        ("guangzhou", "2028-02-28T10:00", "2028-03-01T10:00", [], 3000),
        ("guangzhou", f"{MONDAY}T10:00", "2026-03-05T15:00", [], 6000),
        ("hangzhou-core", "07:59:59", "08:00:59", [], 0),
        ("hangzhou-core", "2023-01-27T19:00", "2023-01-28T08:30", [], 500),
        ("hangzhou-core", "2026-02-14T09:00", "2026-02-14T10:00", [], 1000),
        ("hangzhou-class-1-before-2020", f"{MONDAY}T20:00", "2026-03-04T08:00", [], 7600),
        ("singapore-central", "2026-03-08T23:00", "2026-03-09T07:30", [], 1080),
        ("singapore-outside", f"{MONDAY}T07:00", "2026-03-03T07:00", [], 1700),
        ("beijing-roadside", "10:00", "11:14:59", [], 1000),
        ("airport", f"{MONDAY}T00:00", "2026-03-03T06:00", [], 14000),
        ("mall", "09:00", "14:00", ["--right", "two-hours", "--right", "half"], 700),
        ("office", "2026-02-28T08:00", "2026-02-28T10:00", ["--right", "staff"], 0),
        ("shenzhen-workdays", "2026-10-07T20:00", "2026-10-08T08:00", [], 500),
        ("stadium", "2026-12-05T19:59:59", "2026-12-05T22:00", [], 5000),
        ("old-town", "2026-12-31T23:00", "2027-01-01T01:00", [], 800),
    ],
)
def test_a_case_that_an_engineer_worked_out_by_hand(
    name: str, entered: str, left: str, options: list[str], total: int
) -> None:
    assert quote(name, entered, left, *options)[1] == total


def test_a_kind_of_vehicle_may_be_written_with_a_hyphen() -> None:
    for written in ("new-energy", "new_energy", "New-Energy"):
        assert quote("hangzhou-core", "09:00", "10:00", "--class", written)[1] == 1000


def test_a_pass_of_no_year_that_is_reckoned_with_is_told() -> None:
    file = str(TARIFFS / "community.toml")
    days = ("--from", "9999-12-01", "--until", "9999-12-31")
    refused = run("tariff", "pass", file, "--right", "monthly", *days)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "1970 to 2199" in refused.stderr


@pytest.mark.parametrize(
    ("first", "last", "total"),
    [("2021-10-01", "2021-10-15", "145.16"), ("2021-10-15", "2021-11-15", "314.52")],
)
def test_a_pass_pro_rata(first: str, last: str, total: str) -> None:
    file = str(TARIFFS / "community.toml")
    days = ("--from", first, "--until", last)
    shown = run("tariff", "pass", file, "--right", "monthly", *days)
    assert shown.stdout.splitlines()[-1].split()[0] == total


@pytest.mark.parametrize(
    ("entered", "left"),
    [
        ("2026-03-02T09:00", "2026-03-02T10:40"),
        ("2026-03-02 09:00:00", "2026-03-02 10:40"),
        ("2026-03-02T09:00+08:00", "2026-03-02T02:40Z"),
        ("20260302T0900", "2026-03-02T10:40:59"),
        ("2026-03-02t01:00:00z", "2026-03-02T02:40z"),
    ],
)
def test_a_time_may_have_a_zone_or_be_the_tariffs_own(entered: str, left: str) -> None:
    assert quote("hangzhou-core", entered, left)[1] == 2200


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--entered", "2026-03-02T09:00", "--left", "2026-03-02T08:00"], "08:00:00+08:00"),
        (["--entered", "2026-03-02T09:00", "--left", "later"], "'later' is not a time"),
        (["--entered", "2026-03-02T09:00", "--left", "2029-03-02T08:00"], "366 days"),
        (
            ["--entered", "2026-03-02T09:00", "--left", "2026-03-02T10:00", "--class", "bus"],
            "small",
        ),
        (
            ["--entered", "2026-03-02T09:00", "--left", "2026-03-02T10:00", "--earlier", "08:00"],
            "is no stay",
        ),
        (["--entered", "2026-03-02T09:00"], "--left"),
        (["--entered", "0001-01-01T00:00", "--left", "0001-01-01T02:00"], "1970 to 2199"),
        (["--entered", "9999-12-31T20:00-12:00", "--left", "9999-12-31T21:00"], "1970 to 2199"),
    ],
)
def test_what_cannot_be_priced_ends_with_2_and_one_clear_line(
    options: list[str], word: str
) -> None:
    result = run("quote", str(TARIFFS / "hangzhou-core.toml"), *options)
    assert result.exit_code == 2
    assert word in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def test_a_file_with_several_versions_is_priced_by_the_day(tmp_path: Path) -> None:
    path = tmp_path / "lake.toml"
    path.write_text(VERSIONS, encoding="utf-8")
    assert run("tariff", "check", str(path)).exit_code == 0
    for entered, left, total in (
        ("2026-06-30T10:00", "2026-06-30T12:00", 1000),
        ("2026-07-01T10:00", "2026-07-01T12:00", 1400),
        ("2026-06-30T23:00", "2026-07-01T01:00", 500 + 700),
    ):
        times = ("--entered", entered, "--left", left)
        told = run("quote", str(path), *times, "--json")
        assert json.loads(told.stdout)["total"]["amount_minor"] == total
    times = ("--entered", "2027-01-01T10:00", "--left", "2027-01-01T12:00")
    over = run("quote", str(path), *times)
    assert over.exit_code == 2
    assert "lake is not in force on 2027-01-01" in over.stderr


def test_earlier_stays_count_for_re_entry() -> None:
    back = ("--earlier", f"{MONDAY}T09:00..{MONDAY}T10:20")
    assert quote("mall", "10:30", "12:00", *back)[1] == 1500 - 700
    assert quote("mall", "10:37", "12:00", *back)[1] == 700


@pytest.mark.parametrize(
    ("entered", "left", "options", "total"),
    [
        # Half an hour free, then 3 each half-hour; the second visit of the day has no more of it.
        ("2026-12-01T10:00", "2026-12-01T12:00", [], 900),
        (
            "2026-12-01T15:00",
            "2026-12-01T16:00",
            ["--earlier", "2026-12-01T10:00..2026-12-01T12:00"],
            600,
        ),
        # Together they come to no more than 30 a day.
        (
            "2026-12-01T15:00",
            "2026-12-01T23:00",
            ["--earlier", "2026-12-01T10:00..2026-12-01T12:00"],
            2100,
        ),
        # Back within twenty minutes: one visit from 10:00, of which 9.00 is charged already.
        (
            "2026-12-01T12:20",
            "2026-12-01T13:00",
            ["--earlier", "2026-12-01T10:00..2026-12-01T12:00"],
            600,
        ),
        ("2026-12-01T10:00", "2026-12-01T14:00", ["--right", "tea-house"] * 2, 900),
        ("2026-12-01T10:00", "2026-12-01T11:00", ["--drive-through"], 0),
        # Over the new year: 22:30 to midnight at 3, the night at 5, then 4 each half-hour; each
        # day gives its half-hour.
        ("2026-12-31T22:00", "2027-01-01T09:00", [], 900 + 500 + 800),
    ],
)
def test_the_old_towns_rules(entered: str, left: str, options: list[str], total: int) -> None:
    assert quote("old-town", entered, left, *options)[1] == total


VERSIONS = """\
tariff_id = "lake"
name_zh = "湖"
name_en = "Lake"
zone = "Asia/Shanghai"
on_change = "split"

[[versions]]
version = 1
effective_to = 2026-06-30
[[versions.windows]]
from = "00:00"
until = "24:00"
rate = { type = "units", steps = [{ price_minor = 500, unit_minutes = 60 }] }

[[versions]]
version = 2
effective_from = 2026-07-01
effective_to = 2026-12-31
[[versions.windows]]
from = "00:00"
until = "24:00"
rate = { type = "units", steps = [{ price_minor = 700, unit_minutes = 60 }] }
"""


@pytest.mark.parametrize(
    ("was", "becomes", "row", "words"),
    [
        (
            "effective_from = 2026-07-01",
            "effective_from = 2026-06-30",
            17,
            "end that one on 2026-06-29",
        ),
        (
            "effective_from = 2026-07-01",
            "effective_from = 2026-08-01",
            17,
            "no version holds from 2026-07-01",
        ),
        ("effective_to = 2026-12-31", "effective_to = 2026-01-31", 18, "before 2026-07-01"),
        ("effective_from = 2026-07-01", "", 15, "write its first day"),
        ("version = 2", "version = 1", 16, "number them upwards"),
        ("version = 2", 'version = 2\ncurrency = "USD"', 17, "a new currency is a new tariff"),
        (
            "effective_to = 2026-06-30",
            "effective_from = 2026-07-01",
            17,
            "put the earlier one first",
        ),
        ("Asia/Shanghai", "Asia/Hangzhou", 4, "no IANA time zone"),
        ("on_change", "on_chnge", 5, "did you mean on_change?"),
        ("unit_minutes = 60", "unit_minutes = 0", 13, ">= 1"),
        ("price_minor = 700", "price_minor = -7", 22, ">= 0"),
    ],
)
def test_a_mistake_in_versions_is_pointed_at(
    tmp_path: Path, was: str, becomes: str, row: int, words: str
) -> None:
    path = tmp_path / "lake.toml"
    path.write_text(VERSIONS.replace(was, becomes, 1), encoding="utf-8")
    told = run("tariff", "check", str(path))
    assert told.exit_code == 1
    assert f"{path}:{row}: " in told.stderr, told.stderr
    assert words in told.stderr
    times = ("--entered", "2026-06-30T10:00", "--left", "2026-06-30T12:00")
    quoted = run("quote", str(path), *times)
    assert quoted.exit_code == 2
    assert f"{path}:" in quoted.stderr


@pytest.mark.parametrize(
    ("text", "words"), [("versions = []", "there is none"), ("versions = 3", "[[versions]]")]
)
def test_versions_that_are_none_are_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "lake.toml"
    path.write_text(f'tariff_id = "lake"\n{text}\n', encoding="utf-8")
    for command in (("tariff", "check"), ("quote", "--entered", MONDAY, "--left", MONDAY)):
        told = run(*command[:1], *command[1:], str(path))
        assert told.exit_code in {1, 2}
        assert f"{path}:2: versions: " in told.stderr
        assert words in told.stderr


@pytest.mark.parametrize("end", ["2026-03-02T24:00", "2026-03-02 24:00:00", "20260302T2400"])
def test_24_00_is_the_end_of_the_day(end: str) -> None:
    assert (
        quote("singapore-coupon", "2026-03-02T21:00", end)[1]
        == quote("singapore-coupon", "2026-03-02T21:00", "2026-03-03T00:00")[1]
    )
    assert quote("hangzhou-core", "2026-03-02T09:00", "2026-03-02T24:00+08:00")[1] == 13000
    refused = run("quote", str(TARIFFS / "stoke.toml"), "--entered", end, "--left", f"{end[:-2]}01")
    assert "is not a time" in refused.stderr


def test_a_class_that_the_tariff_does_not_name_is_told() -> None:
    times = ("--entered", f"{MONDAY}T09:00", "--left", f"{MONDAY}T10:00", "--class", "motorcycle")
    file = str(TARIFFS / "hangzhou-core.toml")
    shown = run("quote", file, *times)
    assert shown.stdout.splitlines()[-1].split()[0] == "10.00"
    assert "names no class motorcycle: priced by the plate's blue" in shown.stderr
    assert "未列车型 motorcycle" in shown.stderr
    told = run("quote", file, *times, "--json")
    assert told.stderr == ""
    assert [each["code"] for each in json.loads(told.stdout)["notices"]] == ["class_not_named"]
    both = json.loads(run("quote", file, *times, "--json", "--next").stdout)
    assert [each["code"] for each in both["notices"]] == ["class_not_named", "no_cap"]
    named = run("quote", str(TARIFFS / "hangzhou-class-1.toml"), *times[:-1], "large", "--json")
    assert json.loads(named.stdout)["notices"] == []
    assert named.stderr == ""


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--right", "citizen-card@2026-03-02..2026-03-01", "ends before it begins"),
        ("--right", "citizen-card@2026-03-02..2026-03-02", "ends before it begins"),
        ("--earlier", "2026-03-02T08:00..2026-03-02T07:00", "before it came in"),
        ("--earlier", "2026-03-02T09:01..2026-03-02T09:02", "it is no earlier one"),
    ],
)
def test_times_that_run_backwards_are_refused(option: str, value: str, words: str) -> None:
    times = ("--entered", "2026-03-02T09:00", "--left", "2026-03-02T10:00")
    refused = run("quote", str(TARIFFS / "hangzhou-core.toml"), *times, option, value)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert words in refused.stderr


@pytest.mark.parametrize(
    ("currency", "sums"),
    [
        ("JPY", ["500", "JPY 250 per 30 min", "250 JPY × 2"]),
        ("KWD", ["0.500", "KWD 0.250 per 30 min", "0.250 KWD × 2"]),
        ("EUR", ["5.00", "EUR 2.50 per 30 min", "2.50 EUR × 2"]),
    ],
)
def test_sums_have_the_decimals_of_their_currency(
    tmp_path: Path, currency: str, sums: list[str]
) -> None:
    path = tmp_path / "mall.toml"
    text = (TARIFFS / "mall.toml").read_text(encoding="utf-8")
    path.write_text(f'currency = "{currency}"\n{text}', encoding="utf-8")
    times = ("--entered", f"{MONDAY}T09:00", "--left", f"{MONDAY}T10:00")
    shown = run("quote", str(path), *times).stdout
    assert shown.splitlines()[-1].split()[:2] == [sums[0], currency]
    assert all(words in shown for words in sums)
    paid = run("quote", str(path), *times, "--paid", f"{sums[0]}@{MONDAY}T10:00", "--json")
    assert json.loads(paid.stdout)["total"]["amount_minor"] == 0
    half = run("quote", str(path), *times, "--paid", f"1.0000@{MONDAY}T10:00")
    assert "is not a payment" in half.stderr
    drawn = run("tariff", "check", str(path), "--entered", f"{MONDAY}T09:00").stdout
    assert {"JPY": " 10500 │", "KWD": " 10.500 │", "EUR": " 105.00 │"}[currency] in drawn
