"""For machines that watch: /healthz (am I alive), /readyz (can I work), /metrics."""

import asyncio
from typing import Any

import asyncpg
from litestar import Request, Response, Router, get
from litestar.exceptions import ServiceUnavailableException

from parking.db.pool import UNAVAILABLE
from parking.db.revisions import newest_revision
from portal import metrics
from portal.state import portal_state

_READY_TIMEOUT_SECONDS = 2.0


@get("/healthz", summary="Is the process alive?", tags=["ops"])
async def healthz() -> dict[str, str]:
    """Answer 200 as long as the process can answer at all."""
    return {"status": "ok"}


@get("/readyz", summary="Can it work: database reachable, migrations current?", tags=["ops"])
async def readyz(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Answer 200 when requests can be served, else 503 with the reason."""
    state = portal_state(request.app)
    try:
        async with asyncio.timeout(_READY_TIMEOUT_SECONDS):
            found = await state.pool.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        reason = "the database has no tables: parking migrate"
        raise ServiceUnavailableException(reason) from None
    except UNAVAILABLE as error:
        reason = f"the database does not answer ({type(error).__name__})"
        raise ServiceUnavailableException(reason) from None
    if found != newest_revision():
        reason = f"the database is at {found}, the code at {newest_revision()}: parking migrate"
        raise ServiceUnavailableException(reason)
    return {"status": "ready", "revision": str(found)}


@get("/metrics", summary="Prometheus metrics", tags=["ops"], media_type="text/plain")
async def get_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the server's counters and the database's present counts."""
    body = await metrics.render(portal_state(request.app).pool)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


OPS_ROUTER = Router("/", route_handlers=[healthz, readyz, get_metrics])
