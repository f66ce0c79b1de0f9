"""What we encode ourselves for PostgreSQL is what PostgreSQL reads: each type of the hot tables."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from parking.db import binary_rows
from parking.db.joined_arrays import array_of, joined, joined_instants

pytestmark = pytest.mark.anyio

_TYPES: dict[str, Callable[[Any], bytes]] = {
    "uuid": binary_rows.uuid,
    "text": binary_rows.text,
    "timestamptz": binary_rows.instant,
    "date": binary_rows.day,
    "integer": binary_rows.integer,
    "bigint": binary_rows.bigint,
    "double precision": binary_rows.double,
    "boolean": binary_rows.boolean,
    "bytea": binary_rows.binary,
    "jsonb": binary_rows.jsonb,
}
_ALWAYS = {"boolean", "bytea"}
"""Their columns are never null."""
_EDGES: dict[str, list[Any]] = {
    "uuid": [UUID(int=0), UUID(int=2**128 - 1)],
    "text": ["浙A8B762", "\\", "\t\n", "'\"{},", "x" * 5_000],
    "timestamptz": [
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 11, 23, 8, tzinfo=UTC).astimezone(),
    ],
    "date": [date(1999, 12, 31), date(2000, 1, 1), date(2028, 2, 29)],
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "bigint": [0, -1, 2**63 - 1, -(2**63)],
    "double precision": [0.0, -0.0, 0.1, 1e-300],
    "boolean": [True, False],
    "bytea": [b"", bytes(range(256))],
    "jsonb": [msgspec.json.encode([{"text": '沪\n\\"', "confidence": 0.5}]), b"[]"],
}


def _rows(seed: int, count: int) -> list[tuple[Any, ...]]:
    rng = random.Random(seed)
    return [tuple(_value(rng, kind) for kind in _TYPES) for _ in range(count)]


def _value(rng: random.Random, kind: str) -> Any:
    if kind not in _ALWAYS and rng.random() < 0.2:
        return None
    if kind == "uuid" and rng.random() < 0.7:
        return UUID(int=rng.getrandbits(128))
    if kind == "timestamptz" and rng.random() < 0.7:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return at + timedelta(microseconds=rng.randrange(-(10**15), 10**15))
    return rng.choice(_EDGES[kind])


async def test_copied_rows_come_back_as_they_were(database_url: str) -> None:
    names = [f"c{number}" for number in range(len(_TYPES))]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, _TYPES, strict=True))
    rows = _rows(seed=20, count=400)
    encoded = [
        b"".join(encode(value) for encode, value in zip(_TYPES.values(), row, strict=True))
        for row in rows
    ]
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"create temp table wire (at serial, {columns})")
        await connection.copy_to_table(
            "wire", columns=names, source=binary_rows.table_of(encoded, len(names)), format="binary"
        )
        found = await connection.fetch(f"select {', '.join(names)} from wire order by at")  # noqa: S608
    finally:
        await connection.close()
    jsonb = list(_TYPES).index("jsonb")
    for row, back in zip(rows, found, strict=True):
        expected, got = list(row), list(back)
        for side in (expected, got):
            side[jsonb] = None if side[jsonb] is None else msgspec.json.decode(side[jsonb])
        assert got == expected


async def test_joined_columns_come_back_as_they_were(database_url: str) -> None:
    kinds = ("uuid", "timestamptz", "integer", "boolean", "json", "text")
    rows = [
        (row[0], row[2], row[4], row[7], None if row[9] is None else row[9].decode(), "浙A8B762")
        for row in _rows(seed=21, count=200)
    ]
    arrays = ", ".join(array_of(number, kind) for number, kind in enumerate(kinds, 1))
    connection = await asyncpg.connect(database_url)
    try:
        for asked in (rows, rows[:1], [(None,) * 5 + ("a",)], []):
            columns = list(zip(*asked, strict=True)) or [()] * len(kinds)
            texts = [
                joined_instants(column) if kind == "timestamptz" else joined(column)
                for kind, column in zip(kinds, columns, strict=True)
            ]
            found = await connection.fetch(f"select * from unnest({arrays})", *texts)  # noqa: S608
            assert [tuple(row) for row in found] == asked
    finally:
        await connection.close()
