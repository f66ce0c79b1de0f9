"""Billing's routes: drivers, operators' statements, and Stripe's webhooks."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, PathParameter

from billing.core.statement import Statement
from billing.web.access import require_operator, services_of
from billing.web.accounts import accounts_router
from billing.web.appeals import appeals_router
from billing.web.claims import claims_router
from billing.web.drivers import drivers_router
from parking.core.ids import SLUG_PATTERN, OperatorId

OperatorPath = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook is stored."""

    received: bool = True
    duplicate: bool
    """It was stored before."""


@post("/v1/webhooks/stripe", status_code=200, summary="Receive a webhook of Stripe's", security=[])
async def post_webhook(request: Request[Any, Any, Any]) -> Received:
    """Verify the signature over the bare body, store the event once, answer at once."""
    stored = await services_of(request).receive_webhook(
        body=await request.body(), signature=request.headers.get("stripe-signature")
    )
    return Received(duplicate=not stored)


@get("/v1/operators/{operator_id:str}/statements/{day:date}", summary="Show a day's statement")
async def get_statement(
    request: Request[Any, Any, Any], operator_id: OperatorPath, day: FromPath[date]
) -> Statement:
    """Draw up what one ledger day did to an operator's money: opening, lines, closing."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).statement(operator, day)


def billing_routers() -> list[Router]:
    """Put billing's routes together; they find their services in `app.state.billing`."""
    money = Router(path="/", tags=["money"], route_handlers=[post_webhook, get_statement])
    return [accounts_router(), drivers_router(), claims_router(), appeals_router(), money]
