"""Every error as `application/problem+json` (RFC 9457), whatever raised it.

Each room names the status of its own errors as data (`STATUSES`); this module turns them, and
Litestar's own exceptions, into one shape with a trace id that the log line carries too.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from parking.web.problems import PROBLEM_JSON, slug_of
from portal.tracing import trace_id_of

TYPE_PREFIX: Final = "urn:leave-first:problem:"
_RETRY_AFTER_SECONDS = 1
_LOG = structlog.get_logger("portal.problems")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem as the client reads it."""

    type: str
    """A stable name for the kind of problem: `urn:leave-first:problem:unknown-lot`."""
    title: str
    status: int
    detail: str
    instance: str
    """The path that was asked for."""
    trace_id: str
    errors: list[dict[str, str]] | None = None
    """For a malformed body or query: each field and what is wrong with it."""


def problem_response(
    request: Request[Any, Any, Any],
    *,
    status: int,
    slug: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response[bytes]:
    """Build the reply to a request that went wrong."""
    problem = Problem(
        type=f"{TYPE_PREFIX}{slug}",
        title=slug.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        instance=request.url.path,
        trace_id=trace_id_of(request.scope),
        errors=errors,
    )
    body = {key: value for key, value in msgspec.to_builtins(problem).items() if value is not None}
    return Response(
        content=msgspec.json.encode(body),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=dict(headers or {}),
    )


def _retry_headers(status: int, error: Exception) -> dict[str, str]:
    if status not in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return {}
    seconds = getattr(error, "retry_after_seconds", None) or _RETRY_AFTER_SECONDS
    return {"Retry-After": str(max(1, round(float(seconds))))}


def exception_handlers(statuses: Mapping[type[Exception], int]) -> ExceptionHandlersMap:
    """Handlers for all errors named in `statuses`, for Litestar's own, and for the unforeseen."""

    def domain(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        kind = next(kind for kind in type(error).__mro__ if kind in statuses)
        status = statuses[kind]
        return problem_response(
            request,
            status=status,
            slug=slug_of(type(error)),
            detail=str(error),
            headers=_retry_headers(status, error),
        )

    handlers: dict[int | type[Exception], Any] = dict.fromkeys(statuses, domain)
    handlers[HTTPException] = http_exception
    handlers[RecursionError] = too_deep
    handlers[Exception] = unforeseen
    return handlers


def http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Say what Litestar refused: no such path, wrong method, malformed body, too large."""
    status, detail = HTTPStatus(error.status_code), error.detail
    if isinstance(error, ValidationException):
        # The framework's own words repeat the whole address, and that may hold a key.
        status, detail = HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not of the right shape"
    return problem_response(
        request,
        status=status.value,
        slug=status.phrase.lower().replace(" ", "-").replace("'", ""),
        detail=detail or status.description,
        headers={**(error.headers or {}), **_retry_headers(status, error)},
        errors=_field_errors(error),
    )


def _field_errors(error: HTTPException) -> list[dict[str, str]] | None:
    extra = error.extra
    if not isinstance(extra, list):
        return None
    return [
        {"field": str(each.get("key", "")), "message": str(each.get("message", ""))}
        for each in extra
        if isinstance(each, dict)
    ] or None


def too_deep(request: Request[Any, Any, Any], _error: RecursionError) -> Response[bytes]:
    """Refuse a body that is nested so deeply that decoding it gave up."""
    return problem_response(
        request,
        status=HTTPStatus.BAD_REQUEST.value,
        slug="nested-too-deeply",
        detail="the body is nested too deeply",
    )


def unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer 500 without telling the outside anything; the log has the rest."""
    _LOG.error("unforeseen error", path=request.url.path, exc_info=error)
    return problem_response(
        request,
        status=HTTPStatus.INTERNAL_SERVER_ERROR.value,
        slug="internal",
        detail="Something went wrong on our side. The trace id finds it in our log.",
    )
