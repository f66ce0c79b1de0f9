"""Billing's answer to the gate: whether a plate is bound, and what it owes."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from billing.db import queries
from billing.db.connection import Pool, reading
from billing.settings import BillingSettings
from parking.core.plate import Plate
from parking.core.standing import Standing


class BillingStandings:
    """A StandingSource over billing's own tables."""

    def __init__(
        self, pool: Pool, settings: BillingSettings, *, clock: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._arrears_after = timedelta(seconds=settings.arrears_after_seconds)
        self._owed_limit_minor = settings.owed_limit_minor
        self._clock = clock

    async def standings(self, plates: Collection[Plate]) -> Mapping[Plate, Standing]:
        """Answer a standing for each plate that billing knows, in one query."""
        if not plates:
            return {}
        async with reading(self._pool) as db:
            return await queries.standings(
                db,
                plates,
                overdue_before=self._clock() - self._arrears_after,
                owed_limit_minor=self._owed_limit_minor,
            )
