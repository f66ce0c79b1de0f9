"""Writes what changed about stays, tells billing, and takes settled questions off the list."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from parking.core.ids import EventId, StayId
from parking.core.stay import StayState
from parking.db import reviews
from parking.db.pool import Connection
from parking.db.stay_writing import Writing, write
from parking.db.stays import StayRow
from parking.services.clock import new_ids
from parking.services.near_misses import missed_entry
from parking.services.price_stays import Change

_CLOSED: Final = StayState.CLOSED


async def write_changes(
    connection: Connection,
    changes: Sequence[Change],
    *,
    now: datetime,
    amended: Iterable[EventId] = (),
) -> None:
    """Write stays and messages, and take the reviews that they settle off the list.

    An exit whose near miss lost its entry is asked about anew, and may be matched again.
    """
    exits, entries = set(amended), set(amended)
    for row in _settling(changes):
        if row.stay.exit_event_id is not None:
            exits.add(row.stay.exit_event_id)
        if row.stay.entry_event_id is not None:
            entries.add(row.stay.entry_event_id)
    messages = [each.message for each in changes if each.message is not None]
    vacated = _vacated(changes)
    writing = Writing(
        opened=[change.row for change in changes if change.before is None],
        changed=[change.row for change in changes if change.before is not None],
        ended_only=not vacated and all(_came_the_same(change) for change in changes),
        vacated=vacated,
        messages=list(zip(new_ids(now, len(messages)), messages, strict=True)),
        settled_exits=exits,
        settled_entries=entries,
    )
    left_over = await write(connection, writing, now=now)
    if left_over:
        await reviews.insert(connection, [missed_entry(each, now=now) for each in left_over])


def _settling(changes: Iterable[Change]) -> Iterator[StayRow]:
    """Rows, as they were or are now, about whose events nobody needs to be asked."""
    for change in changes:
        for row in (change.row, change.before):
            if row is not None and (row.stay.state is _CLOSED or row.dissolved):
                yield row


def _vacated(changes: Sequence[Change]) -> list[StayId]:
    """Open stays that must make room, where a stay that was there before opens again or moves.

    Rare, and only after corrections: on the usual way nothing in the table becomes open.
    """
    if not any(_is_open(each.row) and _opens(each) for each in changes if each.before):
        return []
    return [
        each.row.stay.stay_id
        for each in changes
        if each.before is not None
        and _is_open(each.before)
        and (not _is_open(each.row) or each.before.stay.plate != each.row.stay.plate)
    ]


def _opens(change: Change) -> bool:
    before = change.before
    return before is None or not _is_open(before) or before.stay.plate != change.row.stay.plate


def _came_the_same(change: Change) -> bool:
    """Say whether a change of a stay leaves its beginning as it was."""
    if change.before is None:
        return True
    old, new = change.before.stay, change.row.stay
    return (
        old.entry_event_id == new.entry_event_id
        and old.plate == new.plate
        and old.entered_at == new.entered_at
        and old.entry_lane_id == new.entry_lane_id
        and old.reentry_of == new.reentry_of
        and change.before.dissolved == change.row.dissolved
    )


def _is_open(row: StayRow) -> bool:
    return row.stay.state is StayState.OPEN and not row.dissolved
