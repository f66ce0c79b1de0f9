"""What a stay costs so far, or would cost."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.ids import StayId, TariffId
from parking.core.pricing import assess
from parking.core.right import Right, offer_named
from parking.core.stay import StayState
from parking.core.vehicle import VehicleKind
from parking.db import queries
from parking.db.pool import Pool, reading
from parking.services.clock import Clock
from parking.services.gate_prices import GatePrices
from parking.services.place_book import PlaceBook
from parking.services.register_place import UnknownTariffError


class UnknownStayError(DomainError):
    """There is no such stay."""

    def __init__(self, stay_id: UUID) -> None:
        super().__init__(f"there is no stay {stay_id}")


class StayNotPricedError(DomainError):
    """A stay of which only one end is known has no fee."""

    def __init__(self, stay_id: UUID, state: StayState) -> None:
        super().__init__(f"stay {stay_id} is a {state.value.replace('_', ' ')} and has no fee")


class Quoter:
    """Answers quotes."""

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock, prices: GatePrices) -> None:
        """Read through `pool`."""
        self._prices = prices
        self._pool = pool
        self._book = book
        self._clock = clock

    async def quote_stay(self, stay_id: StayId) -> Fee:
        """The fee of a closed stay, or what an open one has come to by now.

        Raises UnknownStayError, StayNotPricedError.
        """
        async with reading(self._pool) as connection:
            view = await queries.stay(connection, stay_id)
            if view is None:
                raise UnknownStayError(stay_id)
        if view.fee is not None:
            return view.fee
        if view.state is not StayState.OPEN or view.entered_at is None:
            raise StayNotPricedError(stay_id, view.state)
        return await self._prices.fee_so_far(view, self._clock())

    async def quote_times(
        self,
        *,
        tariff_id: TariffId,
        entered_at: datetime,
        left_at: datetime,
        colour: PlateColour,
        vehicle: VehicleKind | None = None,
        rights: Sequence[str] = (),
    ) -> Fee:
        """What a stay would cost under a tariff, with rights of it by their names.

        Raises UnknownTariffError, RightNotOfferedError and pricing's errors.
        """
        async with reading(self._pool) as connection:
            await self._book.read_tariffs(connection, [tariff_id])
        try:
            versions = self._book.versions(tariff_id)
        except KeyError:
            raise UnknownTariffError(tariff_id) from None
        tariff = versions.at(entered_at)
        offers = tariff.offers.values()
        return assess(
            entered_at=entered_at,
            left_at=left_at,
            tariff=tariff,
            colour=colour,
            vehicle=vehicle,
            rights=[Right(offer=offer_named(offers, right_id)) for right_id in rights],
            later=versions.later(entered_at=entered_at, left_at=left_at),
        )
