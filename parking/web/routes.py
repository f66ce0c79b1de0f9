"""All of parking's routes. They find their services in `app.state.parking`."""

from litestar import Router

from parking.web import (
    clones,
    fee_facts,
    lane_events,
    occupancy,
    registering,
    saying,
    tickets,
    viewing,
)


def parking_routers() -> tuple[Router, ...]:
    """The device, operator and admin API under /v1.

    One router: the framework wants all methods of a path in the same one.
    """
    handlers = [
        lane_events.post_lane_events,
        *registering.HANDLERS,
        *viewing.HANDLERS,
        *saying.HANDLERS,
        *tickets.HANDLERS,
        *occupancy.HANDLERS,
        *clones.HANDLERS,
        *fee_facts.HANDLERS,
    ]
    return (Router(path="/", route_handlers=handlers),)
