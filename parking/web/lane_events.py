"""`POST /v1/lane-events`: the one route that must be fast.

`FastLane` stands before the framework and answers this route itself, with the bare ASGI messages;
`post_lane_events` is the same route in the framework, which describes it in OpenAPI and serves it
where nobody put the fast lane in front.
"""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response, post
from litestar.types import ASGIApp, Receive, Scope, Send

from parking.core.errors import DomainError
from parking.core.ids import DeviceId
from parking.db.api_keys import Principal, Role
from parking.services.api_keys import ForbiddenError, UnauthorisedError
from parking.services.bundle import ParkingServices
from parking.services.check_lane_event import Bounds, Submission, bounds_at, check_lane_event
from parking.services.incoming import Incoming
from parking.services.place_book import LotEntry
from parking.services.record_lane_events import Outcome, Status
from parking.services.refusals import UnknownDeviceError, UnknownLaneError
from parking.web.event_bodies import Element, Form, Unreadable, read_events
from parking.web.event_results import EventProblem, EventResult, EventResults, Problem
from parking.web.lane_events_openapi import LaneEventsOperation
from parking.web.problems import (
    PROBLEM_JSON,
    BodyTooLargeError,
    MalformedBodyError,
    status_of,
    title_of,
    type_of,
)

PATH: Final = "/v1/lane-events"
_ENCODE: Final = msgspec.json.Encoder().encode
_BEARER: Final = b"bearer "
Answer: TypeAlias = tuple[int, bytes, int | None]
"""Status, body, and Retry-After in seconds; a status from 400 on has a problem as its body."""


class FastLane:
    """An ASGI layer that answers `POST /v1/lane-events` and passes everything else on."""

    def __init__(self, app: ASGIApp, services: Callable[[], ParkingServices]) -> None:
        """Wrap `app`; `services` answers them once the application has started."""
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["path"] != PATH or scope.get("method") != "POST":
            await self._app(scope, receive, send)
            return
        scope["path_template"] = PATH
        services = self._services()
        authorization, content_type, length = b"", b"", None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                content_type = value
            elif name == b"content-length":
                length = value
        try:
            body = await _read_body(receive, length, services.limits.body_bytes_max)
            status, content, retry = await answer(services, authorization, content_type, body)
        except DomainError as error:
            status, content, retry = problem_answer(error, trace_id=_trace_id(scope))
        await _send(send, status, content, retry)


async def answer(
    services: ParkingServices, authorization: bytes, content_type: bytes, body: bytes
) -> Answer:
    """Record what a body holds. Raises the DomainError that is the answer to the whole request."""
    principal = await services.keys.principal(bearer(authorization))
    if principal.role is not Role.DEVICE or principal.lot_id is None:
        needed = "a device key"
        raise ForbiddenError(needed)
    events_max = services.limits.request_events_max
    form, elements = read_events(body, content_type, events_max=events_max)
    services.rates.take(principal.key_id, len(elements), now_s=time.monotonic())
    checked = await _check(services, principal, elements)
    submissions = [each for each in checked if isinstance(each, Submission)]
    recorded = iter(await services.recorder.record(submissions) if submissions else ())
    if form is Form.ONE:
        return _single(elements[0], checked[0], recorded)
    results = [
        _result(element, next(recorded) if isinstance(each, Submission) else _refused(each))
        for element, each in zip(elements, checked, strict=True)
    ]
    return 200, _ENCODE(EventResults(results)), None


def problem_answer(error: DomainError, *, trace_id: str) -> Answer:
    """An error as RFC 9457 wants it."""
    kind = type(error)
    status = status_of(kind)
    problem = Problem(
        type=type_of(kind),
        title=title_of(kind),
        status=status,
        detail=str(error),
        instance=PATH,
        trace_id=trace_id,
    )
    return status, _ENCODE(problem), getattr(error, "retry_after_seconds", None)


def bearer(authorization: bytes) -> str:
    """The key out of an Authorization header. Raises UnauthorisedError."""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        raise UnauthorisedError
    try:
        return authorization[len(_BEARER) :].strip().decode("ascii")
    except UnicodeDecodeError:
        raise UnauthorisedError from None


