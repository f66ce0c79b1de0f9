"""What every request passes through first: trace id, timing, access log, security headers.

It wraps the whole application, not single routes, so that a path which does not exist is logged
and answered like any other.
"""

import time
from http import HTTPStatus
from typing import Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portal.metrics import REQUEST_SECONDS, REQUESTS
from portal.tracing import trace_id_of

_LOG = structlog.get_logger("portal.access")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
)
_FIXED_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_QUIET_PATHS: Final = frozenset(
    {"/healthz", "/readyz", "/metrics", "/live.json", "/v1/lane-events"}
)
"""Asked by machines all the time: logged at debug level only, counted like the others."""


class Frame:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, payment_origins: tuple[str, ...]) -> None:
        """Wrap `app`; `payment_origins` are where a driver's pay form may lead to."""
        self._app = app
        form_action = " ".join(("'self'", *payment_origins))
        policy = CONTENT_SECURITY_POLICY.format(form_action=form_action).encode()
        self._headers = (*_FIXED_HEADERS, (b"content-security-policy", policy))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and say afterwards how it went."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        trace_id = trace_id_of(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        started = time.perf_counter()
        status = 500

        async def framed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", []))
                present = {name.lower() for name, _ in headers}
                headers += [pair for pair in self._headers if pair[0] not in present]
                headers.append((b"x-trace-id", trace_id.encode()))
                message["headers"] = headers
            await send(message)

        try:
            await self._app(scope, receive, framed_send)
        finally:
            _account(scope, status=status, seconds=time.perf_counter() - started)


def _account(scope: Scope, *, status: int, seconds: float) -> None:
    """Count and log one request. The query string is left out: it may hold a key."""
    method = str(scope.get("method", ""))
    route = str(scope.get("path_template") or "unmatched")
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(method, route).observe(seconds)
    quiet = scope["path"] in _QUIET_PATHS and status < HTTPStatus.BAD_REQUEST
    say = _LOG.debug if quiet else _LOG.info
    # The template, not the path: a path may hold a stay's id, which is a capability.
    say("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
