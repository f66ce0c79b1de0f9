"""Reading tariff documents, TOML or JSON: strictly, and as a whole.

Every error names the key to mend, as `windows[1].rate.steps[0].lasts_minutes`, and how. The checks
that span keys are in tariff_checks.
"""

import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import msgspec

from parking.core.tariff import Tariff
from parking.core.tariff_checks import MINUTES_OF_DAY, minute_of_day, tariff_mistakes
from parking.core.tariff_errors import (
    ClassWithoutColoursError,
    ColourInTwoClassesError,
    LastStepEndsError,
    NoStepsError,
    NoVersionsError,
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
from parking.core.tariff_shape import shape_error
from parking.core.tariff_version_checks import version_mistakes

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
    "tariffs_from_data",
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
        raise shape_error(error) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from error


def tariff_from_data(data: object) -> Tariff:
    """Build and check a tariff from decoded data (a mapping). Raises a TariffError."""
    try:
        return check_tariff(msgspec.convert(data, Tariff))
    except msgspec.ValidationError as error:
        raise shape_error(error) from error


def check_tariff(tariff: Tariff) -> Tariff:
    """Hold a tariff to the rules that span keys; answer it. Raises the first TariffError."""
    for mistake in tariff_mistakes(tariff):
        raise mistake
    return tariff


def decode_toml(text: str) -> dict[str, Any]:
    """Decode TOML of any shape. Raises TariffSyntaxError."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits are ValueErrors
        raise TariffSyntaxError(key="", reason=f"not TOML: {error}") from error


def decode_json(text: str) -> Any:  # noqa: ANN401 - any shape
    """Decode JSON of any shape. Raises TariffSyntaxError."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from error


def tariffs_from_data(data: Any) -> tuple[Tariff, ...]:  # noqa: ANN401 - any shape
    """Build the versions of a tariff from a decoded document: one, or those it lists.

    Keys beside `versions` hold for all of them, where they do not say otherwise. Raises the first
    TariffError.
    """
    if not _lists_versions(data):
        return (tariff_from_data(data),)
    versions = tuple(_convert(each, f"versions[{n}]") for n, each in enumerate(_versions(data)))
    for number, each in enumerate(versions):
        for mistake in tariff_mistakes(each):
            raise _within(mistake, f"versions[{number}]")
    for mistake in version_mistakes(versions):
        raise mistake
    return versions


def data_mistakes(data: Any) -> list[TariffError]:  # noqa: ANN401 - any shape
    """Find every mistake that can be told apart; empty where the document is in order.

    Unknown keys are told and set aside. After the first value of a wrong type or range no more is
    told of that version, for nothing that depends on it can be judged. `data` loses its unknown
    keys.
    """
    if not _lists_versions(data):
        return _mistakes_of(data)[1]
    try:
        documents = _versions(data)
    except TariffError as error:
        return [error]
    mistakes: list[TariffError] = []
    read: list[Tariff] = []
    for number, document in enumerate(documents):
        version, found = _mistakes_of(document)
        mistakes += [_within(each, f"versions[{number}]") for each in found]
        read += [version] if version is not None else []
    if len(read) == len(documents):
        mistakes += version_mistakes(read)
    return mistakes[:_MISTAKES_MAX]


def _mistakes_of(data: Any) -> tuple[Tariff | None, list[TariffError]]:  # noqa: ANN401 - any shape
    mistakes: list[TariffError] = []
    while len(mistakes) < _MISTAKES_MAX:
        try:
            tariff = msgspec.convert(data, Tariff)
        except msgspec.ValidationError as error:
            mistake = shape_error(error)
            mistakes.append(mistake)
            if "unknown field" not in mistake.reason:
                break
            _remove(data, mistake.key)
        else:
            mistakes.extend(tariff_mistakes(tariff))
            return tariff, mistakes
    return None, mistakes


def _lists_versions(data: Any) -> bool:  # noqa: ANN401 - any shape
    return isinstance(data, dict) and "versions" in data


def _versions(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Each version with the keys that hold for all of them."""
    try:
        listed = msgspec.convert(data["versions"], list[dict[str, Any]])
    except msgspec.ValidationError:
        reason = "write each version as a table: [[versions]]"
        raise TariffShapeError(key="versions", reason=reason) from None
    if not listed:
        reason = "there is none; write one as [[versions]], or its keys without"
        raise NoVersionsError(key="versions", reason=reason)
    common = {key: value for key, value in data.items() if key != "versions"}
    return [{**deepcopy(common), **each} for each in listed]


def _convert(data: dict[str, Any], where: str) -> Tariff:
    try:
        return msgspec.convert(data, Tariff)
    except msgspec.ValidationError as error:
        raise _within(shape_error(error), where) from error


def _within(mistake: TariffError, where: str) -> TariffError:
    return type(mistake)(key=f"{where}.{mistake.key}", reason=mistake.reason)


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
