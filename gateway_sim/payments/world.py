"""The simulated world: state, clock, ids, and the ways in which operations change them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from gateway_sim.payments.clock import Clock
from gateway_sim.payments.deliveries import DeliveryQueue
from gateway_sim.payments.errors import NestedResourceMissingError, ResourceMissingError
from gateway_sim.payments.faults import Faults
from gateway_sim.payments.identifiers import Identifiers
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.shapes.event import Event, EventRequest, WebhookEndpoint
from gateway_sim.payments.store import Store
from gateway_sim.payments.truth import TruthLog

S = TypeVar("S", bound=Shape)
API_VERSION = "2024-04-10"
"""The version whose shapes are answered; README.md tells how newer ones differ."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The request that is being executed."""

    request_id: str | None = None
    idempotency_key: str | None = None
    origin: str = "http://127.0.0.1"
    """Where hosted pages are reached."""


class World:
    """Everything an operation may touch. Used by one request at a time."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        seed: int,
        fee_basis_points: int,
        faults: Faults,
    ) -> None:
        """Join the parts.

        `fee_basis_points` is what the gateway keeps of a charge, in hundredths of a percent.
        """
        self.store = store
        self.clock = clock
        self.ids = Identifiers(seed, store)
        self.truth = TruthLog(store)
        self.deliveries = DeliveryQueue(store)
        self.fee_basis_points = fee_basis_points
        self.cause = Cause()
        self.faults = faults

    @contextmanager
    def acting_for(self, cause: Cause) -> Iterator[None]:
        """Name the request that everything inside is done for."""
        before, self.cause = self.cause, cause
        try:
            yield
        finally:
            self.cause = before

    def load(self, shape: type[S], object_id: str, *, param: str | None = None) -> S:
        """The object with an id.

        `param` names the parameter that the id came in; None: it came in the URL.
        Raises ResourceMissingError, or NestedResourceMissingError when a parameter named it.
        """
        found = self.store.get(shape, object_id)
        if found is not None:
            return found
        if param is None:
            raise ResourceMissingError(shape.kind(), object_id)
        raise NestedResourceMissingError(shape.kind(), object_id, param=param)

    def save(self, shape: Shape) -> None:
        """Keep a new or changed object."""
        self.store.put(shape)

    def emit(self, event_type: str, shape: Shape) -> None:
        """Record an event and queue its deliveries."""
        event = Event(
            id=self.ids.make("evt"),
            created=self.clock.created(),
            api_version=API_VERSION,
            data={"object": present(self, shape)},
            request=EventRequest(
                id=self.cause.request_id, idempotency_key=self.cause.idempotency_key
            ),
            type=event_type,
        )
        self.store.put(event)
        for endpoint in self.store.find(WebhookEndpoint):
            if endpoint.wants(event_type):
                now, delays = self.clock.now(), self.faults.delivery_delays()
                self.deliveries.add(event.id, endpoint.id, now=now, delays=delays)
