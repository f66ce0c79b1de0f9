"""Gives up stays that are open for longer than their lot allows: their exits were missed."""

from collections import defaultdict
from datetime import datetime
from typing import Final

from parking.core.folding import close_overstayed, overstayed
from parking.core.ids import LotId
from parking.core.plate import Plate
from parking.db import lane_events, stays
from parking.db.pool import Pool, reading, transaction
from parking.services.place_book import PlaceBook
from parking.services.price_stays import price_stay
from parking.services.write_changes import write_changes

_OVERDUE: Final = """
select s.lot_id, s.plate from parking.stay s join parking.lot l using (lot_id)
where s.state = 'open' and not s.dissolved
  and s.entered_at < $1::timestamptz
    - make_interval(hours => coalesce((l.rules ->> 'maximum_stay_hours')::integer, $2))
order by s.lot_id, s.plate limit $3
"""
_DEFAULT_HOURS: Final = 24 * 14
_AT_ONCE: Final = 500


class OverstaySweeper:
    """What the worker calls now and then."""

    def __init__(self, pool: Pool, *, book: PlaceBook) -> None:
        """Work through `pool`."""
        self._pool = pool
        self._book = book

    async def sweep_overstays(self, now: datetime) -> int:
        """Turn overdue open stays into missed exits; answer how many. Safe to run in parallel."""
        overdue: dict[LotId, list[Plate]] = defaultdict(list)
        async with reading(self._pool) as connection:
            for row in await connection.fetch(_OVERDUE, now, _DEFAULT_HOURS, _AT_ONCE):
                overdue[row["lot_id"]].append(row["plate"])
        return sum([await self._sweep(lot_id, plates, now) for lot_id, plates in overdue.items()])

    async def _sweep(self, lot_id: LotId, plates: list[Plate], now: datetime) -> int:
        lot = await self._book.lot(lot_id)
        rules = lot.lot.rules
        pairs = [(lot_id, plate) for plate in plates]
        async with transaction(self._pool) as connection:
            await lane_events.lock(connection, lots_shared=[lot_id], plates=pairs)
            changes = []
            for row in (await stays.tails(connection, pairs)).values():
                if overstayed(row.stay, rules=rules, now=now):
                    stay = close_overstayed(row.stay, rules=rules, now=now)
                    changes.append(price_stay(stay, before=row, lot=lot, book=self._book))
            made = [change for change in changes if change is not None]
            await write_changes(connection, made, now=now)
        return len(made)
