"""How full the lots are: read from the stays when asked; recounts taken in; habits learned.

Nothing is kept on the ingest path. Open stays lie in an index of their own, so the question costs
what is inside a lot, not what was ever there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import LotId, OperatorId
from parking.core.occupancy import MOST_LOTS, Occupancy, Recount, habit_of
from parking.core.occupancy import occupancy as work_out
from parking.core.place import Lot
from parking.core.vehicle import VehicleKind
from parking.db import occupancy as rows
from parking.db.pool import Connection, Pool, reading, transaction
from parking.services.clock import Clock, new_id
from parking.services.place_book import PlaceBook
from parking.services.refusals import UnknownLotError

_LEARN_EVERY: Final = timedelta(hours=1)
_LOTS_AT_ONCE: Final = 50


class RecountTimeError(DomainError):
    """A count of the future, or one that says nothing of now."""


class RecountSumError(DomainError):
    """The classes do not add up to the cars."""

    def __init__(self, *, cars: int, by_class: int) -> None:
        super().__init__(f"by_class adds up to {by_class}, but cars is {cars}")


class RecountTakenError(DomainError):
    """A recount never changes; another count is another recount."""

    def __init__(self, recount_id: UUID) -> None:
        super().__init__(f"there is a recount {recount_id} already, and it says something else")


class OccupancyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some lots in the order of their ids."""

    lots: tuple[Occupancy, ...]
    next_after: LotId | None
    """Ask for the lots after this one next; None when these were the last."""


class OccupancyBook:
    """Answers how full lots are, and takes recounts."""

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock) -> None:
        """Read and write through `pool`."""
        self._pool = pool
        self._book = book
        self._clock = clock

    async def of_lot(self, lot_id: LotId) -> Occupancy:
        """How full a lot is now. Raises UnknownLotError."""
        async with reading(self._pool) as connection:
            lots = await rows.lots_after(connection, "", limit=1, lot_id=lot_id)
            if not lots:
                raise UnknownLotError(lot_id)
            (found,) = await occupancies(connection, lots, now=self._clock())
        return found

    async def page(
        self, *, after: str, limit: int, operator_id: OperatorId | None = None
    ) -> OccupancyPage:
        """The next lots, all or of one operator."""
        async with reading(self._pool) as connection:
            lots = await rows.lots_after(
                connection, after, limit=limit + 1, operator_id=operator_id
            )
            found = await occupancies(connection, lots[:limit], now=self._clock())
        more = len(lots) > limit
        return OccupancyPage(
            lots=tuple(found), next_after=found[-1].lot_id if more and found else None
        )

    async def recounts(self, lot_id: LotId, *, limit: int) -> list[Recount]:
        """What was counted in a lot, the newest first."""
        async with reading(self._pool) as connection:
            return await rows.recounts(connection, lot_id, limit=limit)

    async def record_recount(
        self,
        lot_id: LotId,
        *,
        counted_at: datetime,
        cars: int,
        by_class: dict[VehicleKind, int] | None,
        by: str,
        reason: str,
        recount_id: UUID | None = None,
    ) -> tuple[Recount, bool]:
        """Append a count of the cars inside; True when it is new, False when it was known.

        Raises UnknownLotError, RecountTimeError, RecountSumError, RecountTakenError.
        """
        now = self._clock()
        lot = (await self._book.lot(lot_id)).lot
        _check_time(counted_at, lot, now)
        if by_class is not None and sum(by_class.values()) != cars:
            raise RecountSumError(cars=cars, by_class=sum(by_class.values()))
        recount = Recount(
            recount_id=recount_id or new_id(now),
            lot_id=lot_id,
            counted_at=counted_at,
            recorded_at=now,
            cars=cars,
            by_class=by_class,
            by=by,
            reason=reason,
        )
        async with transaction(self._pool) as connection:
            if await rows.insert_recount(connection, recount):
                return recount, True
            known = await rows.recount(connection, recount.recount_id)
        if known is None or msgspec.structs.replace(known, recorded_at=now) != recount:
            raise RecountTakenError(recount.recount_id)
        return known, False


async def occupancies(
    connection: Connection, lots: Sequence[Lot], *, now: datetime
) -> list[Occupancy]:
    """How full these lots are, in their order: four statements, however many lots."""
    lot_ids = [lot.lot_id for lot in lots]
    recounted = await rows.newest_recounts(connection, lot_ids, now=now)
    habits = await rows.habits(connection, lot_ids)
    traffic = await rows.traffic(connection, lot_ids, recounted)
    return [
        work_out(
            traffic[lot.lot_id],
            lot=lot,
            recount=recounted.get(lot.lot_id),
            habit=habits.get(lot.lot_id, MOST_LOTS),
            now=now,
        )
        for lot in lots
    ]


async def learn_habits(pool: Pool, now: datetime) -> int:
    """Learn the habits of the lots whose turn it is; answers how many. The worker's task."""
    async with transaction(pool) as connection:
        lot_ids = await rows.least_known(
            connection, learned_by=now - _LEARN_EVERY, limit=_LOTS_AT_ONCE
        )
        found = await rows.samples(connection, lot_ids)
        learned = [(each, habit_of(each.lasting, missed=each.missed)) for each in found]
        await rows.put_habits(connection, learned, now=now)
    return len(learned)


def _check_time(counted_at: datetime, lot: Lot, now: datetime) -> None:
    if counted_at > now:
        msg = f"counted_at {counted_at} lies ahead of our clock, {now}"
        raise RecountTimeError(msg)
    if now - counted_at >= timedelta(hours=lot.rules.maximum_stay_hours):
        hours = lot.rules.maximum_stay_hours
        msg = f"counted_at {counted_at} is longer ago than the lot's maximum stay, {hours} h"
        raise RecountTimeError(msg)
