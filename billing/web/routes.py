"""Billing's routes: drivers, operators' statements, and providers' webhooks."""

from typing import Any

import msgspec
from litestar import Request, Router, post
from litestar.params import FromPath

from billing.web.access import services_of
from billing.web.accounts import accounts_router
from billing.web.appeals import appeals_router
from billing.web.claims import claims_router
from billing.web.desk import desk_router
from billing.web.disputes import disputes_router
from billing.web.drivers import drivers_router
from billing.web.operators import operators_router
from billing.web.payouts import payouts_router
from billing.web.plate_services import plate_services_router


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook is stored."""

    received: bool = True
    duplicate: bool
    """It was stored before."""


@post(
    "/v1/webhooks/{provider:str}",
    status_code=200,
    summary="Receive a payment provider's webhook: stripe, wechatpay",
    security=[],
)
async def post_webhook(provider: FromPath[str], request: Request[Any, Any, Any]) -> Received:
    """Verify the signature over the bare body, store the event once, answer at once."""
    stored = await services_of(request).receive_webhook(
        provider, body=await request.body(), headers=_lowered(request)
    )
    return Received(duplicate=not stored)


def _lowered(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def billing_routers() -> list[Router]:
    """Put billing's routes together; they find their services in `app.state.billing`."""
    money = Router(path="/", tags=["money"], route_handlers=[post_webhook])
    return [
        accounts_router(),
        drivers_router(),
        plate_services_router(),
        claims_router(),
        appeals_router(),
        operators_router(),
        payouts_router(),
        disputes_router(),
        desk_router(),
        money,
    ]
