"""What parking knows of stays, told to billing as evidence for a bank."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from billing.core.evidence import Sighting, StayWitness
from parking.core.ids import StayId
from parking.core.plate import Plate
from parking.db.pool import Pool, reading

_TOLD: Final = """
SELECT stay.stay_id, lot.name_en AS lot_name,
    entry.lane_id AS entry_lane, entry.occurred_at AS entry_at, entry.plate AS entry_plate,
    entry.confidence AS entry_confidence,
    gone.lane_id AS exit_lane, gone.occurred_at AS exit_at, gone.plate AS exit_plate,
    gone.confidence AS exit_confidence
FROM parking.stay JOIN parking.lot USING (lot_id)
LEFT JOIN parking.lane_event AS entry ON entry.event_id = stay.entry_event_id
LEFT JOIN parking.lane_event AS gone ON gone.event_id = stay.exit_event_id
WHERE stay.stay_id = ANY($1::uuid[])
"""


class StayBook:
    """A Witness over parking's own tables: the bare reads of the cameras, corrected or not."""

    def __init__(self, pool: Pool) -> None:
        """Look through `pool`."""
        self._pool = pool

    async def tell(self, stay_ids: Sequence[StayId]) -> list[StayWitness]:
        """Say what is known of stays; those that are unknown are left out."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_TOLD, list(stay_ids))
        return [
            StayWitness(
                stay_id=StayId(row["stay_id"]),
                lot_name=row["lot_name"],
                entry=_sighting(row, "entry"),
                exit=_sighting(row, "exit"),
            )
            for row in rows
        ]


def _sighting(row: asyncpg.Record, which: str) -> Sighting | None:
    if row[f"{which}_at"] is None:
        return None
    plate = row[f"{which}_plate"]
    return Sighting(
        lane_id=row[f"{which}_lane"],
        seen_at=row[f"{which}_at"],
        plate=None if plate is None else Plate(plate),
        confidence=row[f"{which}_confidence"],
    )
