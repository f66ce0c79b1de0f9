"""What a value of the wrong shape should be instead, in words for whoever edits the tariff."""

import re
from difflib import get_close_matches
from functools import cache
from typing import Final

import msgspec

from parking.core.tariff import Tariff
from parking.core.tariff_errors import TariffShapeError

_OF_PATTERN: Final = (
    ("24:00", "write a time as 08:00, or 24:00 for the end of the day"),
    ("(0[1-9]|1[0-2])-", "write a day of the year as MM-DD: 04-01"),
    ("[A-Z]{3}", "write three capital letters: CNY"),
    ("[a-z][a-z0-9_]", "write a kind of day: sat, rest_day, spring_festival"),
    ("", "write small letters, digits and hyphens: west-lake"),
)
_MENDS: Final = (
    (r">= (-?\d+)", "write {0} or more"),
    (r"<= (-?\d+)", "write {0} or less"),
    (r"Expected `int`", "write a whole number: minutes, or minor units (5.00 is 500)"),
    (r"Expected `date`", "write a day as 2026-07-01"),
    (r"Expected `bool`", "write true or false"),
    (r"Expected `array`", "write a list: [ ]"),
    (r"Expected `object`", "write a table: {{ }}"),
    (r"Expected `str`", "write a text in quotes"),
    (r"missing required field", "write it"),
)


def shape_error(error: msgspec.ValidationError) -> TariffShapeError:
    """Split msgspec's message `… - at `$.windows[0].from`` into reason and key; add the mend."""
    reason, _, path = str(error).partition(" - at ")
    key = path.strip("`").removeprefix("$").removeprefix(".")
    named = re.search(r"(required|unknown) field `(\w+)`", reason)
    if named is not None:
        key = f"{key}.{named[2]}" if key else named[2]
        if named[1] == "unknown":
            return TariffShapeError(key=key, reason=f"{reason}; {_mend_of_unknown(named[2])}")
    mend = _mend(reason)
    if "matching regex" in reason:
        reason = "not of the form that it should have"
    return TariffShapeError(key=key, reason=f"{reason}; {mend}")


def _mend(reason: str) -> str:
    if "matching regex" in reason:
        return next(mend for mark, mend in _OF_PATTERN if mark in reason)  # the last fits all
    for pattern, mend in _MENDS:
        found = re.search(pattern, reason)
        if found is not None:
            return mend.format(*found.groups())
    return "docs/tariffs.md lists what may stand here"


def _mend_of_unknown(name: str) -> str:
    near = get_close_matches(name, _keys(), n=1)
    return f"did you mean {near[0]}?" if near else "take it out; docs/tariffs.md lists the keys"


@cache
def _keys() -> tuple[str, ...]:
    """Every key that a tariff document may have, at any depth."""
    found: set[str] = set()
    schema = msgspec.json.schema(Tariff)
    for definition in schema["$defs"].values():
        found.update(definition.get("properties", {}))
    return tuple(sorted(found))
