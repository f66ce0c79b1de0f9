"""One write for all stays and messages of a transaction, and what that does to reviews."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec

from parking.core.ids import EventId, LotId, StayId
from parking.core.plate import Plate
from parking.core.stay import StayState
from parking.db.binary_rows import (
    NULL,
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
from parking.db.joined_arrays import array_of, joined, joined_instants, joined_texts
from parking.db.pool import Connection
from parking.db.stays import StayRow
from parking.messages import Message

# What may change about a stay: column, type, where it is found, how arrays of it go over the wire.
_CHANGING: Final[tuple[tuple[str, str, str, Callable[[Iterable[Any]], str]], ...]] = (
    ("stay_id", "uuid", "stay.stay_id", joined),
    ("plate", "text", "stay.plate", joined_texts),
    ("colour", "text", "stay.colour.value", joined_texts),
    ("state", "text", "stay.state.value", joined_texts),
    ("dissolved", "boolean", "dissolved", joined),
    ("entered_at", "timestamptz", "stay.entered_at", joined_instants),
    ("left_at", "timestamptz", "stay.left_at", joined_instants),
    ("entry_event_id", "uuid", "stay.entry_event_id", joined),
    ("exit_event_id", "uuid", "stay.exit_event_id", joined),
    ("entry_lane_id", "text", "stay.entry_lane_id", joined_texts),
    ("exit_lane_id", "text", "stay.exit_lane_id", joined_texts),
    ("last_seen_at", "timestamptz", "stay.last_seen_at", joined_instants),
    ("tariff_version", "integer", "tariff_version", joined),
    ("fee", "json", "fee_document", joined_texts),
    ("fee_minor", "bigint", "fee_minor", joined),
    ("currency", "text", "currency", joined_texts),
    ("business_date", "date", "business_date", joined),
    ("chargeable_from", "timestamptz", "chargeable_from", joined_instants),
    ("revision", "integer", "revision", joined),
    ("reentry_of", "uuid", "stay.reentry_of", joined),
    ("drive_through", "boolean", "stay.drive_through", joined),
)
_GETTERS: Final = tuple(attrgetter(where) for _, _, where, _ in _CHANGING)
_BEGINNING: Final = frozenset(
    ("plate", "dissolved", "entered_at", "entry_event_id", "entry_lane_id", "reentry_of")
)
"""What no exit changes."""
_ALL: Final = tuple(range(len(_CHANGING)))
_END: Final = tuple(n for n in _ALL if _CHANGING[n][0] not in _BEGINNING)
# Of an exit as most are: seen as it left, told to billing once, to be charged from then on.
_USUAL: Final = {
    "state": "'closed'",
    "last_seen_at": "n.left_at",
    "chargeable_from": "n.left_at",
    "revision": "1",
    "drive_through": "false",
}
_USUAL_END: Final = tuple(n for n in _END if _CHANGING[n][0] not in _USUAL)
# In the order in which `_opened` puts them.
_INSERTED: Final = (
    "stay_id",
    "plate",
    "trace_id",
    "lot_id",
    "tariff_id",
    "colour",
    "state",
    "entry_lane_id",
    "exit_lane_id",
    "dissolved",
    "drive_through",
    "entered_at",
    "left_at",
    "last_seen_at",
    "entry_event_id",
    "exit_event_id",
    "reentry_of",
    "revision",
    "updated_at",
    "tariff_version",
    "fee",
    "fee_minor",
    "currency",
    "business_date",
    "chargeable_from",
)
_UNPRICED: Final = NULL * 6


def _change_of(columns: Sequence[int], given: Mapping[str, str]) -> str:
    """SQL that changes these of `_CHANGING`, the first of which is the stay's id, and some more.

    A review whose matter was settled by the facts is taken off the pending list.
    """
    names = [_CHANGING[n][0] for n in columns]
    arrays = [array_of(place, _CHANGING[n][1]) for place, n in enumerate(columns, 1)]
    exits, entries, now = (len(columns) + more for more in (1, 2, 3))
    values = {name: f"n.{name}" for name in names[1:]} | dict(given)
    return f"""
with settled as materialized (
  select {array_of(exits, "uuid")} as exits, {array_of(entries, "uuid")} as entries
), changed as (
  update parking.stay s set
    {", ".join(f"{name} = {value}" for name, value in values.items())}, updated_at = ${now}
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


_CHANGE: Final = _change_of(_ALL, {})
_CHANGE_END: Final = _change_of(_END, {})
_CHANGE_USUAL_END: Final = _change_of(_USUAL_END, _USUAL)
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
    settled = joined(writing.settled_exits), joined(writing.settled_entries)
    left_over: list[LeftOver] = []
    for change, columns, rows in _changes(writing):
        arrays = [_CHANGING[n][3](map(_GETTERS[n], rows)) for n in columns]
        superseded = await connection.fetch(change, *arrays, *settled, now)
        left_over += [
            LeftOver(row["lot_id"], row["plate"], row["exit_event_id"])
            for row in superseded
            if row["exit_unsettled"]
        ]
    return left_over


def _changes(writing: Writing) -> list[tuple[str, Sequence[int], Sequence[StayRow]]]:
    """The statements that change stays, with what goes into each; reviews need at least one."""
    if not writing.ended_only:
        return [(_CHANGE, _ALL, writing.changed)]
    usual: list[StayRow] = []
    others: list[StayRow] = []
    for row in writing.changed:
        (usual if _ended_as_usual(row) else others).append(row)
    statements: list[tuple[str, Sequence[int], Sequence[StayRow]]] = []
    if usual or not others:
        statements.append((_CHANGE_USUAL_END, _USUAL_END, usual))
    if others:
        statements.append((_CHANGE_END, _END, others))
    return statements


def _ended_as_usual(row: StayRow) -> bool:
    """Say whether `_USUAL` holds of a stay."""
    stay = row.stay
    return (
        stay.state is StayState.CLOSED
        and row.revision == 1
        and not stay.drive_through
        and stay.last_seen_at == stay.left_at == row.chargeable_from
    )


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
    return b"".join(
        (
            uuid(stay.stay_id),
            word(stay.plate),
            text(stay.trace_id),
            _place(
                stay.lot_id,
                row.tariff_id,
                stay.colour.value,
                stay.state.value,
                stay.entry_lane_id,
                stay.exit_lane_id,
            ),
            boolean(row.dissolved),
            boolean(stay.drive_through),
            instant(stay.entered_at),
            instant(stay.left_at),
            instant(stay.last_seen_at),
            uuid(stay.entry_event_id),
            uuid(stay.exit_event_id),
            uuid(stay.reentry_of),
            integer(row.revision),
            instant(now),
            _UNPRICED if row.fee_document is None else _price(row),
        )
    )


@lru_cache(maxsize=8_192)
def _place(*words: str | None) -> bytes:
    """What is the same for many cars: lot, tariff, colour, state, lanes."""
    return b"".join(map(text, words))


def _price(row: StayRow) -> bytes:
    return b"".join(
        (
            integer(row.tariff_version),
            text(row.fee_document),
            bigint(row.fee_minor),
            word(row.currency),
            day(row.business_date),
            instant(row.chargeable_from),
        )
    )
