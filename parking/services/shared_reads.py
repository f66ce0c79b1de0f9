"""One read for all who ask the same at the same time: when a cache expires, hundreds do."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class SharedReads(Generic[_Key, _Value]):
    """Reads that are under way in this process, by what they read."""

    def __init__(self) -> None:
        self._under_way: dict[_Key, asyncio.Task[_Value]] = {}

    async def read(self, key: _Key, make: Callable[[], Awaitable[_Value]]) -> _Value:
        """Wait for the read of this key that is under way, or make one. Raises what it raises."""
        task = self._under_way.get(key)
        if task is None:
            # In a context of its own: it serves several requests, and must not log as one of them.
            task = asyncio.get_running_loop().create_task(_run(make), context=Context())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Let nobody join what is under way: it may have been read before a change."""
        self._under_way.clear()

    def _finish(self, key: _Key, done: "asyncio.Task[_Value]") -> None:
        if self._under_way.get(key) is done:
            del self._under_way[key]
        if not done.cancelled():
            done.exception()  # looked at, should everyone who waited have gone


async def _run(make: Callable[[], Awaitable[_Value]]) -> _Value:
    return await make()
