"""What goes back over the wire for lane events: status, headers, body; problems as RFC 9457."""

from http import HTTPStatus
from typing import Final

import msgspec

from parking.core.errors import DomainError
from parking.web.event_results import Problem
from parking.web.problems import PROBLEM_JSON, status_of, title_of, type_of

_ENCODE: Final = msgspec.json.Encoder().encode
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", PROBLEM_JSON.encode())


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A whole HTTP response."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON,)


class UnforeseenError(DomainError):
    """Something went wrong on our side; the log has the rest under the trace id."""

    def __init__(self) -> None:
        super().__init__("something went wrong on our side; the trace id finds it in our log")


def json_answer(status: int, content: object) -> Answer:
    """An answer that all is well."""
    return Answer(status, _ENCODE(content))


def problem_answer(error: DomainError, *, instance: str, trace_id: str) -> Answer:
    """An error as its sender may read it."""
    kind = type(error)
    status = status_of(kind)
    problem = Problem(
        type=type_of(kind),
        title=title_of(kind),
        status=status,
        detail=str(error),
        instance=instance,
        trace_id=trace_id,
    )
    headers = [_PROBLEM, (b"x-trace-id", trace_id.encode())]
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    return Answer(status, _ENCODE(problem), tuple(headers))
