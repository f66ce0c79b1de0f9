"""What billing asks of a provider that wants to hear of a car before it is charged.

A driver opens the provider's service for a plate, at the provider; billing looks it up. When the
car drives in the stay is registered, and the answer says whether its driver may pay later.
"""

from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias
from uuid import UUID

import msgspec

from billing.core.attempt import Unknown
from billing.gateway_request import GatewayRequest
from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.plate import Plate


class ServiceState(Enum):
    """Whether a driver's service for a plate is open."""

    NORMAL = "normal"
    """It is: stays may be charged to it."""
    PAUSED = "paused"
    """Its driver has paused it."""
    ENDED = "ended"
    """There is none, or no longer."""


class UnknownColourError(DomainError):
    """The provider keeps plates by their colour; one of unknown colour has no service."""

    def __init__(self) -> None:
        super().__init__("the plate's colour must be known: blue, green, yellow, black or white")


class PlateService(msgspec.Struct, frozen=True, kw_only=True):
    """A driver's service for a plate, as the provider knows it."""

    state: ServiceState
    customer_ref: str
    opened_at: datetime | None = None


class RegistrationOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the provider that a car has driven in."""

    registration_id: UUID
    plate: Plate
    colour: PlateColour
    lot_name: str
    entered_at: datetime


class RegisteredStay(msgspec.Struct, frozen=True, kw_only=True):
    """A stay that was registered, as it is to be charged."""

    registration_ref: str
    plate: Plate
    colour: PlateColour
    lot_id: str
    lot_name: str
    entered_at: datetime
    left_at: datetime


class Registered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The provider has heard of it."""

    registration_ref: str
    block_reason: str | None = None
    """Why this driver may not pay later, in the provider's word; None: they may."""
    service: ServiceState = ServiceState.NORMAL


class RegistrationRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The provider will not have it: the stay is charged in another way."""

    reason: str


RegistrationAnswer: TypeAlias = Registered | RegistrationRefused | Unknown


class EntryRegistrar(Protocol):
    """A provider's side of plates and entries."""

    async def look_up_service(
        self, *, plate: Plate, colour: PlateColour, customer_ref: str
    ) -> PlateService:
        """Ask whether a driver has a service for a plate.

        Raises GatewayUnavailableError, GatewayRefusedError.
        """
        ...

    def registration_request(self, order: RegistrationOrder) -> GatewayRequest:
        """Word a registration."""
        ...

    async def register(self, request: GatewayRequest) -> RegistrationAnswer:
        """Send a registration, or send it again: it has one name, and is made once."""
        ...
