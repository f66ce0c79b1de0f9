"""Events, and the webhook endpoints that they are delivered to."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject


class EventRequest(msgspec.Struct, kw_only=True):
    """The API request that caused an event; both null when none did."""

    id: str | None = None
    idempotency_key: str | None = None


class Event(Shape, kw_only=True):
    """Something that happened, with a snapshot of its object."""

    KIND: ClassVar[str] = "event"

    object: Literal["event"] = "event"
    livemode: bool = False
    account: str | None = None
    """The connected account that it happened to; not told when it was the platform."""
    api_version: str
    data: JsonObject
    pending_webhooks: int = 0
    """Counted when asked."""
    request: EventRequest
    type: str


class WebhookEndpoint(Shape, kw_only=True):
    """Where events are sent."""

    KIND: ClassVar[str] = "webhook_endpoint"

    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    livemode: bool = False
    api_version: str | None = None
    application: None = None
    description: str | None = None
    enabled_events: list[str] = msgspec.field(default_factory=lambda: ["*"])
    hears: Literal["own", "connected", "both"] = "own"
    """Whose events; `connect` on creation. Never answered."""
    metadata: dict[str, str] = {}
    secret: str
    """Answered on creation only."""
    old_secret: str | None = None
    """Signs as well until `old_secret_until`, and never again after it. Never answered."""
    old_secret_until: float = 0.0
    status: Literal["enabled", "disabled"] = "enabled"
    url: str

    def wants(self, event_type: str) -> bool:
        """Whether events of a type are sent here."""
        wanted = "*" in self.enabled_events or event_type in self.enabled_events
        return wanted and self.status == "enabled"
