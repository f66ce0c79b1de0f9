"""One write for all stays and messages of a transaction, and what that does to reviews."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from parking.core.ids import EventId, LotId, StayId
from parking.core.plate import Plate
from parking.db.binary_rows import (
    bigint,
    binary,
    boolean,
    day,
    instant,
    integer,
    table_of,
    text,
    uuid,
    word,
)
from parking.db.joined_arrays import array_of, joined, joined_instants
from parking.db.pool import Connection
from parking.db.stays import StayRow
from parking.messages import Message

# What may change about a stay, as `_values` says it: column, type, how COPY wants it.
_CHANGING: Final[tuple[tuple[str, str, Callable[[Any], bytes]], ...]] = (
    ("stay_id", "uuid", uuid),
    ("plate", "text", word),
    ("colour", "text", word),
    ("state", "text", word),
    ("dissolved", "boolean", boolean),
    ("entered_at", "timestamptz", instant),
    ("left_at", "timestamptz", instant),
    ("entry_event_id", "uuid", uuid),
    ("exit_event_id", "uuid", uuid),
    ("entry_lane_id", "text", word),
    ("exit_lane_id", "text", word),
    ("last_seen_at", "timestamptz", instant),
    ("tariff_version", "integer", integer),
    ("fee", "json", text),
    ("fee_minor", "bigint", bigint),
    ("currency", "text", word),
    ("business_date", "date", day),
    ("chargeable_from", "timestamptz", instant),
    ("revision", "integer", integer),
    ("reentry_of", "uuid", uuid),
    ("drive_through", "boolean", boolean),
)
_ENCODERS: Final = tuple(encode for _, _, encode in _CHANGING)
_JOINERS: Final = tuple(
    joined_instants if kind == "timestamptz" else joined for _, kind, _ in _CHANGING
)
_BEGINNING: Final = frozenset(
    ("plate", "dissolved", "entered_at", "entry_event_id", "entry_lane_id", "reentry_of")
)
"""What no exit changes."""
_ALL: Final = tuple(range(len(_CHANGING)))
_END: Final = tuple(n for n in _ALL if _CHANGING[n][0] not in _BEGINNING)
_INSERTED: Final = (
    *(name for name, _, _ in _CHANGING),
    "lot_id",
    "trace_id",
    "tariff_id",
    "updated_at",
)


def _change_of(columns: Sequence[int]) -> str:
    """SQL that changes these of `_CHANGING`, the first of which is the stay's id.

    A review whose matter was settled by the facts is taken off the pending list.
    """
    names = [_CHANGING[n][0] for n in columns]
    arrays = [array_of(place, _CHANGING[n][1]) for place, n in enumerate(columns, 1)]
    exits, entries, now = (len(columns) + more for more in (1, 2, 3))
    return f"""
with settled as materialized (
  select {array_of(exits, "uuid")} as exits, {array_of(entries, "uuid")} as entries
), changed as (
  update parking.stay s set
    {", ".join(f"{name} = n.{name}" for name in names[1:])}, updated_at = ${now}
  from unnest({", ".join(arrays)}) as n ({", ".join(names)})
  where s.stay_id = n.stay_id
)
update parking.review set state = 'superseded', decided_at = ${now}
where state = 'pending'
  and (exit_event_id = any((select exits from settled)::uuid[])
       or entry_event_id = any((select entries from settled)::uuid[]))
returning lot_id, plate, exit_event_id,
  kind = 'near_miss'
    and exit_event_id <> all((select exits from settled)::uuid[]) as exit_unsettled
"""  # noqa: S608 - put together from the constants above


_CHANGE: Final = _change_of(_ALL)
_CHANGE_END: Final = _change_of(_END)
_VACATE: Final = "update parking.stay set dissolved = true where stay_id = any($1::uuid[])"
_OUTBOX: Final = ("message_id", "payload")
_ENCODE: Final = msgspec.json.Encoder().encode


class LeftOver(msgspec.Struct, frozen=True, gc=False):
    """An exit that a near miss had paired with an entry which is another stay's now."""

    lot_id: LotId
    plate: Plate | None
    exit_event_id: EventId


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction writes about stays."""

    opened: Sequence[StayRow]
    """Not in the database yet."""
    changed: Sequence[StayRow]
    """In the database already."""
    ended_only: bool
    """Nothing differs about all of these but how they ended, and none is vacated first."""
    vacated: Collection[StayId]
    """Open ones that move to another plate, or are not open any more."""
    messages: Sequence[tuple[UUID, Message]]
    settled_exits: Collection[EventId]
    settled_entries: Collection[EventId]


async def write(connection: Connection, writing: Writing, *, now: datetime) -> list[LeftOver]:
    """Write stays and messages, and take settled reviews off the list.

    One plate has one open stay, so what closes or moves away is written before what opens.
    Answers the exits of near misses whose entry is settled or gone, and they themselves are not.
    """
    if writing.vacated:
        await connection.execute(_VACATE, list(writing.vacated))
    left_over: list[LeftOver] = []
    if writing.changed or writing.settled_exits or writing.settled_entries:
        left_over = await _change(connection, writing, now)
    if writing.opened:
        opened = [_opened(row, now) for row in writing.opened]
        await _copy(connection, "stay", _INSERTED, opened)
    if writing.messages:
        told = [uuid(message_id) + binary(_ENCODE(said)) for message_id, said in writing.messages]
        await _copy(connection, "outbox", _OUTBOX, told)
    return left_over


async def _change(connection: Connection, writing: Writing, now: datetime) -> list[LeftOver]:
    values = [_values(row) for row in writing.changed]
    columns = list(zip(*values, strict=True)) if values else [()] * len(_CHANGING)
    change, chosen = (_CHANGE_END, _END) if writing.ended_only else (_CHANGE, _ALL)
    superseded = await connection.fetch(
        change,
        *[_JOINERS[n](columns[n]) for n in chosen],
        joined(writing.settled_exits),
        joined(writing.settled_entries),
        now,
    )
    return [
        LeftOver(row["lot_id"], row["plate"], row["exit_event_id"])
        for row in superseded
        if row["exit_unsettled"]
    ]


async def _copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[bytes]
) -> None:
    await connection.copy_to_table(
        table,
        schema_name="parking",
        columns=columns,
        source=table_of(rows, len(columns)),
        format="binary",
    )


def _opened(row: StayRow, now: datetime) -> bytes:
    """A new row of the table, for COPY."""
    stay = row.stay
    fields = [encode(value) for encode, value in zip(_ENCODERS, _values(row), strict=True)]
    fields += (word(stay.lot_id), text(stay.trace_id), word(row.tariff_id), instant(now))
    return b"".join(fields)


def _values(row: StayRow) -> tuple[Any, ...]:
    """What may change about a stay, in the order of `_CHANGING`."""
    stay = row.stay
    return (
        stay.stay_id,
        stay.plate,
        stay.colour.value,
        stay.state.value,
        row.dissolved,
        stay.entered_at,
        stay.left_at,
        stay.entry_event_id,
        stay.exit_event_id,
        stay.entry_lane_id,
        stay.exit_lane_id,
        stay.last_seen_at,
        row.tariff_version,
        row.fee_document,
        row.fee_minor,
        row.currency,
        row.business_date,
        row.chargeable_from,
        row.revision,
        stay.reentry_of,
        stay.drive_through,
    )
