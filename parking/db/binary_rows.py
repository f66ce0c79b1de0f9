"""Rows for COPY in PostgreSQL's binary format, made here rather than value by value in the driver.

asyncpg spends about 0.5 µs on each value of a row; here a row of the hot tables costs a third of
that, because most of its values (lanes, states, instants) were met a moment ago and are remembered
in their encoded form (docs/performance.md). A field is its length, then the bytes of the type's
send function; nothing here converts types, so each column needs the encoder of its own type.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Final
from uuid import UUID

NULL: Final = b"\xff\xff\xff\xff"
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
UUID_LENGTH: Final = (16).to_bytes(4, "big")
length: Final = Struct("!i").pack
"""What stands before the bytes of a field."""
_INTEGER: Final = Struct("!ii").pack
_BIGINT: Final = Struct("!iq").pack
_DOUBLE: Final = Struct("!id").pack
_REMEMBERED: Final = 8_192


def table_of(rows: Iterable[bytes], columns: int) -> bytearray:
    """All that COPY wants to read: rows of that many fields each.

    No `bytes`: asyncpg would take them for the name of a file.
    """
    head = columns.to_bytes(2, "big")
    return bytearray().join([_SIGNATURE, *[head + row for row in rows], _TRAILER])


def text(value: str | None) -> bytes:
    """`text`, `char(n)` or `json`."""
    if value is None:
        return NULL
    data = value.encode()
    return length(len(data)) + data


word = lru_cache(maxsize=_REMEMBERED)(text)
"""`text` for what comes again and again: a lot, a lane, a state."""


def binary(value: bytes) -> bytes:
    """`bytea`; `json` that is encoded already."""
    return length(len(value)) + value


def jsonb(value: bytes | None) -> bytes:
    """`jsonb`, out of encoded JSON."""
    return NULL if value is None else length(len(value) + 1) + b"\x01" + value


def uuid(value: UUID | None) -> bytes:
    """`uuid`."""
    return NULL if value is None else UUID_LENGTH + value.bytes


@lru_cache(maxsize=_REMEMBERED)
def instant(value: datetime | None) -> bytes:
    """`timestamptz`. The instants of one event stand in half a dozen columns."""
    return NULL if value is None else _BIGINT(8, (value - _EPOCH) // _MICROSECOND)


@lru_cache(maxsize=_REMEMBERED)
def day(value: date | None) -> bytes:
    """`date`."""
    return NULL if value is None else _INTEGER(4, value.toordinal() - _EPOCH_DAY)


@lru_cache(maxsize=_REMEMBERED)
def integer(value: int | None) -> bytes:
    """`integer`."""
    return NULL if value is None else _INTEGER(4, value)


@lru_cache(maxsize=_REMEMBERED)
def bigint(value: int | None) -> bytes:
    """`bigint`."""
    return NULL if value is None else _BIGINT(8, value)


def double(value: float | None) -> bytes:
    """`double precision`."""
    return NULL if value is None else _DOUBLE(8, value)


def boolean(value: bool) -> bytes:  # noqa: FBT001 - the value itself
    """`boolean`."""
    return b"\0\0\0\x01\x01" if value else b"\0\0\0\x01\0"
