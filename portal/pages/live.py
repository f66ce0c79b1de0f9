"""What the live page shows, read from the database.

Only reads, across both rooms' tables: composing them for a person's eyes is the portal's task.

What came last is read each time. How lots and operators stand costs more the larger the city, so
all who look share one reading, and reading takes at most a small part of the time.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from billing.services.days import ledger_day
from billing.settings import BillingSettings
from parking.core.currency import decimals
from parking.core.events import PlateColour
from parking.core.ids import OperatorId
from parking.db import clones
from parking.db.clones import Suspicion
from parking.db.pool import Connection, Pool, reading
from portal.pages.newest import newest_payments, newest_stays
from portal.pages.shared import Shared
from portal.pages.standing import standing
from portal.pages.texts import TONES

CLONES_MAX: Final = 10


class LivePage:
    """Answers what the live page shows, for the city and for each operator."""

    def __init__(
        self, pool: Pool, *, settings: BillingSettings, clock: Callable[[], datetime]
    ) -> None:
        """Nothing is read before someone looks."""
        self._pool = pool
        self._settings = settings
        self._clock = clock
        self._standing = Shared(self._stand)

    async def show(self, *, operator_id: str | None) -> dict[str, Any]:
        """Everything on the page; for an operator's key only what is that operator's."""
        standing_now = await self._standing.get(operator_id)
        async with (
            reading(self._pool) as db,
            db.transaction(isolation="repeatable_read", readonly=True),
        ):
            stays = await newest_stays(db, operator_id=operator_id)
            payments = await newest_payments(db, operator_id=operator_id)
            suspected = await _clones(db, operator_id=operator_id)
        # Sums over stays are in the ledger's currency.
        ours = self._settings.currency
        used = {ours, *(each["currency"] or ours for each in (*stays, *payments))}
        return {
            "tones": TONES,
            "currency": ours,
            "decimals": {each: decimals(each) for each in sorted(used)},
            "clones": suspected,
            "stays": stays,
            "payments": payments,
            **standing_now,
        }

    async def _stand(self, operator_id: str | None) -> dict[str, Any]:
        now = self._clock()
        async with (
            reading(self._pool) as db,
            db.transaction(isolation="repeatable_read", readonly=True),
        ):
            found = await standing(
                db,
                operator_id=operator_id,
                currency=self._settings.currency,
                now=now,
                ledger_day=ledger_day(self._settings, now=now),
            )
        return msgspec.structs.asdict(found)


def _clone(suspicion: Suspicion, colours: dict[str, str], lots: dict[str, Any]) -> dict[str, Any]:
    """A plate that seems to be on two cars, with the reads that contradict each other."""
    evidence = suspicion.evidence
    return {
        "suspicion_id": str(suspicion.suspicion_id),
        "plate": suspicion.plate,
        "colour": colours.get(suspicion.plate, "unknown"),
        "kind": suspicion.kind.value,
        "distance_km": evidence.distance_km,
        "speed_kmh": evidence.speed_kmh,
        "sightings": [
            {"at": each.at, "entry": each.entry, "lot": lots[each.lot_id]}
            for each in evidence.sightings
        ],
    }


async def _clones(db: Connection, *, operator_id: str | None) -> list[dict[str, Any]]:
    """The newest that wait for a decision."""
    scope = None if operator_id is None else OperatorId(operator_id)
    found = await clones.latest(db, operator_id=scope, pending=True, limit=CLONES_MAX)
    if not found:
        return []
    # The other lot may be another operator's.
    seen = {one.lot_id for each in found for one in each.evidence.sightings}
    names: dict[str, Any] = {
        lot.lot_id: {"name_zh": lot.name_zh, "name_en": lot.name_en, "zone": lot.zone}
        for lot in (await clones.lots(db, seen)).values()
    }
    stays = await clones.by_ids(db, {one for each in found for one in each.stay_ids})
    colours: dict[str, str] = {}
    for row in stays.values():
        if row.stay.colour is not PlateColour.UNKNOWN:
            colours[row.stay.plate] = row.stay.colour.value
    return [_clone(each, colours, names) for each in found]
