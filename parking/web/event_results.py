"""What a gate reads back: an answer for each event, and problems as RFC 9457 has them."""

from uuid import UUID

import msgspec

from parking.services.outcomes import Display, Status


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not done (RFC 9457)."""

    type: str
    """A stable name of the kind of problem: `urn:leave-first:problem:unknown-lane`."""
    title: str
    status: int
    detail: str
    """For a person: what is wrong and what to do."""
    instance: str
    trace_id: str


class EventProblem(msgspec.Struct, frozen=True, gc=False):
    """Why one event of a batch was not recorded."""

    type: str
    title: str
    detail: str


class EventResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to one event."""

    event_id: UUID | None
    """None where the event could not be read so far."""
    status: Status
    problem: EventProblem | msgspec.UnsetType = msgspec.UNSET
    display: Display | None = None


class EventResults(msgspec.Struct, frozen=True):
    """The answers to a batch, in its order."""

    results: list[EventResult]
