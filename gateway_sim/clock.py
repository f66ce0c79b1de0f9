"""The simulator's clock: real until someone sets it, then it stands still until it is moved."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_VIRTUAL = "virtual_now"


class Notes(Protocol):
    """Settings that outlive a restart."""

    def note(self, name: str) -> str:
        """A remembered setting; empty when there is none."""
        ...

    def set_note(self, name: str, value: str) -> None:
        """Remember a setting."""
        ...


class Clock:
    """Tells the time in seconds since 1970; a virtual time outlives a restart with the state."""

    def __init__(self, store: Notes) -> None:
        self._store = store
        kept = store.note(_VIRTUAL)
        self._virtual = float(kept) if kept else None
        self._moment: float | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether the time stands still between calls of `set` and `advance`."""
        return self._virtual is not None

    def now(self) -> float:
        """The time, with fractions of a second."""
        if self._moment is not None:
            return self._moment
        return time.time() if self._virtual is None else self._virtual

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Inside the block it is then: something that was due happens late, with its own time."""
        self._moment = moment
        try:
            yield
        finally:
            self._moment = None

    def created(self) -> int:
        """The time in whole seconds."""
        return int(self.now())

    def set(self, now: float | None) -> None:
        """Stop the clock at a time, or let it run again (None)."""
        self._virtual = now
        self._store.set_note(_VIRTUAL, "" if now is None else repr(now))

    def advance(self, seconds: float) -> None:
        """Stop the clock, if it runs, and move it on."""
        self.set(self.now() + seconds)
