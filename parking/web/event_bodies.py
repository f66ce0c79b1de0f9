"""What came in the body of `POST /v1/lane-events`: one event, an array, or a line for each.

One malformed element of a batch is refused on its own; its neighbours are not its hostages.
"""

from enum import Enum
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from parking.core.errors import DomainError
from parking.services.incoming import Incoming
from parking.web.problems import InvalidEventError, MalformedBodyError, TooManyEventsError

_EVENT: Final = msgspec.json.Decoder(Incoming)
_EVENTS: Final = msgspec.json.Decoder(list[Incoming])
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_NDJSON: Final = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")


class _IdOnly(msgspec.Struct):
    event_id: UUID | None = None


_ID: Final = msgspec.json.Decoder(_IdOnly)


class Form(Enum):
    """How the events were sent, and how they are answered."""

    ONE = "one"
    MANY = "many"


class Unreadable(msgspec.Struct, frozen=True):
    """An element that is not a lane event, with its id as far as it has one."""

    event_id: UUID | None
    error: DomainError


Element: TypeAlias = Incoming | Unreadable


def read_events(body: bytes, content_type: bytes, *, events_max: int) -> tuple[Form, list[Element]]:
    """Decode a body.

    Raises MalformedBodyError, TooManyEventsError, and InvalidEventError for a single bad event.
    """
    if content_type.split(b";", 1)[0].strip().lower() in _NDJSON:
        lines = [line for line in body.split(b"\n") if line.strip()]
        _hold_to(events_max, len(lines))
        return Form.MANY, [_element(line) for line in lines]
    try:
        if body.lstrip(b" \t\r\n")[:1] == b"[":
            return Form.MANY, _array(body, events_max)
        return Form.ONE, [_EVENT.decode(body)]
    except msgspec.ValidationError as error:
        raise InvalidEventError(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise MalformedBodyError(_reason(error)) from None


def _array(body: bytes, events_max: int) -> list[Element]:
    try:
        events = list[Element](_EVENTS.decode(body))
    except msgspec.ValidationError:
        raws = _RAWS.decode(body)
        _hold_to(events_max, len(raws))
        return [_element(bytes(raw)) for raw in raws]
    _hold_to(events_max, len(events))
    return events


def _hold_to(events_max: int, events: int) -> None:
    """Before any of them costs more: a refused element is dearer than a good one."""
    if events > events_max:
        raise TooManyEventsError(events_max)


def _element(data: bytes) -> Element:
    try:
        event: Incoming = _EVENT.decode(data)
    except msgspec.ValidationError as error:
        return Unreadable(_id_of(data), InvalidEventError(str(error)))
    except (ValueError, RecursionError) as error:
        return Unreadable(None, MalformedBodyError(_reason(error)))
    return event


def _id_of(data: bytes) -> UUID | None:
    try:
        return _ID.decode(data).event_id
    except (ValueError, RecursionError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) or "it is not JSON"
