"""Takes in what people say about fees, and prices again what it changes; in one transaction.

A fact about a plate or a stay is recorded under the id that its sender gave it: the same again
changes nothing, another content under that id is refused. Stays that are closed already are priced
anew, and billing hears the difference.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from parking.core.errors import DomainError
from parking.core.fee_facts import (
    FeeFact,
    FeeFactId,
    PaidBeforeLeaving,
    RightGranted,
    RightRevoked,
    VehicleStated,
)
from parking.core.ids import LotId, StayId
from parking.core.plan import CompiledTariff
from parking.core.plate import Plate
from parking.core.right import RightNotOfferedError
from parking.db import fee_facts, lane_events, queries
from parking.db.pool import Connection, Pool, reading, transaction
from parking.services.clock import Clock
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.quote_stay import UnknownStayError
from parking.services.refold import refold
from parking.services.write_changes import write_changes

_MOVES_MAX: Final = 5


class ConflictingFeeFactError(DomainError):
    """Another fact is recorded under this id and stands."""

    def __init__(self, fact_id: UUID) -> None:
        super().__init__(f"another fact is recorded under the id {fact_id}; use a new id")


class UnknownGrantError(DomainError):
    """There is no such grant in this lot."""

    def __init__(self, grant_id: UUID) -> None:
        super().__init__(f"there is no granted right {grant_id} in this lot")


class FeeFactRefusedError(DomainError):
    """The fact could not bear on any fee of this lot; its words say why."""


class FeeFactRecorder:
    """Records fee facts."""

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock) -> None:
        """Write through `pool`."""
        self._pool = pool
        self._book = book
        self._clock = clock

    async def record(self, fact: FeeFact) -> tuple[FeeFact, bool]:
        """Record a fact; answer it as it stands, and True when it is new.

        Raises UnknownLotError, UnknownStayError, UnknownGrantError, RightNotOfferedError,
        FeeFactRefusedError, ConflictingFeeFactError.
        """
        lot = await self._book.reread(fact.lot_id)
        for _ in range(_MOVES_MAX):
            plate, _ = await self._subject(fact)
            async with transaction(self._pool) as connection:
                pair = (fact.lot_id, plate)
                await lane_events.lock(connection, lots_shared=[fact.lot_id], plates=[pair])
                present, since = await _present_subject(connection, fact)
                if present != plate:
                    continue  # a correction moved the stay to another plate meanwhile
                known = await fee_facts.get(connection, fact.fact_id)
                if known is not None:
                    return _same(known, fact), False
                await self._check(connection, fact, lot)
                if not await fee_facts.insert(connection, fact):
                    continue  # another plate's fact took the id meanwhile: hold it against that
                now = self._clock()
                changes = await refold(
                    connection, lot=lot, plates={plate: since}, book=self._book, now=now
                )
                await write_changes(connection, changes, now=now)
                return fact, True
        assert fact.stay_id is not None  # noqa: S101 - only a stay can move
        raise UnknownStayError(fact.stay_id)

    async def subject_of(self, lot_id: LotId, grant_id: FeeFactId) -> RightGranted:
        """The grant that a revocation names. Raises UnknownGrantError."""
        async with reading(self._pool) as connection:
            grant = await fee_facts.get(connection, grant_id)
        if not isinstance(grant, RightGranted) or grant.lot_id != lot_id:
            raise UnknownGrantError(grant_id)
        return grant

    async def of_lot(
        self, lot_id: LotId, *, plate: Plate | None, stay_id: StayId | None, limit: int
    ) -> list[FeeFact]:
        """The newest facts of a lot that fit, newest first."""
        async with reading(self._pool) as connection:
            return await fee_facts.of_lot(
                connection, lot_id, plate=plate, stay_id=stay_id, limit=limit
            )

    async def _subject(self, fact: FeeFact) -> tuple[Plate, datetime | None]:
        async with reading(self._pool) as connection:
            return await _present_subject(connection, fact)

    async def _check(self, connection: Connection, fact: FeeFact, lot: LotEntry) -> None:
        """Refuse what could never count, so that whoever says it hears so now."""
        tariff_id, instant = lot.lot.tariff_id, self._clock()
        if fact.stay_id is not None:
            view = await queries.stay(connection, fact.stay_id)
            assert view is not None  # noqa: S101 - its plate was found
            tariff_id, instant = view.tariff_id, view.entered_at or instant
        await self._book.read_tariffs(connection, [tariff_id])
        _require_use(fact, self._book.tariff_at(tariff_id, instant))


async def _present_subject(connection: Connection, fact: FeeFact) -> tuple[Plate, datetime | None]:
    """The plate that a fact is about by now, and since when fees may change by it; None: ever."""
    if fact.stay_id is None:
        assert fact.plate is not None  # noqa: S101 - one of the two, the web sees to it
        return fact.plate, None
    view = await queries.stay(connection, fact.stay_id)
    if view is None or view.lot_id != fact.lot_id or view.dissolved:
        raise UnknownStayError(fact.stay_id)
    return view.plate, view.entered_at or view.left_at


def _require_use(fact: FeeFact, tariff: CompiledTariff) -> None:
    if isinstance(fact, RightGranted) and fact.right_id not in tariff.offers:
        raise RightNotOfferedError(fact.right_id, offered=tariff.offers)
    if isinstance(fact, VehicleStated) and fact.vehicle not in tariff.vehicles:
        named = ", ".join(kind.value for kind in tariff.vehicles) or "none"
        msg = f"the tariff names no class for {fact.vehicle.value}; it names: {named}"
        raise FeeFactRefusedError(msg)
    if isinstance(fact, PaidBeforeLeaving) and not tariff.grace_after_paying_minutes:
        msg = "the tariff takes no payment before leaving: it has no grace_after_paying_minutes"
        raise FeeFactRefusedError(msg)


def _same(known: FeeFact, fact: FeeFact) -> FeeFact:
    """The recorded fact, if the one that came says the same; who sent it when does not matter."""
    said = msgspec.structs.replace(fact, recorded_at=known.recorded_at, by=known.by)
    if isinstance(known, RightRevoked) and isinstance(said, RightRevoked):
        said = msgspec.structs.replace(said, plate=known.plate, stay_id=known.stay_id)
    if said != known:
        raise ConflictingFeeFactError(fact.fact_id)
    return known
