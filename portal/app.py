"""The application, put together: both rooms' APIs, the pages, and what machines watch it by.

This is the only place that wires. Lane events take the fast lane; every other request passes
`Frame` (trace id, log, security headers), then Litestar.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from importlib.metadata import version
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import structlog
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Server

from billing.core.statement import Statement
from billing.services.bundle import BillingServices
from billing.standings import BillingStandings
from billing.web.problems import STATUSES as BILLING_STATUSES
from billing.web.routes import billing_routers
from parking.core.ids import OperatorId, StayId
from parking.core.secret import Secret
from parking.db.closing import close_pool
from parking.db.pool import Pool, open_pool
from parking.services.bundle import ParkingServices
from parking.services.clock import system_clock
from parking.web.lane_events import FastLane
from parking.web.problems import STATUSES as PARKING_STATUSES
from parking.web.routes import parking_routers
from portal.clones import DRIVER_CLONES_ROUTER
from portal.database import database_url, keep_running
from portal.desk.routes import DESK_ROUTER
from portal.frame import Frame
from portal.ops import OPS_ROUTER
from portal.pages.account_routes import ACCOUNT_ROUTER
from portal.pages.claim_routes import CLAIM_ROUTER
from portal.pages.contest_routes import CONTEST_ROUTER
from portal.pages.live import LivePage
from portal.pages.routes import PAGES_ROUTER
from portal.problems import exception_handlers
from portal.settings import Settings
from portal.state import PortalState, keep_portal_state

_LOG = structlog.get_logger("portal.app")
_DESCRIPTION = """
Parking that is paid for after you have gone. Gates post lane events; stays, fees and payments
follow. Every error is `application/problem+json` (RFC 9457) with a `trace_id` that the log knows;
503 and 429 carry `Retry-After`, and the same request may then be sent again.

Money is whole fen (`…_minor`) with an ISO 4217 currency. Instants are RFC 3339 with a zone.
"""


def create_app(settings: Settings) -> Litestar:
    """Build the application; the database is opened when it starts."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        keeper = asyncio.create_task(keep_running(settings.database))
        url = await database_url(settings.database)
        pool = await open_pool(url, size_max=settings.database.pool_size)
        try:
            async with _services(app, settings, pool):
                yield
        finally:
            keeper.cancel()
            await close_pool(pool)

    app = Litestar(
        route_handlers=[
            *parking_routers(),
            *billing_routers(),
            DRIVER_CLONES_ROUTER,
            PAGES_ROUTER,
            ACCOUNT_ROUTER,
            CONTEST_ROUTER,
            CLAIM_ROUTER,
            DESK_ROUTER,
            OPS_ROUTER,
        ],
        lifespan=[lifespan],
        exception_handlers=exception_handlers({**PARKING_STATUSES, **BILLING_STATUSES}),
        openapi_config=_openapi(settings),
        request_max_body_size=settings.server.body_bytes_max,
        logging_config=None,
    )
    framed = Frame(app.asgi_handler, payment_origins=_payment_origins(settings))
    app.asgi_handler = FastLane(framed, lambda: _parking_of(app))
    return app


@asynccontextmanager
async def _services(app: Litestar, settings: Settings, pool: Pool) -> AsyncIterator[None]:
    """Put both rooms' services where their routes find them."""
    billing = BillingServices.build(pool=pool, settings=settings.billing, clock=system_clock)
    standings = BillingStandings(pool, settings.billing, clock=system_clock)
    parking = ParkingServices.build(
        pool=pool, standings=standings, clock=system_clock, limits=settings.ingest
    )
    app.state.parking = parking
    app.state.billing = billing
    if settings.admin_key:
        await _let_admin_in(parking, settings.admin_key)
    keep_portal_state(app, _portal_state(settings, pool, billing, parking))
    try:
        yield
    finally:
        await parking.close()
        await billing.close()


async def _let_admin_in(parking: ParkingServices, key: Secret) -> None:
    """Store the configured admin key. A database without tables is for /readyz to tell."""
    try:
        await parking.keys.ensure_admin_key(key.reveal())
    except asyncpg.UndefinedTableError:
        _LOG.warning("no tables yet: run `parking migrate`, then start again for the admin key")


def _portal_state(
    settings: Settings, pool: Pool, billing: BillingServices, parking: ParkingServices
) -> PortalState:
    async def checkout_url(stay_id: UUID, return_url: str) -> str:
        return await billing.open_checkout(StayId(stay_id), return_url=return_url)

    async def statement(operator_id: str, day: date) -> Statement:
        return await billing.statement(OperatorId(operator_id), day)

    return PortalState(
        settings=settings,
        pool=pool,
        keys=parking.keys,
        live=LivePage(pool, settings=settings.billing, clock=system_clock),
        checkout_url=checkout_url,
        statement=statement,
    )


def _parking_of(app: Litestar) -> ParkingServices:
    found: ParkingServices = app.state.parking
    return found


def _payment_origins(settings: Settings) -> tuple[str, ...]:
    """Where a driver may be sent to pay: any https page, and a simulator on this machine."""
    parts = urlsplit(settings.billing.stripe_api_url)
    local = (f"{parts.scheme}://{parts.netloc}",) if parts.scheme == "http" else ()
    return ("https:", *local)


def _openapi(settings: Settings) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Leave First",
        version=version("leave-first"),
        description=_DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/")],
        servers=[Server(url=settings.server.base_url)],
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="The key of a device, an operator or the admin; a driver's token.",
                )
            }
        ),
        security=[{"key": []}],
    )
