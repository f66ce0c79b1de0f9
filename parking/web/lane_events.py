"""`POST /v1/lane-events`: the one route that must be fast.

`FastLane` stands before the framework and answers this route itself, with the bare ASGI messages;
`post_lane_events` is the same route in the framework, which describes it in OpenAPI and serves it
where nobody put the fast lane in front.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response, post
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec.structs import replace

from parking.core.errors import DomainError
from parking.core.ids import DeviceId
from parking.core.stay import StayState
from parking.db.api_keys import Principal, Role
from parking.services.api_keys import ForbiddenError, UnauthorisedError
from parking.services.bundle import ParkingServices
from parking.services.check_lane_event import Bounds, Submission, check_lane_event
from parking.services.incoming import Incoming
from parking.services.outcomes import Outcome, Status
from parking.services.place_book import LotEntry
from parking.services.refusals import UnknownDeviceError, UnknownLaneError
from parking.web.answers import Answer, UnforeseenError, json_answer, problem_answer
from parking.web.event_bodies import Element, Form, Unreadable, read_events
from parking.web.event_results import EventProblem, EventResult, EventResults
from parking.web.lane_events_openapi import LaneEventsOperation
from parking.web.problems import (
    BodyTooLargeError,
    MalformedBodyError,
    title_of,
    type_of,
)

PATH: Final = "/v1/lane-events"
_LOG: Final = structlog.get_logger("parking.lane_events")
_BEARER: Final = b"bearer "


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
            reply = await answer(services, authorization, content_type, body)
        except Exception as error:  # noqa: BLE001 - there is nobody behind us to answer for it
            reply = _problem(error, _trace_id(scope))
        await _send(send, reply)


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
    if form is Form.ONE:
        return await _single(services, elements[0], checked[0])
    submissions = [each for each in checked if isinstance(each, Submission)]
    recorded = iter(await services.recorder.record(submissions) if submissions else ())
    results = [
        _result(element, next(recorded) if isinstance(each, Submission) else _refused(each))
        for element, each in zip(elements, checked, strict=True)
    ]
    return json_answer(200, EventResults(results))


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
    bounds = Bounds(services.clock(), *services.event_ages)
    lot = await services.book.lot(lot_id)
    checked = [_checked(element, lot, device_id, bounds) for element in elements]
    for each in checked:
        if isinstance(each, UnknownLaneError | UnknownDeviceError):
            # It may have been put in place a moment ago, through another process.
            lot = await services.book.reread(lot_id)
            return [_checked(element, lot, device_id, bounds) for element in elements]
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


async def _single(
    services: ParkingServices, element: Element, checked: Submission | DomainError
) -> Answer:
    if isinstance(checked, DomainError):
        raise checked
    (outcome,) = await services.recorder.record([checked])
    if outcome.error is not None:
        raise outcome.error
    display = outcome.display
    if display is not None and display.state is StayState.OPEN:
        price = await services.gate_prices.of_event(
            checked.fact, stay_id=display.stay_id, entered_at=display.entered_at
        )
        outcome = replace(outcome, display=replace(display, price=price))
    status = 201 if outcome.status is Status.ACCEPTED else 200
    return json_answer(status, _result(element, outcome))


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


async def _send(send: Send, reply: Answer) -> None:
    length = (b"content-length", str(len(reply.body)).encode())
    start: Any = {
        "type": "http.response.start",
        "status": reply.status,
        "headers": [*reply.headers, length],
    }
    await send(start)
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def _problem(error: Exception, trace_id: str) -> Answer:
    """Answer an error, and say in the log what was answered."""
    if isinstance(error, DomainError):
        _LOG.info("request refused", trace_id=trace_id, reason=str(error))
        return problem_answer(error, instance=PATH, trace_id=trace_id)
    _LOG.error("unforeseen error", trace_id=trace_id, exc_info=error)
    return problem_answer(UnforeseenError(), instance=PATH, trace_id=trace_id)


def _trace_id(scope: Scope) -> str:
    """The request's trace id where an outer layer gave it one, else a new one."""
    found = scope.get("state", {}).get("trace_id")
    return found if isinstance(found, str) else secrets.token_hex(16)


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
        reply = await answer(services, authorization, content_type, body)
    except DomainError as error:
        reply = _problem(error, _trace_id(request.scope))
    kind, *others = reply.headers
    return Response(
        content=reply.body,
        status_code=reply.status,
        headers={name.decode(): value.decode() for name, value in others},
        media_type=kind[1].decode(),
    )
