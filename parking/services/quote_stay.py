"""What a stay costs so far, or would cost."""

from datetime import datetime
from uuid import UUID

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.ids import StayId, TariffId
from parking.core.pricing import assess
from parking.core.stay import StayState
from parking.db import queries
from parking.db.pool import Pool, reading
from parking.services.clock import Clock
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

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock) -> None:
        """Read through `pool`."""
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
            await self._book.read_tariffs(connection, [view.tariff_id])
        if view.fee is not None:
            return view.fee
        if view.state is not StayState.OPEN or view.entered_at is None:
            raise StayNotPricedError(stay_id, view.state)
        return assess(
            entered_at=view.entered_at,
            left_at=max(view.entered_at, self._clock()),
            tariff=self._book.tariff_at(view.tariff_id, view.entered_at),
            colour=view.colour,
        )

    async def quote_times(
        self,
        *,
        tariff_id: TariffId,
        entered_at: datetime,
        left_at: datetime,
        colour: PlateColour,
    ) -> Fee:
        """What a stay would cost under a tariff. Raises UnknownTariffError and pricing's errors."""
        async with reading(self._pool) as connection:
            await self._book.read_tariffs(connection, [tariff_id])
        try:
            tariff = self._book.tariff_at(tariff_id, entered_at)
        except KeyError:
            raise UnknownTariffError(tariff_id) from None
        return assess(entered_at=entered_at, left_at=left_at, tariff=tariff, colour=colour)
