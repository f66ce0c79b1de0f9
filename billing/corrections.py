"""What billing asks of whoever keeps the facts about stays, when an appeal is granted."""

from typing import Protocol

from billing.core.appeals import Correction
from parking.core.errors import DomainError
from parking.core.ids import StayId


class CorrectionRefusedError(DomainError):
    """The facts do not allow this correction; another decision is needed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stay cannot be corrected so: {reason}")


class FactCorrector(Protocol):
    """Corrects the facts of a stay. The changed fee then comes as any revision does."""

    async def correct(
        self, stay_id: StayId, correction: Correction, *, by: str, reason: str
    ) -> int:
        """Correct, or find it corrected already; answers the revision of the fee that tells of it.

        Raises CorrectionRefusedError. Anything else that is raised means: not now.
        """
        ...
