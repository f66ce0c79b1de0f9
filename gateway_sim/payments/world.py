"""The simulated world: state, clock, ids, and the ways in which operations change them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from gateway_sim.clock import Clock
from gateway_sim.payments.agenda import Agenda
from gateway_sim.payments.deliveries import DeliveryQueue
from gateway_sim.payments.errors import NestedResourceMissingError, ResourceMissingError
from gateway_sim.payments.faults import Faults
from gateway_sim.payments.identifiers import Identifiers
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.shapes.event import Event, EventRequest, WebhookEndpoint
from gateway_sim.payments.store import PLATFORM, Store
from gateway_sim.payments.truth import TruthLog

S = TypeVar("S", bound=Shape)
API_VERSION = "2024-04-10"
"""The version whose shapes are answered; README.md tells how newer ones differ."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway asks and promises."""

    fee_basis_points: int = 60
    """Kept of each charge, in hundredths of a percent, halves of a minor unit rounded up."""
    dispute_fee_minor: int = 1500
    """Kept for each dispute, won or lost (Stripe gives it back no more since June 2025)."""
    settlement_days: int = 2
    """From a charge to its money being available."""
    payout_days: int = 2
    """From a payout to its arrival."""
    payout_interval: str = "manual"
    """When the platform itself is paid out: manual, daily, weekly or monthly."""
    response_days: int = 7
    """For evidence in a dispute."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The request that is being executed."""

    request_id: str | None = None
    idempotency_key: str | None = None
    origin: str = "http://127.0.0.1"
    """Where hosted pages are reached."""
    account: str = PLATFORM
    """On whose behalf: a connected account named by `Stripe-Account`, or the platform itself."""


class World:
    """Everything an operation may touch. Used by one request at a time."""

    def __init__(
        self, *, store: Store, clock: Clock, seed: int, terms: Terms, faults: Faults
    ) -> None:
        """Join the parts."""
        self.store = store
        self.clock = clock
        self.ids = Identifiers(seed, store)
        self.truth = TruthLog(store)
        self.deliveries = DeliveryQueue(store)
        self.agenda = Agenda(store)
        self.terms = terms
        self.cause = Cause()
        self.faults = faults

    @contextmanager
    def acting_for(self, cause: Cause) -> Iterator[None]:
        """Name the request that everything inside is done for."""
        before, self.cause = self.cause, cause
        try:
            with self.store.within(cause.account):
                yield
        finally:
            self.cause = before

    @contextmanager
    def at_platform(self) -> Iterator[None]:
        """Inside the block the platform's own objects are kept and found."""
        with self.store.within(PLATFORM):
            yield

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
            account=self.store.account or None,
            api_version=API_VERSION,
            data={"object": present(self, shape)},
            request=EventRequest(
                id=self.cause.request_id, idempotency_key=self.cause.idempotency_key
            ),
            type=event_type,
        )
        self.store.put(event)
        for endpoint in self._endpoints():
            if endpoint.wants(event_type):
                self._queue(event, endpoint)

    def _queue(self, event: Event, endpoint: WebhookEndpoint) -> None:
        now, delays = self.clock.now(), self.faults.delivery_delays(event.type)
        self.deliveries.add(event.id, endpoint.id, now=now, delays=delays)
        for flaw in self.faults.false_deliveries(event.type):
            self.deliveries.add_false(event.id, endpoint.id, now=now, flaw=flaw.value)

    def _endpoints(self) -> Sequence[WebhookEndpoint]:
        """The account's own endpoints; what happens to a connected one, the platform hears too."""
        own = [one for one in self.store.find(WebhookEndpoint) if one.hears != "connected"]
        if self.store.account == PLATFORM:
            return own
        with self.at_platform():
            platforms = self.store.find(WebhookEndpoint)
        return [*own, *(one for one in platforms if one.hears != "own")]
