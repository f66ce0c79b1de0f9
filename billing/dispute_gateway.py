"""What billing asks of a provider whose drivers' banks may take money back, and what it hears."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

import msgspec

from billing.core.attempt import Unknown
from billing.core.disputes import DisputeState, Movement
from billing.core.evidence import Evidence
from billing.gateway_request import GatewayRequest
from parking.core.ids import PaymentId


class DisputeReport(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the provider has it now. Sums in minor units."""

    dispute_ref: str
    state: DisputeState
    reason: str
    """The bank's, in the provider's word."""
    amount_minor: int
    currency: str
    payment_id: PaymentId | None
    """Ours, where the disputed payment carries it."""
    charge_ref: str
    opened_at: datetime
    answer_by: datetime | None
    """Evidence is taken until then."""
    answered: bool
    """Our evidence was submitted."""
    movements: tuple[Movement, ...]
    """All money that moved for it, so far."""


class DisputeGateway(Protocol):
    """A provider's side of bank disputes. Requests are pure; what is async uses the network."""

    def evidence_request(self, dispute_ref: str, evidence: Evidence) -> GatewayRequest:
        """Word evidence, submitted at once."""
        ...

    def concession_request(self, dispute_ref: str) -> GatewayRequest:
        """Word that we give in."""
        ...

    async def look_up_dispute(self, dispute_ref: str) -> DisputeReport | None:
        """Ask how a dispute stands; None: there is none. Raises GatewayUnavailableError."""
        ...

    async def answer_dispute(
        self, request: GatewayRequest, *, idempotency_key: str
    ) -> DisputeReport | Unknown:
        """Send evidence or a concession, or send it again; Unknown: look it up to know."""
        ...

    def disputes_since(self, since: datetime) -> AsyncIterator[str]:
        """Name the disputes opened since an instant. Raises GatewayUnavailableError."""
        ...
