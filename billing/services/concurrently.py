"""Doing many things at once, where one that fails must not stop its neighbours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

_log = structlog.get_logger(__name__)
Item = TypeVar("Item")


async def each_apart(
    items: Sequence[Item], work: Callable[[Item], Awaitable[None]], *, name: str
) -> None:
    """Do the work for each item at once. A failure is logged; the item's lease brings it back."""

    async def alone(item: Item) -> None:
        try:
            await work(item)
        except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on
            _log.exception("work_failed", work=name)

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(alone(item))
