"""Reading tariff documents, TOML or JSON: strictly, and as a whole.

Every error names the key to mend, as `windows[1].rate.steps[0].lasts_minutes`, and how. The checks
that span keys are in tariff_checks.
"""

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

import msgspec

from parking.core.tariff import Tariff
from parking.core.tariff_checks import MINUTES_OF_DAY, minute_of_day, tariff_mistakes
from parking.core.tariff_errors import (
    ClassWithoutColoursError,
    ColourInTwoClassesError,
    LastStepEndsError,
    NoStepsError,
    StepNeverEndsError,
    StepNotWholeUnitsError,
    TariffError,
    TariffShapeError,
    TariffSyntaxError,
    UnknownZoneError,
    WindowsLeaveGapError,
    WindowsOverlapError,
    WindowTimesError,
)

__all__ = [
    "MINUTES_OF_DAY",
    "ClassWithoutColoursError",
    "ColourInTwoClassesError",
    "LastStepEndsError",
    "NoStepsError",
    "StepNeverEndsError",
    "StepNotWholeUnitsError",
    "TariffError",
    "TariffShapeError",
    "TariffSyntaxError",
    "UnknownZoneError",
    "WindowTimesError",
    "WindowsLeaveGapError",
    "WindowsOverlapError",
    "check_tariff",
    "data_mistakes",
    "decode_json",
    "decode_toml",
    "minute_of_day",
    "read_tariff_json",
    "read_tariff_toml",
    "tariff_from_data",
]

_MISTAKES_MAX: Final = 50


def read_tariff_toml(text: str) -> Tariff:
    """Decode and check a tariff written as TOML. Raises a TariffError that names the key."""
    return tariff_from_data(decode_toml(text))


def read_tariff_json(data: bytes | str) -> Tariff:
    """Decode and check a tariff written as JSON. Raises a TariffError that names the key."""
    try:
        return check_tariff(msgspec.json.decode(data, type=Tariff))
    except msgspec.ValidationError as error:
        raise _shape_error(error) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from error


def tariff_from_data(data: object) -> Tariff:
    """Build and check a tariff from decoded data (a mapping). Raises a TariffError."""
    try:
        return check_tariff(msgspec.convert(data, Tariff))
    except msgspec.ValidationError as error:
        raise _shape_error(error) from error


def check_tariff(tariff: Tariff) -> Tariff:
    """Hold a tariff to the rules that span keys; answer it. Raises the first TariffError."""
    for mistake in tariff_mistakes(tariff):
        raise mistake
    return tariff


def decode_toml(text: str) -> dict[str, Any]:
    """Decode TOML of any shape. Raises TariffSyntaxError."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TariffSyntaxError(key="", reason=f"not TOML: {error}") from error


def decode_json(text: str) -> Any:  # noqa: ANN401 - any shape
    """Decode JSON of any shape. Raises TariffSyntaxError."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from error


def data_mistakes(data: Any) -> list[TariffError]:  # noqa: ANN401 - any shape
    """Find every mistake that can be told apart; empty where the tariff is in order.

    Unknown keys are told and set aside. After the first value of a wrong type or range no more is
    told, for nothing that depends on it can be judged. `data` loses its unknown keys.
    """
    mistakes: list[TariffError] = []
    while len(mistakes) < _MISTAKES_MAX:
        try:
            tariff = msgspec.convert(data, Tariff)
        except msgspec.ValidationError as error:
            mistake = _shape_error(error)
            mistakes.append(mistake)
            if "unknown field" not in mistake.reason:
                break
            _remove(data, mistake.key)
        else:
            mistakes.extend(tariff_mistakes(tariff))
            break
    return mistakes


def _remove(data: Any, key: str) -> None:  # noqa: ANN401 - any shape
    *parents, last = _parts(key)
    for part in parents:
        data = data[part]
    del data[last]


def _parts(key: str) -> Iterator[str | int]:
    """Take a key apart: `windows[1].rate` is windows, 1, rate."""
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        yield name or int(index)


def _not_json(error: Exception) -> TariffSyntaxError:
    return TariffSyntaxError(key="", reason=f"not JSON: {error}")


def _shape_error(error: msgspec.ValidationError) -> TariffShapeError:
    """Split msgspec's message `… - at `$.windows[0].from`` into reason and key."""
    reason, _, path = str(error).partition(" - at ")
    key = path.strip("`").removeprefix("$").removeprefix(".")
    named = re.search(r"(required|unknown) field `(\w+)`", reason)
    if named is not None:
        key = f"{key}.{named[2]}" if key else named[2]
        if named[1] == "unknown":
            reason += f"; {_mend_of_unknown(named[2])}"
    return TariffShapeError(key=key, reason=reason)


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
