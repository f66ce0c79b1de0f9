"""Mistakes of the whole tariff language: each has its class, names its key, and says the mend."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core import tariff_errors as errors
from parking.core.document_lines import json_lines, line_of, toml_lines
from parking.core.tariff_document import (
    TariffSyntaxError,
    data_mistakes,
    decode_json,
    decode_toml,
    tariff_from_data,
)

DOCUMENT = """
tariff_id = "lakeside"
version = 3
name_zh = "湖滨"
name_en = "Lakeside"
zone = "Asia/Shanghai"
calendar = "china"
reentry_minutes = 15

[caps]
calendar_day_minor = 4000

[[windows]]
from = "08:00"
until = "20:00"
cap_minor = 3000
[windows.rate]
type = "tiers"
tiers = [
  { total_minor = 500, up_to_minutes = 60 },
  { total_minor = 900, up_to_minutes = 120 },
  { total_minor = 1200 },
]

[[windows]]
from = "20:00"
until = "08:00"
rate = { type = "flat", price_minor = 400, per = "visit" }

[[schedules]]
name_zh = "休息日"
name_en = "Rest day"
on = ["rest_day"]
season = { from = "03-01", until = "10-31" }
dates = { from = 2026-01-01, until = 2026-12-31 }
entered = { from = "08:00", until = "10:00" }
percent = 150

[[classes]]
vehicles = ["motorcycle"]
name_zh = "摩托车"
name_en = "motorcycle"
percent = 50

