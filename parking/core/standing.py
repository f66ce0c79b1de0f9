"""What a gate may say about a plate's account. Billing answers it; parking only asks."""

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec

from parking.core.plate import Plate


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a plate stands with the city's billing."""

    bound: bool = False
    """A driver has bound this plate and a way to pay, and may pay later."""
    suspended: bool = False
    """A driver has bound this plate, but may not pay later until what failed is put right."""
    arrears_minor: int = 0
    """Owed and past due, in fen."""


class StandingSource(Protocol):
    """Looks plates up in one go."""

    async def standings(self, plates: Collection[Plate]) -> Mapping[Plate, Standing]:
        """Answer a standing for each plate that has one; a plate left out is unknown."""
        ...
