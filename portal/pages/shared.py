"""A costly answer, found again no more often than it is worth, for all who ask."""

import time
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Final, Generic, TypeVar

from parking.services.shared_reads import SharedReads

Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")

_SHARE: Final = 0.05
"""Of the time goes into finding an answer, at most."""
QUICK_S = 0.2
"""Where finding it takes less than this, nobody is told anything older."""


class Shared(Generic[Asked, Answer]):
    """Finds an answer for each thing asked; who asks meanwhile waits for the same one.

    An answer that took long to find is told for twenty times as long. What cannot be found raises
    what `find` raised, and is sought anew for whoever asks next.
    """

    def __init__(
        self,
        find: Callable[[Asked], Awaitable[Answer]],
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sought before somebody asks."""
        self._find = find
        self._monotonic_s = monotonic_s
        self._searches = SharedReads[Asked, Answer]()
        self._found: dict[Asked, tuple[float, Answer]] = {}
        """Until when it is told, and what was found."""

    async def get(self, asked: Asked) -> Answer:
        """The newest answer that is worth its cost."""
        found = self._found.get(asked)
        if found is not None and self._monotonic_s() < found[0]:
            return found[1]
        return await self._searches.read(asked, partial(self._seek, asked))

    async def _seek(self, asked: Asked) -> Answer:
        began_s = self._monotonic_s()
        answer = await self._find(asked)
        ended_s = self._monotonic_s()
        self._found = {it: kept for it, kept in self._found.items() if ended_s < kept[0]}
        if ended_s - began_s > QUICK_S:
            self._found[asked] = (ended_s + (ended_s - began_s) / _SHARE, answer)
        return answer
