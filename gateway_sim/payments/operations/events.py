"""Events: what happened, newest first."""

from typing import TYPE_CHECKING

from gateway_sim.payments.operations.params import ListParams, Page, Params, list_page
from gateway_sim.payments.shapes.event import Event

if TYPE_CHECKING:
    from gateway_sim.payments.world import World


class EventListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which type."""

    type: str | None = None


def retrieve(world: "World", _params: Params, event_id: str) -> Event:
    """An event."""
    return world.load(Event, event_id)


def list_all(world: "World", params: EventListParams) -> Page:
    """Events, newest first."""
    return list_page(world, Event, params, url="/v1/events", type=params.type)