[[rights]]
right_id = "staff"
kind = "staff"
name_zh = "员工"
name_en = "Staff"
benefit = { type = "time", from = "08:00", until = "18:00", on = ["workday"] }
"""
TIERS = ("windows", 0, "rate", "tiers")


def _changed(path: tuple[str | int, ...], value: object) -> Any:
    document = tomllib.loads(DOCUMENT)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def test_the_document_itself_is_in_order() -> None:
    assert data_mistakes(tomllib.loads(DOCUMENT)) == []


@pytest.mark.parametrize(
    ("path", "value", "error", "key", "mend"),
    [
        (("calendar",), "mars", errors.UnknownTariffCalendarError, "calendar", "week, china"),
        (("reentry_minutes",), 1440, errors.ReentryCircularError, "reentry_minutes", "less than"),
        (("caps", "calendar_day_minor"), 300, errors.CapBelowUnitError, None, "at least"),
        (("windows", 0, "cap_minor"), 499, errors.CapBelowUnitError, None, "at least"),
        (("minimum_minor",), 4001, errors.MinimumOverCapError, "minimum_minor", "lower it"),
        (("round_total",), {"to": "yuan"}, None, None, None),
        (TIERS, [], errors.NoTiersError, "windows[0].rate.tiers", "total"),
        ((*TIERS, 2, "up_to_minutes"), 180, errors.LastTierEndsError, None, "leave"),
        ((*TIERS, 0, "up_to_minutes"), None, errors.TierNeverEndsError, None, "say up to"),
        ((*TIERS, 1, "up_to_minutes"), 60, errors.TiersNotAscendingError, None, "first"),
        ((*TIERS, 1, "total_minor"), 400, errors.TierTotalFallsError, None, "raise it"),
        ((*TIERS, 2, "total_minor"), 2_000_000, errors.AbsurdPriceError, None, "fen"),
        (("windows", 1, "rate", "price_minor"), 2_000_000, errors.AbsurdPriceError, None, "fen"),
        (
            ("windows", 1, "rate"),
            {"type": "units", "steps": [{"price_minor": 5000, "unit_minutes": 1}]},
            errors.AbsurdPriceError,
            "windows[1].rate.steps[0].price_minor",
            "an hour",
        ),
        (
            ("schedules", 0, "percent"),
            100,
            errors.ScheduleChangesNothingError,
            "schedules[0]",
            "windows",
        ),
        (
            ("schedules", 0),
            {"name_zh": "a", "name_en": "a", "percent": 50},
            errors.ScheduleAlwaysHoldsError,
            "schedules[0]",
            "say when",
        ),
        (
            ("schedules", 0, "on"),
            ["easter"],
            errors.UnknownDayWordError,
            "schedules[0].on[0]",
            "mon",
        ),
        (
            ("schedules", 0, "windows"),
            [],
            errors.WindowsLeaveGapError,
            "schedules[0].windows",
            "free",
        ),
        (("schedules", 0, "season", "from"), "02-30", errors.NoSuchDayError, None, "MM-DD"),
        (
            ("schedules", 0, "dates", "until"),
            "2025-12-31",
            errors.DatesBackwardsError,
            None,
            "last",
        ),
        (("schedules", 0, "entered", "until"), "08:00", errors.EmptyTimesError, None, "24:00"),
        (
            ("classes",),
            [{"vehicles": ["large"], "name_zh": "a", "name_en": "a"}] * 2,
            errors.VehicleInTwoClassesError,
            "classes[1].vehicles",
            "take it out",
        ),
        (("rights", 0, "benefit", "until"), "08:00", errors.EmptyTimesError, None, "24:00"),
        (
            ("rights", 0, "benefit", "on"),
            ["never"],
            errors.UnknownDayWordError,
            "rights[0].benefit.on[0]",
            "mon",
        ),
    ],
)
def test_each_mistake_has_its_error_its_key_and_its_mend(
    path: tuple[str | int, ...],
    value: object,
    error: type[errors.TariffError] | None,
    key: str | None,
    mend: str | None,
) -> None:
    document = _changed(path, value)
    if error is None:
        tariff_from_data(document)
        return
    expected = key or _spelled(path)
    with pytest.raises(error) as caught:
        tariff_from_data(document)
    assert caught.value.key == expected
    assert mend is not None
    assert mend in caught.value.reason
    assert expected in [found.key for found in data_mistakes(document)]


def _spelled(path: tuple[str | int, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def test_a_total_rounded_up_may_not_break_a_cap() -> None:
    document = _changed(("caps", "calendar_day_minor"), 4050)
    document["round_total"] = {"to": "yuan", "way": "up"}
    with pytest.raises(errors.RoundingBreaksCapError) as caught:
        tariff_from_data(document)
    assert caught.value.key == "caps.calendar_day_minor"
    document["round_total"]["way"] = "down"
    tariff_from_data(document)


def test_holidays_need_a_calendar() -> None:
    document = _changed(("calendar",), None)
    document["schedules"][0]["on"] = ["holiday"]
    with pytest.raises(errors.UnknownDayWordError, match="china"):
        tariff_from_data(document)


def test_two_rights_of_one_name_are_told() -> None:
    document = tomllib.loads(DOCUMENT)
    document["rights"] *= 2
    with pytest.raises(errors.RightTwiceError):
        tariff_from_data(document)


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = DOCUMENT.replace("version", "edition").replace('"08:00"', '"09:00"', 1)
    text = text.replace("percent = 50", "percent = 50\ncolor = 3\nversion = 3").replace(
        "[caps]", "version = 3\n[caps]"
    )
    data = decode_toml(text)
    lines = toml_lines(text)
    told = {found.key: line_of(lines, found.key) for found in data_mistakes(data)}
    rows = text.split("\n")
    assert set(told) >= {"edition", "classes[0].color", "windows"}
    assert rows[told["edition"] - 1] == "edition = 3"
    assert rows[told["classes[0].color"] - 1] == "color = 3"
    assert rows[told["windows"] - 1] == "[[windows]]"


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("zone", 'zone = "Asia/Shanghai"'),
        ("caps.calendar_day_minor", "calendar_day_minor = 4000"),
        ("windows[0].rate.tiers[1].total_minor", "  { total_minor = 900, up_to_minutes = 120 },"),
        ("windows[1].rate.per", 'rate = { type = "flat", price_minor = 400, per = "visit" }'),
        ("schedules[0].dates.until", "dates = { from = 2026-01-01, until = 2026-12-31 }"),
        (
            "rights[0].benefit.on[0]",
            'benefit = { type = "time", from = "08:00", until = "18:00", on = ["workday"] }',
        ),
        ("classes[0].colours", "[[classes]]"),
    ],
)
def test_a_key_is_found_on_its_line_of_toml(key: str, row: str) -> None:
    assert DOCUMENT.split("\n")[line_of(toml_lines(DOCUMENT), key) - 1] == row


def test_a_key_is_found_on_its_line_of_json() -> None:
    text = '{\n "a": [\n  {"b": "x:\\"y",\n   "c": 1.5}, null\n ],\n "d": {}}'
    lines = json_lines(text)
    assert [line_of(lines, key) for key in ("a", "a[0].b", "a[0].c", "a[1]", "d", "e")] == [
        2, 3, 4, 4, 6, 1,
    ]  # fmt: skip


def test_toml_of_every_shape_is_read_through() -> None:
    rows = (
        'a.b = """x',
        '[not] = a table"""',
        "[c.'d e']  # said",
        "f = ['''y''', 2026-01-01 08:00:00, -1_0]",
        "[[g]]",
        "[[g.h]]",
        "[[g.h]]",
        "i = 1",
        "[[g]]",
        "[g.j]",
        "k = true",
    )
    text = "\n".join(rows)
    tomllib.loads(text)
    lines = toml_lines(text)
    assert [lines[key] for key in ("a.b", "c.d e.f", "g[0].h[1].i", "g[1].j.k")] == [1, 4, 8, 11]


def test_what_is_neither_toml_nor_json_is_told() -> None:
    with pytest.raises(TariffSyntaxError, match="line 1"):
        decode_toml("a = ?")
    with pytest.raises(TariffSyntaxError, match="not JSON"):
        decode_json("{")
    assert decode_json('{"a": 1}') == {"a": 1}


def test_a_wrong_value_is_told_alone() -> None:
    assert [found.key for found in data_mistakes(_changed(("version",), "x"))] == ["version"]


def test_a_file_of_nothing_but_mistakes_is_told_in_part() -> None:
    document = tomllib.loads(DOCUMENT) | {f"key{number}": 1 for number in range(60)}
    assert len(data_mistakes(document)) == 50


def test_a_class_may_not_cap_below_the_minimum() -> None:
    document = _changed(("minimum_minor",), 3500)
    document["classes"][0]["caps"] = {"stay_minor": 3000}
    with pytest.raises(errors.MinimumOverCapError, match="3000"):
        tariff_from_data(document)


@given(st.text("[]{}=:.\"'\n# a1,"))
def test_finding_lines_ends_whatever_the_text(text: str) -> None:
    last = text.count("\n") + 1
    for lines in (toml_lines(text), json_lines(text)):
        assert all(1 <= line <= last for line in lines.values())
