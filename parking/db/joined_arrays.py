"""Arrays for the hot statements, handed over as one text each.

asyncpg asks of each element of an array whether it is an array itself and then encodes it: about a
microsecond. Joining texts costs a tenth of that, and PostgreSQL takes them apart in as much time as
it needs to read a binary array (docs/performance.md).
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

_SEPARATOR: Final = "\x1f"
"""The unit separator: in no plate, slug, id or number, and JSON writes it as an escape."""
_REMEMBERED: Final = 8_192
_instant = lru_cache(maxsize=_REMEMBERED)(datetime.isoformat)


def joined(values: Iterable[object]) -> str:
    """Values as one text; None becomes NULL. No text among them may be empty."""
    return _SEPARATOR.join(["" if value is None else str(value) for value in values])


def joined_texts(values: Iterable[str | None]) -> str:
    """Texts, none of them empty, as one; None becomes NULL."""
    return _SEPARATOR.join([value or "" for value in values])


def joined_instants(values: Iterable[datetime | None]) -> str:
    """Instants as one text; those of one event stand in several columns."""
    return _SEPARATOR.join(["" if value is None else _instant(value) for value in values])


def array_of(parameter: int, kind: str) -> str:
    """SQL that makes an array of a statement's parameter.

    A single NULL comes out as no element at all: use it inside `unnest` of several arrays, which
    fills the shorter ones up.
    """
    return f"string_to_array(${parameter}::text, E'\\x1f', '')::{kind}[]"
