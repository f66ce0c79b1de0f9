"""What the demo shows while it runs: progress bars on a terminal, a line now and then elsewhere."""

import contextlib
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import asyncpg
import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from portal.demo.gates import count_frames
from portal.demo.http import local_client
from portal.demo.stage import FRAMES_EACH, Stage

_LINE_EVERY_SECONDS = 4.0


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How far the demo is."""

    rendered: int
    read: int
    delivered: int
    pending: int
    ended: int
    """Cameras from which nothing more comes: recorded videos at their end, or not to be read."""
    opened: int
    closed: int
    paid: int


_ROWS = {
    "rendered": "frames rendered",
    "read": "frames read",
    "delivered": "events acknowledged",
    "opened": "stays opened",
    "closed": "stays closed",
    "paid": "stays paid",
}


class Watcher:
    """Counts, and shows the counts."""

    def __init__(self, console: Console, stage: Stage, *, goals: dict[str, int]) -> None:
        """`goals` says how many of each there will be; what is not in it is not shown."""
        self._console = console
        self._stage = stage
        self._client = local_client(seconds=2.0)
        self._progress = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {
            name: self._progress.add_task(text, total=goals[name])
            for name, text in _ROWS.items()
            if goals.get(name)
        }
        self.unreadable: dict[str, str] = {}
        """Cameras that cannot be read, by lane, and why."""
        self._last: dict[str, dict[str, int]] = {}
        self._lives: dict[str, list[dict[str, int]]] = {}
        self._next_line = 0.0

    def __enter__(self) -> Self:
        """Show the bars."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bars as they stand."""
        self._progress.stop()

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def look(self, stays: Sequence[asyncpg.Record], *, cameras_done: bool) -> Counts:
        """Count everything once and show it."""
        agents = await self._agents()
        rendered = count_frames(self._stage.folder.rendered)
        if cameras_done:
            for name in {"rendered", "read"} & self._tasks.keys():
                self._progress.update(self._tasks[name], total=rendered)
        counts = Counts(
            rendered=rendered,
            read=sum(each["frames"] for each in agents.values()),
            delivered=sum(each["delivered"] for each in agents.values()),
            pending=sum(each["pending"] for each in agents.values()),
            ended=sum(each["ended"] for each in agents.values()),
            opened=len(stays),
            closed=sum(stay["state"] == "closed" for stay in stays),
            paid=sum(stay["obligation_state"] == "paid" for stay in stays),
        )
        self._show(counts)
        return counts

    async def _agents(self) -> dict[str, dict[str, int]]:
        """Each agent's own counts; a killed agent's last ones until it is back."""
        for lot_id, address in self._stage.agents.items():
            with contextlib.suppress(httpx.HTTPError, ValueError):
                said = (await self._client.get(address)).json()
                cameras = said["cameras"]
                unreadable = {
                    camera["lane_id"]: camera["problem"]
                    for camera in cameras
                    if camera["problem"] and not camera["frames"]
                }
                self.unreadable |= unreadable
                self._keep(
                    lot_id,
                    frames=sum(camera["frames"] for camera in cameras),
                    delivered=said["delivered"],
                    pending=said["pending"],
                    ended=sum(camera["ended"] for camera in cameras) + len(unreadable),
                )
        return self._last

    def _keep(self, lot_id: str, **said: int) -> None:
        """Add an agent's counts up over its lives: a killed one counts from nought again."""
        lives = self._lives.setdefault(lot_id, [])
        if not lives or said["frames"] < lives[-1]["frames"]:
            lives.append(said)
        lives[-1] = said
        self._last[lot_id] = {
            "frames": sum(life["frames"] for life in lives),
            "delivered": sum(life["delivered"] for life in lives),
            "pending": said["pending"],
            "ended": said["ended"],
        }

    def _show(self, counts: Counts) -> None:
        shown = msgspec.structs.asdict(counts)
        for name, task in self._tasks.items():
            self._progress.update(task, completed=shown[name])
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
            line = ", ".join(f"{shown[name]} {_ROWS[name]}" for name in self._tasks)
            self._console.print(line, highlight=False)


def goals_of(*, crossings: int, passes: int, closing: int, paying: int) -> dict[str, int]:
    """How many of each thing there will be, as far as it is known at the start."""
    return {
        "rendered": crossings * FRAMES_EACH,
        "read": crossings * FRAMES_EACH,
        "delivered": crossings,
        "opened": passes,
        "closed": closing,
        "paid": paying,
    }
