"""Stripe's form bodies: `card[number]=…`, `expand[]=…` and `items[0][price]=…` as nested data."""

import re
from typing import TypeAlias
from urllib.parse import parse_qsl

from gateway_sim.payments.errors import InvalidRequestError

FormValue: TypeAlias = "str | list[FormValue] | dict[str, FormValue]"
FIELDS_MAX = 1000
DEPTH_MAX = 8
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_PART = re.compile(r"\[([^\[\]]*)\]")


class _Branch(dict[str, "str | _Branch"]):
    """A level under construction; lists are branches whose keys are all positions."""


def decode_form(text: str) -> dict[str, FormValue]:
    """Decode a form body or a query string.

    Raises InvalidRequestError when a key is malformed or used both as value and as parent.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as error:
        msg = "Invalid form encoding of the request's parameters."
        raise InvalidRequestError(msg) from error
    root = _Branch()
    for key, value in pairs:
        _place(root, _parts(key), value, key)
    return {key: _finish(value) for key, value in root.items()}


def _parts(key: str) -> list[str]:
    matched = _KEY.match(key)
    parts = [matched[1], *_PART.findall(matched[2])] if matched else []
    if not 1 <= len(parts) <= DEPTH_MAX:
        msg = f"Invalid parameter name: {key[:80]}"
        raise InvalidRequestError(msg)
    return parts


def _place(branch: _Branch, parts: list[str], value: str, key: str) -> None:
    *parents, last = parts
    for part in parents:
        below = branch.setdefault(part or str(len(branch)), _Branch())
        if isinstance(below, str):
            raise _mixed(key)
        branch = below
    if isinstance(branch.get(last), _Branch):
        raise _mixed(key)
    branch[last or str(len(branch))] = value


def _mixed(key: str) -> InvalidRequestError:
    return InvalidRequestError(f"Parameter used both as a value and as a parent: {key[:80]}")


def _finish(value: "str | _Branch") -> FormValue:
    if isinstance(value, str):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_finish(value[key]) for key in sorted(value, key=int)]
    return {key: _finish(below) for key, below in value.items()}
