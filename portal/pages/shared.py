"""One costly answer for all who ask at once, found again no more often than it is worth."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Final, Generic, TypeVar

Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")

_SHARE: Final = 0.05
"""Of the time goes into finding an answer, at most."""
QUICK_S = 0.2
"""Finding it takes less than this: nobody is told anything older."""


class _Kept(Generic[Answer]):
    """The search for an answer, and until when what it found is told."""

    def __init__(self, finding: "asyncio.Task[Answer]") -> None:
        self.finding = finding
        self.good_until_s: float | None = None
        """None while it is being sought."""


class Shared(Generic[Asked, Answer]):
    """Finds an answer for each thing asked; who asks meanwhile waits for the same one.

    An answer that took long to find is told for twenty times as long. What cannot be found raises
    what `find` raised, and is sought anew for whoever asks next.
    """

    def __init__(
        self,
        find: Callable[[Asked], Coroutine[Any, Any, Answer]],
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sought before somebody asks."""
        self._find = find
        self._monotonic_s = monotonic_s
        self._kept: dict[Asked, _Kept[Answer]] = {}

    async def get(self, asked: Asked) -> Answer:
        """The newest answer that is worth its cost."""
        now_s = self._monotonic_s()
        over = [each for each, kept in self._kept.items() if (kept.good_until_s or now_s) < now_s]
        for each in over:
            del self._kept[each]
        kept = self._kept.get(asked)
        if kept is None:
            kept = self._kept[asked] = _Kept(asyncio.create_task(self._find(asked)))
            kept.finding.add_done_callback(partial(self._found, asked, now_s))
        # Whoever goes away before the answer comes takes it from nobody else.
        return await asyncio.shield(kept.finding)

    def _found(self, asked: Asked, began_s: float, finding: "asyncio.Task[Answer]") -> None:
        ended_s = self._monotonic_s()
        cost_s = ended_s - began_s
        failed = finding.cancelled() or finding.exception() is not None
        if failed or cost_s < QUICK_S:
            del self._kept[asked]
        else:
            self._kept[asked].good_until_s = ended_s + cost_s / _SHARE
