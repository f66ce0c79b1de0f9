"""What a dispute's evidence needs of parking: a protocol, since billing does not import parking."""

from collections.abc import Sequence
from typing import Protocol

from billing.core.evidence import StayWitness
from parking.core.ids import StayId


class Witness(Protocol):
    """Knows what cameras and people said of stays."""

    async def tell(self, stay_ids: Sequence[StayId]) -> list[StayWitness]:
        """Say what is known of stays; those that are unknown are left out."""
        ...
