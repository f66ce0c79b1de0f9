"""The price on a gate's display and on a driver's page while a stay goes on."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
import structlog

from parking.core.errors import DomainError
from parking.core.events import Fact, VehicleEntered
from parking.core.fee import Fee
from parking.core.ids import LotId, StayId
from parking.core.next_step import Notice, PriceStep, entry_notices, first_step, step_of
from parking.core.stay import StayState
from parking.core.stay_fee import NOTHING_KNOWN, KnownStay, PlateAccount, stay_fee, vehicle_of
from parking.db.pool import Connection, Pool, reading
from parking.db.queries import StayView
from parking.services.clock import Clock
from parking.services.place_book import PlaceBook
from parking.services.plate_accounts import Asked, read_accounts

_LOG: Final = structlog.get_logger("parking.prices")


class PricePreview(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What leaving now costs, when that changes, and what a driver should know on the way in."""

    as_of: datetime
    fee_minor: int
    currency: str
    steps_at: datetime | None
    """The first second at which leaving costs something else; None: not within two days."""
    then_minor: int | None
    notices: tuple[Notice, ...]


class GatePrices:
    """Prices stays that go on."""

    def __init__(self, pool: Pool, *, book: PlaceBook, clock: Clock) -> None:
        """Read through `pool`, but for the tariffs that the book knows."""
        self._pool = pool
        self._book = book
        self._clock = clock

    async def of_event(
        self, fact: Fact, *, stay_id: StayId, entered_at: datetime | None
    ) -> PricePreview | None:
        """The price of the open stay that a lane event shows, at the time of the event.

        None where it cannot be told: a line on a display is not worth an event.
        """
        if not isinstance(fact, VehicleEntered) or fact.read.plate is None or entered_at is None:
            return None
        try:
            lot = await self._book.latest(fact.lot_id)
            stay = KnownStay(
                stay_id=stay_id,
                plate=fact.read.plate,
                colour=fact.read.colour,
                tariff_id=lot.lot.tariff_id,
                entered_at=entered_at,
                left_at=fact.occurred_at,
            )
            account = NOTHING_KNOWN
            if self._book.any_asks([stay.tariff_id]):
                async with reading(self._pool) as connection:
                    account = await self._account(connection, fact.lot_id, stay)
            return self._preview(stay, account)
        except (DomainError, KeyError) as error:
            _LOG.warning("no price shown", reason=str(error))
            return None

    async def of_stay(self, view: StayView) -> PricePreview | None:
        """The price of a stay by now; None unless it is open."""
        if view.state is not StayState.OPEN or view.entered_at is None or view.dissolved:
            return None
        stay = _known(view, self._clock())
        try:
            async with reading(self._pool) as connection:
                await self._book.read_tariffs(connection, [stay.tariff_id])
                account = await self._account(connection, view.lot_id, stay)
            return self._preview(stay, account)
        except DomainError as error:
            _LOG.warning("no price shown", reason=str(error))
            return None

    async def fee_so_far(self, view: StayView, left_at: datetime) -> Fee:
        """What an open stay costs if it ends at an instant. Raises pricing's errors."""
        stay = _known(view, left_at)
        async with reading(self._pool) as connection:
            await self._book.read_tariffs(connection, [stay.tariff_id])
            account = await self._account(connection, view.lot_id, stay)
        return stay_fee(stay, versions_of=self._book.versions, account=account)

    async def _account(
        self, connection: Connection, lot_id: LotId, stay: KnownStay
    ) -> PlateAccount:
        pair = (lot_id, stay.plate)
        asked = {pair: Asked({stay.tariff_id}, stay.entered_at)}
        accounts = await read_accounts(connection, asked, book=self._book)
        return accounts.get(pair, NOTHING_KNOWN)

    def _preview(self, stay: KnownStay, account: PlateAccount) -> PricePreview:
        tariff = self._book.tariff_at(stay.tariff_id, stay.entered_at)
        vehicle = vehicle_of(tariff, plate=stay.plate, colour=stay.colour, facts=account.facts)
        leaving = self._leaving(stay, account)
        step: PriceStep
        if stay.left_at == stay.entered_at and account is NOTHING_KNOWN:
            plan = tariff.plan_for(stay.colour, vehicle)
            step = first_step(leaving, entered_at=stay.entered_at, tariff=tariff, plan=plan)
        else:
            step = step_of(leaving, now=stay.left_at)
        notices = entry_notices(
            entered_at=stay.entered_at, tariff=tariff, colour=stay.colour, vehicle=vehicle
        )
        return PricePreview(
            as_of=stay.left_at,
            fee_minor=step.fee.total.amount_minor,
            currency=step.fee.total.currency,
            steps_at=step.steps_at,
            then_minor=None if step.then is None else step.then.amount_minor,
            notices=notices,
        )

    def _leaving(self, stay: KnownStay, account: PlateAccount) -> Callable[[datetime], Fee]:
        def leaving(left_at: datetime) -> Fee:
            ending = msgspec.structs.replace(stay, left_at=left_at)
            return stay_fee(ending, versions_of=self._book.versions, account=account)

        return leaving


def _known(view: StayView, left_at: datetime) -> KnownStay:
    entered_at = view.entered_at or left_at
    return KnownStay(
        stay_id=view.stay_id,
        plate=view.plate,
        colour=view.colour,
        tariff_id=view.tariff_id,
        entered_at=entered_at,
        left_at=max(entered_at, left_at),
    )
