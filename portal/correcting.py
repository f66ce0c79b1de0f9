"""Billing's granted appeals, carried out on parking's facts: each is a fact that a person says."""

from billing.core.appeals import Correction, NeverWas, RightExit, RightPlate
from billing.corrections import CorrectionRefusedError
from parking.core.events import Ending
from parking.core.ids import StayId
from parking.core.plate import InvalidPlateError
from parking.db import queries
from parking.db.pool import Pool, reading
from parking.db.queries import StayView
from parking.services.amend_stays import EndRefusedError, StayAlreadyEndedError, StayAmender
from parking.services.quote_stay import UnknownStayError
from parking.services.refusals import LaneEventRefusedError


class StayCorrector:
    """A FactCorrector over parking's own services. Doing the same again changes nothing more."""

    def __init__(self, pool: Pool, amender: StayAmender) -> None:
        """Look through `pool`, correct through `amender`."""
        self._pool = pool
        self._amender = amender

    async def correct(
        self, stay_id: StayId, correction: Correction, *, by: str, reason: str
    ) -> int:
        """Correct a stay; answers the newest revision of its fee. CorrectionRefusedError."""
        stay = await self._stay(stay_id)
        try:
            match correction:
                case RightPlate(plate=plate) if stay.plate != plate:
                    await self._amender.correct_plate(
                        stay_id=stay_id, plate=plate, by=by, reason=reason
                    )
                case RightExit(left_at=left_at) if stay.left_at != left_at:
                    await self._amender.correct_exit(
                        stay_id=stay_id, left_at=left_at, by=by, reason=reason
                    )
                case NeverWas() if not stay.dissolved:
                    await self._amender.end_stay(
                        stay_id=stay_id, how=Ending.NEVER_WAS, by=by, reason=reason
                    )
                case _:
                    pass
        except (
            EndRefusedError,
            InvalidPlateError,
            LaneEventRefusedError,
            StayAlreadyEndedError,
            UnknownStayError,
        ) as error:
            raise CorrectionRefusedError(str(error)) from error
        return (await self._stay(stay_id)).revision

    async def _stay(self, stay_id: StayId) -> StayView:
        async with reading(self._pool) as connection:
            stay = await queries.stay(connection, stay_id)
        if stay is None:
            raise CorrectionRefusedError(str(UnknownStayError(stay_id)))
        return stay
