"""Tickets in the database: which entry each stands for."""

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.db.pool import Connection

_COLUMNS: Final = "ticket, lot_id, entry_event_id, issued_at, issued_by"
_INSERT: Final = f"""
insert into parking.ticket ({_COLUMNS}) values ($1, $2, $3, $4, $5) on conflict do nothing
"""  # noqa: S608 - our own column list
_OF_ENTRY: Final = f"select {_COLUMNS} from parking.ticket where entry_event_id = $1"  # noqa: S608 - our own column list
_ONE: Final = f"select {_COLUMNS} from parking.ticket where ticket = $1"  # noqa: S608 - our own column list


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket and the entry that it was issued for."""

    ticket: Plate
    lot_id: LotId
    entry_event_id: EventId
    issued_at: datetime
    issued_by: str
    """`device:<id>`, `operator:<id>` or `admin:<key>`."""


async def insert(connection: Connection, ticket: Ticket) -> Ticket:
    """Store a ticket; answer the one that its entry has, which may be an earlier one."""
    values = [getattr(ticket, name) for name in ticket.__struct_fields__]
    await connection.execute(_INSERT, *values)
    row = await connection.fetchrow(_OF_ENTRY, ticket.entry_event_id)
    assert row is not None  # noqa: S101 - just inserted, or it was there
    return _ticket(row)


async def get(connection: Connection, ticket: Plate) -> Ticket | None:
    """One ticket."""
    row = await connection.fetchrow(_ONE, ticket)
    return None if row is None else _ticket(row)


def _ticket(row: asyncpg.Record) -> Ticket:
    return Ticket(**dict(row))
