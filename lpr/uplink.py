"""Sends what the spool holds, oldest first, again and again, until the server has answered for it.

An event's id and bytes never change between tries, so the server recognises a repeat. What the
server will not have is put aside with its reason and holds nothing else up.
"""

import random
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import msgspec
import structlog

from lpr.config import UplinkSettings
from lpr.core.backoff import delay_seconds
from lpr.device_key import KeyMissingError, KeySource
from lpr.errors import SpoolFullError, SpoolUnusableError
from lpr.spool import RejectedEvent, Spool, SpooledEvent
from parking.core.errors import DomainError

if TYPE_CHECKING:
    from uuid import UUID

RETRY_AFTER_SECONDS_MAX = 300.0
IDLE_SECONDS = 1.0
"""How often the spool is looked at without being told of a new event."""
_BATCH_REFUSED = frozenset({400, 413, 422})
"""The server minds this body. Any other failure is not an event's fault: a wrong address (404), a
refused key, a server in trouble; the events wait."""
_KEY_REFUSED = frozenset({401, 403})


class ServerUnavailableError(DomainError):
    """The server did not take the batch; it is to be sent again."""

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class BatchRefusedError(DomainError):
    """The server will not have this request as it is: too large, or one event spoils it."""


class Problem(msgspec.Struct, frozen=True):
    """Why one event was not taken (RFC 9457)."""

    title: str = ""
    detail: str = ""


class Result(msgspec.Struct, frozen=True):
    """What became of one event."""

    status: str
    event_id: str | None = None
    problem: Problem | None = None


class Results(msgspec.Struct, frozen=True):
    """What became of a batch, in its order."""

    results: tuple[Result, ...]


class UplinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the sending goes."""

    delivered: int = 0
    """Events acknowledged since the start."""
    failures_in_a_row: int = 0
    last_problem: str = ""
    """Empty while all is well."""
    last_success_at: datetime | None = None


class Uplink:
    """One sender. `step` sends one batch; `run` does so until told to stop."""

    def __init__(
        self, *, spool: Spool, server_url: str, device_key: KeySource, settings: UplinkSettings
    ) -> None:
        self._spool = spool
        self._settings = settings
        self._device_key = device_key
        self._batch_events = settings.batch_events_max
        self._client = httpx.Client(
            base_url=server_url.rstrip("/"),
            timeout=settings.request_timeout_seconds,
        )
        self._log = structlog.get_logger()
        self._wake = threading.Event()
        self.status = UplinkStatus()

    def wake(self) -> None:
        """Say that there is something new to send."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`; outlives every failure of the network and the server."""
        while not stop.is_set():
            self._wake.clear()
            wait_seconds = self._try_step()
            if wait_seconds is None:
                self._wake.wait(IDLE_SECONDS)
            elif wait_seconds > 0:
                stop.wait(wait_seconds)
        self.close()

    def close(self) -> None:
        """Close the connection to the server."""
        self._client.close()

    def step(self) -> int:
        """Send the oldest batch and settle what the server answered; answer how many events.

        Raises ServerUnavailableError, after which the same batch is to be sent again.
        """
        batch = self._spool.pending(self._batch_events)
        if not batch:
            return 0
        try:
            results = self._post(batch)
        except BatchRefusedError as refused:
            self._part(batch, refused)
            return len(batch)
        self._settle(batch, results)
        self._batch_events = min(2 * self._batch_events, self._settings.batch_events_max)
        return len(batch)

    def _try_step(self) -> float | None:
        """Take a step; answer the seconds to wait, None when there was nothing to send."""
        try:
            sent = self.step()
        except ServerUnavailableError as error:
            return self._failed(error, error.retry_after_seconds)
        except (SpoolFullError, SpoolUnusableError) as error:
            return self._failed(error, None)
        return 0.0 if sent else None

    def _failed(self, error: DomainError, retry_after_seconds: float | None) -> float:
        failures = self.status.failures_in_a_row + 1
        self.status = msgspec.structs.replace(
            self.status, failures_in_a_row=failures, last_problem=str(error)
        )
        backoff = delay_seconds(
            failures,
            base_seconds=self._settings.retry_base_seconds,
            bound_seconds=self._settings.retry_bound_seconds,
            chance=random.random(),  # noqa: S311 - jitter, no secret
        )
        wait_seconds = max(backoff, retry_after_seconds or 0.0)
        self._log.warning(
            "uplink_waits",
            reason=str(error),
            failures_in_a_row=failures,
            wait_seconds=round(wait_seconds, 2),
        )
        return wait_seconds

    def _post(self, batch: Sequence[SpooledEvent]) -> tuple[Result, ...]:
        content = b"[" + b",".join(event.body for event in batch) + b"]"
        try:
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._device_key().reveal()}",
            }
            response = self._client.post("/v1/lane-events", content=content, headers=headers)
        except KeyMissingError as error:
            raise ServerUnavailableError(str(error)) from error
        except httpx.HTTPError as error:
            reason = f"no answer from the server: {type(error).__name__} {error}".rstrip()
            raise ServerUnavailableError(reason) from error
        _raise_for(response)
        try:
            results = msgspec.json.decode(response.content, type=Results).results
        except msgspec.DecodeError as error:
            reason = f"the server's answer cannot be read: {error}"
            raise ServerUnavailableError(reason) from error
        if len(results) != len(batch):
            reason = f"the server answered for {len(results)} of {len(batch)} events"
            raise ServerUnavailableError(reason)
        return results

    def _part(self, batch: Sequence[SpooledEvent], refused: BatchRefusedError) -> None:
        """Halve a batch that was refused whole, down to the one event that is to blame."""
        if len(batch) > 1:
            self._batch_events = len(batch) // 2
            self._log.warning("batch_parted", reason=str(refused), events=len(batch))
            return
        self._settle(batch, (Result(status="refused", problem=Problem(detail=str(refused))),))

    def _settle(self, batch: Sequence[SpooledEvent], results: Sequence[Result]) -> None:
        delivered: list[UUID] = []
        rejected: list[RejectedEvent] = []
        for event, result in zip(batch, results, strict=True):
            if result.status in {"accepted", "duplicate"}:
                delivered.append(event.event_id)
            elif result.status in {"conflict", "refused"}:
                rejected.append(_rejected(event, result))
            # Any other word is none that we know: the event stays and is sent again.
        now = datetime.now(tz=UTC)
        self._spool.settle(delivered=delivered, rejected=rejected, now=now)
        self._report(batch, results)
        if len(delivered) + len(rejected) < len(batch):
            reason = "the server's answer for an event is neither yes nor no"
            raise ServerUnavailableError(reason)
        self.status = UplinkStatus(
            delivered=self.status.delivered + len(delivered), last_success_at=now
        )

    def _report(self, batch: Sequence[SpooledEvent], results: Sequence[Result]) -> None:
        for event, result in zip(batch, results, strict=True):
            outcome = {"event_id": str(event.event_id), "status": result.status}
            if result.problem is None:
                self._log.info("event_answered", trace_id=_trace_id(event), **outcome)
            else:
                reason = result.problem.detail or result.problem.title
                self._log.error(
                    "event_put_aside", trace_id=_trace_id(event), reason=reason, **outcome
                )


def _raise_for(response: httpx.Response) -> None:
    """Turn a status other than success into what is to be done about it."""
    if response.is_success:
        return
    said = _said(response)
    if response.status_code in _BATCH_REFUSED:
        raise BatchRefusedError(said)
    # A refused key stops this box until someone gives it a good one; its events wait.
    if response.status_code in _KEY_REFUSED:
        reason = f"the server refuses the device key: {said}"
        raise ServerUnavailableError(reason)
    raise ServerUnavailableError(said, retry_after_seconds=_retry_after_seconds(response))


def _said(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    told = ": ".join(part for part in (problem.title, problem.detail) if part)
    return f"HTTP {response.status_code} {told or response.reason_phrase}"


def _retry_after_seconds(response: httpx.Response) -> float | None:
    """Read Retry-After in seconds; dates are not used between machines of our own."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


def _rejected(event: SpooledEvent, result: Result) -> RejectedEvent:
    problem = result.problem or Problem()
    return RejectedEvent(
        event_id=event.event_id,
        status=result.status,
        reason=": ".join(part for part in (problem.title, problem.detail) if part) or "no reason",
        body=event.body,
    )


class _Traced(msgspec.Struct, frozen=True):
    trace_id: str = ""


def _trace_id(event: SpooledEvent) -> str:
    return msgspec.json.decode(event.body, type=_Traced).trace_id
