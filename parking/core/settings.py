"""Settings: one typed struct per program, filled from a TOML document and the environment.

A program declares its settings as a msgspec Struct whose fields say what they mean, in which unit
and within which bounds:

    class Serving(Struct, frozen=True, kw_only=True):
        port: Annotated[int, setting("Where the API listens", ge=1, le=65535)] = 8000

A field that is itself a Struct is a table in TOML (`[serving]`) and a word in the name of an
environment variable (`PARKING_SERVING_PORT`). The environment wins over TOML. Pure: reading the
file and the environment is the program's own business.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from parking.core.errors import DomainError
from parking.core.secret import Secret
from parking.core.settings_fields import FieldShape, SettingField, render_table, setting, walk

__all__ = [
    "MissingSettingError",
    "Secret",
    "SettingField",
    "SettingsError",
    "UnknownSettingError",
    "WrongSettingError",
    "decode",
    "render_table",
    "setting",
    "walk",
]

T = TypeVar("T", bound=msgspec.Struct)
_Path = tuple[str, ...]


class SettingsError(DomainError):
    """The configuration cannot be used as it stands."""


class UnknownSettingError(SettingsError):
    """A key or variable that no setting has: most likely a slip of the pen."""

    def __init__(self, name: str, nearest: str | None) -> None:
        hint = "" if nearest is None else f"; did you mean {nearest}?"
        super().__init__(f"{name} is not a setting{hint}")
        self.name = name
        self.nearest = nearest


class WrongSettingError(SettingsError):
    """A value of the wrong kind or out of bounds."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class MissingSettingError(SettingsError):
    """A value that has no default was not given."""

    def __init__(self, key: str, variable: str | None) -> None:
        ways = f"{key} in TOML" if variable is None else f"{key} in TOML or {variable}"
        super().__init__(f"a setting is missing: set {ways}")
        self.key = key
        self.variable = variable


def decode(
    settings_type: type[T],
    *,
    toml: Mapping[str, object],
    environ: Mapping[str, str],
    prefix: str,
    other_variables: Collection[str] = (),
) -> T:
    """Fill a settings struct.

    `prefix` begins every environment variable (`PARKING`); `other_variables` are names with that
    prefix which the program reads itself. Raises UnknownSettingError, WrongSettingError or
    MissingSettingError, each naming the TOML key or the variable it is about.
    """
    fields = walk(settings_type, prefix=prefix)
    known = {field.variable for field in fields if field.variable is not None}
    for name in environ:
        if name.startswith(f"{prefix}_") and name not in known and name not in other_variables:
            raise UnknownSettingError(name, _nearest(name, known))
    return _Decoder(environ=environ, prefix=prefix).table(settings_type, toml, ())


class _Decoder(msgspec.Struct, frozen=True, kw_only=True):
    environ: Mapping[str, str]
    prefix: str

    def table(self, table_type: type[T], toml: Mapping[str, object], path: _Path) -> T:
        """Fill one table and the tables inside it."""
        fields = msgspec.structs.fields(table_type)
        _refuse_unknown_keys(toml, {field.name for field in fields}, path)
        values: dict[str, Any] = {}
        for field in fields:
            here = (*path, field.name)
            shape = FieldShape.of(field.type)
            variable = shape.variable(prefix=self.prefix, path=here)
            if shape.table is not None:
                inner = _as_table(toml.get(field.name, {}), here)
                values[field.name] = self.table(shape.table, inner, here)
            elif variable is not None and variable in self.environ:
                values[field.name] = _from_text(self.environ[variable], field.type, variable)
            elif field.name in toml:
                values[field.name] = _from_toml(toml[field.name], field.type, here)
            elif field.required:
                raise MissingSettingError(".".join(here), variable)
        try:
            return table_type(**values)
        except ValueError as error:  # what the struct's own __post_init__ refuses
            raise WrongSettingError(".".join(path) or "settings", str(error)) from None


def _refuse_unknown_keys(toml: Mapping[str, object], known: Collection[str], path: _Path) -> None:
    for name in toml:
        if name not in known:
            nearest = _nearest(name, known)
            shown = None if nearest is None else ".".join((*path, nearest))
            raise UnknownSettingError(".".join((*path, name)), shown)


def _as_table(value: object, path: _Path) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise WrongSettingError(".".join(path), "expected a table of settings")
    return cast("Mapping[str, object]", value)


def _from_text(text: str, annotation: object, variable: str) -> object:
    """Convert an environment variable; a list is written with commas."""
    value: object = text
    if FieldShape.of(annotation).is_list:
        value = [part.strip() for part in text.split(",") if part.strip()]
    return _convert(value, annotation, variable, strict=False)


def _from_toml(value: object, annotation: object, path: _Path) -> object:
    element = FieldShape.of(annotation).table_element
    if element is not None and isinstance(value, list):
        value = cast("list[object]", value)
        known = {field.name for field in msgspec.structs.fields(element)}
        for index, table in enumerate(value):
            here = (*path[:-1], f"{path[-1]}[{index}]")
            _refuse_unknown_keys(_as_table(table, here), known, here)
    return _convert(value, annotation, ".".join(path), strict=True)


def _convert(value: object, annotation: object, source: str, *, strict: bool) -> object:
    try:
        return msgspec.convert(value, cast("Any", annotation), strict=strict, dec_hook=_dec_hook)
    except msgspec.ValidationError as error:
        reason = str(error)
        raise WrongSettingError(source, reason[:1].lower() + reason[1:]) from None


def _dec_hook(wanted: type[Any], value: object) -> object:
    if wanted in {Secret, Path} and isinstance(value, str):
        return wanted(value)
    msg = f"expected text, got {type(value).__name__}"
    raise TypeError(msg)


def _nearest(name: str, known: Collection[str]) -> str | None:
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=0.6)), None)