async def _check(
    services: ParkingServices, principal: Principal, elements: list[Element]
) -> list[Submission | DomainError]:
    lot_id, device_id = principal.lot_id, principal.device_id
    assert lot_id is not None  # noqa: S101 - a device key has both, the database sees to it
    assert device_id is not None  # noqa: S101
    bounds = bounds_at(services.clock(), services.limits)
    lot = await services.book.lot(lot_id)
    checked = [_checked(element, lot, device_id, bounds) for element in elements]
    if any(isinstance(each, UnknownLaneError | UnknownDeviceError) for each in checked):
        # It may have been put in place a moment ago, through another process.
        lot = await services.book.reread(lot_id)
        checked = [_checked(element, lot, device_id, bounds) for element in elements]
    return checked


def _checked(
    element: Element, lot: LotEntry, device_id: DeviceId, bounds: Bounds
) -> Submission | DomainError:
    if isinstance(element, Unreadable):
        return element.error
    try:
        return check_lane_event(element, lot=lot, device_id=device_id, bounds=bounds)
    except DomainError as error:
        return error


def _single(
    element: Element, checked: Submission | DomainError, recorded: Iterator[Outcome]
) -> Answer:
    if isinstance(checked, DomainError):
        raise checked
    outcome = next(recorded)
    if outcome.error is not None:
        raise outcome.error
    status = 201 if outcome.status is Status.ACCEPTED else 200
    return status, _ENCODE(_result(element, outcome)), None


def _refused(error: Submission | DomainError) -> Outcome:
    assert isinstance(error, DomainError)  # noqa: S101 - told by the caller
    return Outcome(Status.REFUSED, error=error)


def _result(element: Incoming | Unreadable, outcome: Outcome) -> EventResult:
    error = outcome.error
    return EventResult(
        event_id=element.event_id,
        status=outcome.status,
        problem=msgspec.UNSET
        if error is None
        else EventProblem(type_of(type(error)), title_of(type(error)), str(error)),
        display=outcome.display,
    )


async def _read_body(receive: Receive, length: bytes | None, bytes_max: int) -> bytes:
    """Read no more than the limit, whatever Content-Length says or does not say."""
    if length is not None and length.isdigit() and int(length) > bytes_max:
        raise BodyTooLargeError(bytes_max)
    message: Any = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and message["type"] == "http.request":
        return _within(body, bytes_max)
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise BodyTooLargeError(bytes_max)
        parts.append(part)
    if message["type"] == "http.disconnect":
        reason = "the sender hung up"
        raise MalformedBodyError(reason)
    return b"".join(parts)


def _within(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise BodyTooLargeError(bytes_max)
    return body


def _headers(status: int, retry_after: int | None) -> list[tuple[bytes, bytes]]:
    kind = b"application/json" if status < HTTPStatus.BAD_REQUEST else PROBLEM_JSON.encode()
    headers = [(b"content-type", kind)]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


async def _send(send: Send, status: int, content: bytes, retry_after: int | None) -> None:
    headers = _headers(status, retry_after)
    headers.append((b"content-length", str(len(content)).encode()))
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": content, "more_body": False})


def _trace_id(scope: Scope) -> str:
    found = scope.get("state", {}).get("trace_id", "")
    return found if isinstance(found, str) else ""


@post(
    PATH,
    operation_id="PostLaneEvents",
    operation_class=LaneEventsOperation,
    tags=["lane events"],
    summary="Record lane events",
)
async def post_lane_events(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Record one lane event, a JSON array of them, or NDJSON with one a line.

    Each event of a batch is answered on its own; what is answered as accepted or duplicate is on
    disk. 503 and 429 carry Retry-After: send the same again, nothing is recorded twice.
    """
    services: ParkingServices = request.app.state.parking
    headers = request.headers
    authorization = headers.get("authorization", "").encode("latin-1")
    content_type = headers.get("content-type", "").encode("latin-1")
    length = headers.get("content-length", "").encode("latin-1")
    try:
        body = await _read_body(request.receive, length, services.limits.body_bytes_max)
        status, content, retry = await answer(services, authorization, content_type, body)
    except DomainError as error:
        trace_id = _trace_id(request.scope)
        status, content, retry = problem_answer(error, trace_id=trace_id)
    pairs = _headers(status, retry)
    return Response(
        content=content,
        status_code=status,
        headers={name.decode(): value.decode() for name, value in pairs[1:]},
        media_type=pairs[0][1].decode(),
    )
