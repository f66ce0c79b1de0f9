"""`parking key create`: a key without the API, for the first one and for emergencies."""

from parking.core.ids import OperatorId
from parking.db.closing import close_pool
from parking.db.pool import open_pool
from parking.services.api_keys import ApiKeys
from parking.services.clock import system_clock
from portal.database import ready_database
from portal.settings import Settings


async def create_key(settings: Settings, *, operator_id: str | None) -> str:
    """Make a key for an operator, or for an admin. Raises UnknownOperatorError."""
    pool = await open_pool(await ready_database(settings.database), size_max=2)
    try:
        keys = ApiKeys(pool, clock=system_clock, cache_seconds=0)
        if operator_id is None:
            return (await keys.create_for_admin()).key
        return (await keys.create_for_operator(OperatorId(operator_id))).key
    finally:
        await close_pool(pool)
