"""Telling drivers something: a protocol, and senders that need no other company.

SMS, mail and push are further senders behind the same protocol. What is sent may hold a one-time
code, so no sender writes to the log.
"""

import asyncio
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Protocol, TextIO
from uuid import UUID

import msgspec

from billing.settings import BillingSettings, NotificationSender
from parking.core.errors import DomainError


class NotificationKind(Enum):
    """What a notification is about."""

    SIGN_IN_CODE = "sign_in_code"
    CLAIM_OPENED = "claim_opened"
    CLAIM_GRANTED = "claim_granted"
    CLAIM_REFUSED = "claim_refused"
    PLATE_MOVED = "plate_moved"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_STOPPED = "payment_stopped"
    DISPUTE_LOST = "dispute_lost"
    REMINDER_1 = "payment_reminder_1"
    REMINDER_2 = "payment_reminder_2"
    REMINDER_3 = "payment_reminder_3"


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell one driver."""

    notification_id: UUID
    """A sender that is given the same id twice need not send twice."""
    kind: NotificationKind
    phone: str
    """E.164."""
    text_zh: str
    text_en: str


class NotSentError(DomainError):
    """The message could not be handed over; nothing is lost by asking again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the message could not be sent ({reason}); ask again in a moment")


class Notifier(Protocol):
    """Hands messages over to whoever delivers them."""

    async def send(self, notification: Notification) -> None:
        """Hand one over. Raises NotSentError."""
        ...


class FileNotifier:
    """Appends messages to a file that only its owner can read, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, notification: Notification) -> None:
        """Append one line. Raises NotSentError."""
        line = msgspec.json.encode(notification) + b"\n"
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            raise NotSentError(error.strerror or type(error).__name__) from error

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)  # One write, so lines of several processes do not mix.
        finally:
            os.close(handle)


class ConsoleNotifier:
    """Prints messages, for a person who tries things out; not for where output is collected."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def send(self, notification: Notification) -> None:
        """Print one line."""
        stream = self._stream or sys.stderr
        stream.write(f"to {notification.phone}: {notification.text_en}\n")
        stream.flush()


def notifier_of(settings: BillingSettings) -> Notifier:
    """Make the sender that the settings name."""
    if settings.notification_sender is NotificationSender.CONSOLE:
        return ConsoleNotifier()
    return FileNotifier(settings.notification_file)
