"""Webhook endpoints: where events are sent, and the secrets that sign them."""

from typing import TYPE_CHECKING, Annotated

import msgspec

from gateway_sim.payments.operations.params import (
    Metadata,
    Params,
    checked_url,
    merge_metadata,
)
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.event import WebhookEndpoint

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject


class CreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation."""

    url: str
    enabled_events: list[str]
    api_version: str | None = None
    connect: bool = False
    description: str | None = None
    metadata: Metadata | None = None


class UpdateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an update."""

    url: str | None = None
    enabled_events: list[str] | None = None
    description: str | None = None
    disabled: bool | None = None
    metadata: Metadata | None = None


def create(world: "World", params: CreateParams) -> "JsonObject":
    """Send events somewhere; the answer, and only this one, carries the secret."""
    endpoint = WebhookEndpoint(
        id=world.ids.make("we"),
        created=world.clock.created(),
        api_version=params.api_version,
        description=params.description,
        enabled_events=params.enabled_events,
        hears="connected" if params.connect else "own",
        metadata=merge_metadata({}, params.metadata),
        secret=world.ids.make("whsec"),
        url=checked_url(params.url, param="url"),
    )
    world.save(endpoint)
    return {**present(world, endpoint), "secret": endpoint.secret}


def register(world: "World", *, url: str, secret: str) -> WebhookEndpoint:
    """Send all events, connected accounts' too, to a URL given at start; a restart finds it."""
    known = [one for one in world.store.find(WebhookEndpoint) if one.url == url]
    endpoint = (
        known[0]
        if known
        else WebhookEndpoint(
            id=world.ids.make("we"),
            created=world.clock.created(),
            hears="both",
            secret=secret,
            url=url,
        )
    )
    endpoint.secret = secret
    world.save(endpoint)
    return endpoint


def update(world: "World", params: UpdateParams, endpoint_id: str) -> WebhookEndpoint:
    """Change what is given."""
    endpoint = world.load(WebhookEndpoint, endpoint_id)
    if params.url is not None:
        endpoint.url = checked_url(params.url, param="url")
    if params.enabled_events is not None:
        endpoint.enabled_events = params.enabled_events
    if params.description is not None:
        endpoint.description = params.description or None
    if params.disabled is not None:
        endpoint.status = "disabled" if params.disabled else "enabled"
    endpoint.metadata = merge_metadata(endpoint.metadata, params.metadata)
    world.save(endpoint)
    return endpoint


def delete(world: "World", _params: Params, endpoint_id: str) -> "JsonObject":
    """Send no more events there; what was queued goes missing."""
    world.load(WebhookEndpoint, endpoint_id)
    world.store.remove(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


class Roll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of secret (at Stripe a button, not a request)."""

    endpoint: str
    overlap_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 86_400
    """How long the old secret signs beside the new one."""


def roll(world: "World", asked: Roll) -> "JsonObject":
    """Give an endpoint a new secret; the answer carries it."""
    endpoint = world.load(WebhookEndpoint, asked.endpoint)
    endpoint.old_secret = endpoint.secret
    endpoint.old_secret_until = world.clock.now() + asked.overlap_seconds
    endpoint.secret = world.ids.make("whsec")
    world.save(endpoint)
    return {**present(world, endpoint), "secret": endpoint.secret}
