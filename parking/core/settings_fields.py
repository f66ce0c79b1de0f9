"""What a settings struct consists of: its fields, their kinds, units, defaults and names."""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec

from parking.core.secret import Secret

_LISTS = (tuple, list, frozenset)
_KINDS: Mapping[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    Secret: "secret",
}


def setting(
    description: str, *, unit: str = "", env: str | None = None, **bounds: float | str
) -> msgspec.Meta:
    """Describe a field for `Annotated`: what it means, its unit, its bounds.

    `env` names an environment variable by a name of its own, such as DATABASE_URL. `bounds` are
    those of msgspec.Meta: ge, gt, le, lt, multiple_of, pattern, min_length, max_length.
    """
    options: dict[str, Any] = {**bounds, "extra": {"unit": unit, "env": env}}
    return msgspec.Meta(description=description, **options)


class FieldShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a field's annotation says, with `Annotated` and `| None` taken off."""

    bare: Any
    meta: msgspec.Meta | None

    @classmethod
    def of(cls, annotation: object) -> "FieldShape":
        """Read an annotation."""
        bare, meta = annotation, None
        if get_origin(bare) is Annotated:
            bare, *notes = get_args(bare)
            meta = next((note for note in notes if isinstance(note, msgspec.Meta)), None)
        if get_origin(bare) in {Union, UnionType}:
            some = [option for option in get_args(bare) if option is not NoneType]
            if len(some) == 1:
                inner = cls.of(some[0])
                return cls(bare=inner.bare, meta=meta or inner.meta)
        return cls(bare=bare, meta=meta)

    @property
    def table(self) -> type[msgspec.Struct] | None:
        """The struct, where the field is a table of its own."""
        return _struct(self.bare)

    @property
    def is_list(self) -> bool:
        """Whether it holds several values, which a variable separates by commas."""
        return get_origin(self.bare) in _LISTS

    @property
    def table_element(self) -> type[msgspec.Struct] | None:
        """The struct, where the field is a list of tables, which only TOML can say."""
        return _struct(get_args(self.bare)[0]) if self.is_list else None

    def told(self, name: str) -> str | None:
        """What `setting` was told under a name of ours."""
        extra = None if self.meta is None else self.meta.extra
        told = None if extra is None else extra.get(name)
        return told if isinstance(told, str) else None

    def variable(self, *, prefix: str, path: tuple[str, ...]) -> str | None:
        """The environment variable that sets it, if one can."""
        own = self.told("env")
        if own is not None:
            return own
        if self.table_element is not None or get_origin(self.bare) is dict:
            return None
        return "_".join((prefix, *path)).upper()

    def kind(self) -> str:
        """Its kind in words."""
        choices = _choices(self.bare)
        if choices:
            return " or ".join(f"`{choice}`" for choice in choices)
        element = self.table_element
        if element is not None:
            names = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(element))
            return f"list of tables ({names})"
        if self.is_list:
            return f"list of {FieldShape.of(get_args(self.bare)[0]).kind()}"
        return _KINDS.get(self.bare, str(self.bare))


class SettingField(msgspec.Struct, frozen=True, kw_only=True):
    """One value that a person may set."""

    key: str
    """Its place in TOML: `serving.port`."""
    variable: str | None
    """Its environment variable; None for lists of tables, which only TOML can say."""
    kind: str
    default: str | None
    """As TOML would write it; None when it must be given."""
    unit: str
    description: str


def walk(
    settings_type: type[msgspec.Struct], *, prefix: str, path: tuple[str, ...] = ()
) -> Iterator[SettingField]:
    """List every value of a settings struct, tables opened, in the order of the fields."""
    for field in msgspec.structs.fields(settings_type):
        shape = FieldShape.of(field.type)
        here = (*path, field.name)
        if shape.table is not None:
            yield from walk(shape.table, prefix=prefix, path=here)
            continue
        yield SettingField(
            key=".".join(here),
            variable=shape.variable(prefix=prefix, path=here),
            kind=shape.kind(),
            default=_default_text(field),
            unit=shape.told("unit") or "",
            description=(shape.meta.description if shape.meta is not None else None) or "",
        )
        if shape.table_element is not None:
            for inner in walk(shape.table_element, prefix=prefix, path=(*path, f"{field.name}[]")):
                yield msgspec.structs.replace(inner, variable=None)


def render_table(settings_type: type[msgspec.Struct], *, prefix: str) -> str:
    """Write the documentation of a settings struct as a Markdown table."""
    rows = [
        "| TOML key | environment | kind | default | unit | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for field in walk(settings_type, prefix=prefix):
        variable = "" if field.variable is None else f"`{field.variable}`"
        default = "must be set" if field.default is None else f"`{field.default}`"
        cells = (f"`{field.key}`", variable, field.kind, default, field.unit, field.description)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _struct(bare: object) -> type[msgspec.Struct] | None:
    return bare if isinstance(bare, type) and issubclass(bare, msgspec.Struct) else None


def _choices(bare: object) -> list[str]:
    if not isinstance(bare, type) or not issubclass(bare, Enum):
        return []
    return [str(member.value) for member in bare]


def _default_text(field: msgspec.structs.FieldInfo) -> str | None:
    if field.required:
        return None
    if field.default is msgspec.NODEFAULT:
        return _as_toml(field.default_factory())
    return _as_toml(field.default)


def _as_toml(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Enum):
        return _as_toml(value.value)
    if isinstance(value, (Path, Secret)):
        return f'"{value}"' if value else '""'
    if isinstance(value, _LISTS):
        return f"[{', '.join(_as_toml(part) for part in cast('tuple[object]', value))}]"
    return msgspec.json.encode(value).decode()
