"""A person's word on a suspected clone: which of the two stays are the account's car.

The decision is a fact, appended; the last one counts. What is the account's car may be charged;
what is not is charged to nobody, and what was charged for it is given back.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from parking.core.cloning import CloneDecision, StayHold, Verdict, decided_after
from parking.core.errors import DomainError
from parking.core.ids import OperatorId, StayId
from parking.core.plate import Plate
from parking.core.stay import Stay
from parking.db import clones
from parking.db.clones import Suspicion
from parking.db.pool import Connection, Pool, reading, transaction
from parking.services.api_keys import ForbiddenError
from parking.services.clock import Clock, new_id
from parking.services.hold_stays import lock_stays, settle_holds
from parking.services.place_book import PlaceBook


class UnknownSuspicionError(DomainError):
    """There is no such suspicion, or it is not the asker's to see."""

    def __init__(self, suspicion_id: UUID) -> None:
        super().__init__(f"there is no suspicion {suspicion_id}")


class OtherStayError(DomainError):
    """A stay was named that the suspicion is not about."""

    def __init__(self, stay_id: UUID, suspicion_id: UUID) -> None:
        super().__init__(f"stay {stay_id} is not one of the two of suspicion {suspicion_id}")


class SuspicionLiftedError(DomainError):
    """Later facts have explained the two stays; there is nothing to decide."""

    def __init__(self, suspicion_id: UUID) -> None:
        super().__init__(f"suspicion {suspicion_id} was lifted: one car can have done both")


class SuspicionDecidedError(DomainError):
    """Somebody decided since the asker looked."""

    def __init__(self, suspicion_id: UUID, by: str) -> None:
        super().__init__(f"suspicion {suspicion_id} was decided by {by} meanwhile")


class SuspectedStay(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two stays, and whether it is charged."""

    stay: Stay
    hold: StayHold | None
    fee_minor: int | None


class SuspicionView(msgspec.Struct, frozen=True, kw_only=True):
    """A suspicion with its stays as they are now."""

    suspicion: Suspicion
    stays: tuple[SuspectedStay, ...]


class CloneDesk:
    """Shows suspected clones and takes decisions."""

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock) -> None:
        """Read and write through `pool`."""
        self._pool = pool
        self._book = book
        self._clock = clock

    async def latest(
        self,
        *,
        operator_id: OperatorId | None = None,
        pending: bool | None = None,
        plates: Sequence[Plate] | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[SuspicionView]:
        """The newest suspicions: all, of an operator's lots, or of some plates."""
        async with reading(self._pool) as connection:
            found = await clones.latest(
                connection,
                operator_id=operator_id,
                pending=pending,
                plates=plates,
                before=before,
                limit=limit,
            )
            return await _views(connection, found)

    async def get(self, suspicion_id: UUID, *, operator_id: OperatorId | None) -> SuspicionView:
        """One suspicion, for an admin (None) or an operator of a lot concerned.

        Raises UnknownSuspicionError.
        """
        async with reading(self._pool) as connection:
            found = await clones.suspicion(connection, suspicion_id)
            if found is None or not await _concerns(connection, found, operator_id):
                raise UnknownSuspicionError(suspicion_id)
            (view,) = await _views(connection, [found])
        return view

    async def decide(
        self,
        suspicion_id: UUID,
        *,
        own_stay_ids: Collection[StayId],
        by: str,
        reason: str = "",
        operator_id: OperatorId | None = None,
        plates: Collection[Plate] | None = None,
        seen: int | None = None,
    ) -> SuspicionView:
        """Say which of the two stays are the account's car; what is not named is not.

        `operator_id`: who decides runs these lots only, and must run both. `plates`: who decides
        has bound these only. `seen`: how many decisions there were when they looked; with more
        by now it is refused. Raises UnknownSuspicionError, ForbiddenError, OtherStayError,
        SuspicionLiftedError, SuspicionDecidedError.
        """
        now = self._clock()
        async with reading(self._pool) as connection:
            found = await clones.suspicion(connection, suspicion_id)
            if found is None or (plates is not None and found.plate not in plates):
                raise UnknownSuspicionError(suspicion_id)
            await _require_both(connection, found, operator_id)
            rows = await clones.by_ids(connection, found.stay_ids)
        for stay_id in own_stay_ids:
            if stay_id not in found.stay_ids:
                raise OtherStayError(stay_id, suspicion_id)
        for row in rows.values():
            await self._book.lot(row.stay.lot_id)
        async with transaction(self._pool) as connection:
            await lock_stays(connection, rows.values())
            present = await clones.suspicion(connection, suspicion_id)
            if present is None or not present.standing:
                raise SuspicionLiftedError(suspicion_id)
            if seen is not None and len(present.decisions) > seen:
                raise SuspicionDecidedError(suspicion_id, present.decisions[-1].by)
            decision = CloneDecision(
                decision_id=new_id(now),
                suspicion_id=suspicion_id,
                verdict=Verdict.DECIDED,
                own_stay_ids=tuple(sorted(set(own_stay_ids))),
                by=by,
                reason=reason,
                decided_at=decided_after(present.decisions, now=now),
            )
            await clones.decide(connection, decision)
            await settle_holds(connection, found.stay_ids, book=self._book, now=now)
        return await self.get(suspicion_id, operator_id=None)


async def _concerns(
    connection: Connection, suspicion: Suspicion, operator_id: OperatorId | None
) -> bool:
    return operator_id is None or operator_id in await clones.operators_of(
        connection, suspicion.stay_ids
    )


async def _require_both(
    connection: Connection, suspicion: Suspicion, operator_id: OperatorId | None
) -> None:
    if operator_id is None:
        return
    owners = await clones.operators_of(connection, suspicion.stay_ids)
    if operator_id not in owners:
        raise UnknownSuspicionError(suspicion.suspicion_id)
    if owners != {operator_id}:
        needed = "an admin key or the driver: one of the stays is in another operator's lot"
        raise ForbiddenError(needed)


async def _views(connection: Connection, found: Sequence[Suspicion]) -> list[SuspicionView]:
    rows = await clones.by_ids(connection, {one for each in found for one in each.stay_ids})
    return [
        SuspicionView(
            suspicion=each,
            stays=tuple(
                SuspectedStay(
                    stay=rows[stay_id].stay,
                    hold=rows[stay_id].hold,
                    fee_minor=rows[stay_id].fee_minor,
                )
                for stay_id in each.stay_ids
            ),
        )
        for each in found
    ]
