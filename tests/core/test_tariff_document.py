"""Reading tariffs: each mistake has its own error, and the error names the key."""

import json
import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given

from parking.core import tariff_document as errors
from parking.core.tariff import Tariff
from parking.core.tariff_document import (
    data_mistakes,
    read_tariff_json,
    read_tariff_toml,
    tariff_from_data,
)
from tests.core.tariffs import tariff_documents

DOCUMENT = """
tariff_id = "lakeside"
version = 3
name_zh = "湖滨"
name_en = "Lakeside"
zone = "Asia/Shanghai"

[free]
minutes = 15

[caps]
calendar_day_minor = 4000

[[windows]]
from = "08:00"
until = "20:00"
[windows.rate]
type = "units"
steps = [
  { price_minor = 500, unit_minutes = 30, lasts_minutes = 60 },
  { price_minor = 600, unit_minutes = 30 },
]

[[windows]]
from = "20:00"
until = "08:00"
rate = { type = "flat", price_minor = 400, per = "visit" }

[[classes]]
colours = ["green"]
name_zh = "新能源"
name_en = "new-energy"
percent = 50
"""


def data() -> Any:
    return tomllib.loads(DOCUMENT)


def test_toml_json_and_data_say_the_same() -> None:
    rates = read_tariff_toml(DOCUMENT)
    assert read_tariff_json(json.dumps(data())) == rates
    assert tariff_from_data(data()) == rates


@given(tariff_documents())
def test_a_tariff_survives_being_written_and_read(rates: Tariff) -> None:
    assert read_tariff_json(msgspec.json.encode(rates)) == rates


def _set(path: tuple[str | int, ...], value: object) -> Any:
    document = data()
    *parents, last = path
    place = document
    for key in parents:
        place = place[key]
    place[last] = value
    return document


STEP = ("windows", 0, "rate", "steps")


@pytest.mark.parametrize(
    ("path", "value", "error", "key"),
    [
        (("zone",), "Asia/Hangzhou", errors.UnknownZoneError, "zone"),
        (("zone",), "../etc/passwd", errors.UnknownZoneError, "zone"),
        (("version",), 0, errors.TariffShapeError, "version"),
        (("version",), "3", errors.TariffShapeError, "version"),
        (("tariff_id",), "Lake Side", errors.TariffShapeError, "tariff_id"),
        (("currency",), "yuan", errors.TariffShapeError, "currency"),
        (("discount",), 5, errors.TariffShapeError, "discount"),
        (("free", "minute"), 5, errors.TariffShapeError, "free.minute"),
        (("free", "minutes"), 2.5, errors.TariffShapeError, "free.minutes"),
        (("caps", "calendar_day_minor"), -1, errors.TariffShapeError, "caps.calendar_day_minor"),
        (("windows",), [], errors.WindowsLeaveGapError, "windows"),
        (("windows", 1, "until"), "07:00", errors.WindowsLeaveGapError, "windows"),
        (("windows", 1, "from"), "21:00", errors.WindowsLeaveGapError, "windows"),
        (("windows", 1, "from"), "19:00", errors.WindowsOverlapError, "windows[1]"),
        (("windows", 1, "from"), "24:00", errors.WindowTimesError, "windows[1].from"),
        (("windows", 1, "until"), "20:00", errors.WindowTimesError, "windows[1].until"),
        (("windows", 1, "until"), "8:00", errors.TariffShapeError, "windows[1].until"),
        (("windows", 1, "rate", "type"), "barter", errors.TariffShapeError, "windows[1].rate.type"),
        (STEP, [], errors.NoStepsError, "windows[0].rate.steps"),
        (
            (*STEP, 1, "lasts_minutes"),
            60,
            errors.LastStepEndsError,
            "windows[0].rate.steps[1].lasts_minutes",
        ),
        (
            (*STEP, 0),
            {"price_minor": 1, "unit_minutes": 30},
            errors.StepNeverEndsError,
            "windows[0].rate.steps[0].lasts_minutes",
        ),
        (
            (*STEP, 0, "lasts_minutes"),
            45,
            errors.StepNotWholeUnitsError,
            "windows[0].rate.steps[0].lasts_minutes",
        ),
        (("classes", 0, "colours"), [], errors.ClassWithoutColoursError, "classes[0].colours"),
        (("classes", 0, "colours"), ["pink"], errors.TariffShapeError, "classes[0].colours[0]"),
        (("classes", 0, "windows"), [], errors.WindowsLeaveGapError, "classes[0].windows"),
        (
            ("classes",),
            [{"colours": ["green"], "name_zh": "绿", "name_en": "green"}] * 2,
            errors.ColourInTwoClassesError,
            "classes[1].colours",
        ),
    ],
)
def test_each_mistake_has_its_error_and_names_its_key(
    path: tuple[str | int, ...], value: object, error: type[errors.TariffError], key: str
) -> None:
    with pytest.raises(error) as caught:
        tariff_from_data(_set(path, value))
    assert caught.value.key == key
    assert key in str(caught.value)
    with pytest.raises(error):
        read_tariff_json(json.dumps(_set(path, value)))
    assert key in [found.key for found in data_mistakes(_set(path, value))]


def test_what_is_missing_is_named() -> None:
    document = data()
    del document["windows"][0]["rate"]["steps"][0]["price_minor"]
    with pytest.raises(errors.TariffShapeError) as caught:
        tariff_from_data(document)
    assert caught.value.key == "windows[0].rate.steps[0].price_minor"


NESTED = '{"windows": [{"rate": {"steps": ' + "[" * 100_000


@pytest.mark.parametrize("text", ["", "{", '{"tariff_id": "a"', "\x00", NESTED], ids=range(5))
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(errors.TariffSyntaxError, match="not JSON"):
        read_tariff_json(text)


def test_what_is_no_toml_is_told() -> None:
    with pytest.raises(errors.TariffSyntaxError, match="not TOML"):
        read_tariff_toml("tariff_id = ")
    with pytest.raises(errors.TariffSyntaxError, match="not TOML"):
        read_tariff_toml(f"version = {'9' * 5000}")
    with pytest.raises(errors.TariffShapeError):
        read_tariff_toml("")
