"""The demo's cameras: the gate simulator renders the day and uploads its frames, as cameras do."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from portal.demo.city import IN_LANE, OUT_LANE
from portal.demo.processes import Child, program
from portal.demo.stage import FRAMES_EACH, Stage
from portal.demo.story import Pass

_SUFFIX: Final = ".jpg"
_CARS_UNDER_WAY_MAX: Final = 4
"""So many cars may have been before a camera and not be recorded yet, …"""
_STALLED_SECONDS: Final = 15.0
"""… but when none is recorded for this long, the next ones come all the same."""
_LOOK_SECONDS: Final = 0.05


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """One car before one camera, in the words of the gate simulator."""

    lane: str
    captured_at: datetime
    plate: str
    colour: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate simulator is to render."""

    passes: tuple[Crossing, ...]


def scenario_of(story: Sequence[Pass]) -> Scenario:
    """Every car before every camera that saw it, in the order of time."""
    crossings = []
    for told in story:
        lot = told.lot.lot_id
        crossings.append(
            Crossing(
                lane=f"{lot}/{IN_LANE}",
                captured_at=told.entered_at,
                plate=told.entry_shows or told.plate,
                colour=told.colour,
            )
        )
        if told.exit_seen:
            crossings.append(
                Crossing(
                    lane=f"{lot}/{OUT_LANE}",
                    captured_at=told.left_at,
                    plate=told.plate,
                    colour=told.colour,
                )
            )
    return Scenario(passes=tuple(sorted(crossings, key=lambda each: each.captured_at)))


async def start_cameras(stage: Stage, story: Sequence[Pass], *, seed: int) -> Child:
    """Start the gate simulator on the story."""
    path = stage.folder.path / "scenario.json"
    path.write_bytes(msgspec.json.encode(scenario_of(story)))
    return await stage.household.start(
        "cameras",
        [
            program("gateway-sim"),
            "gates",
            *("--scenario", str(path)),
            *("--out", str(stage.folder.rendered)),
            *("--seed", str(seed)),
        ],
        environment={"OMP_NUM_THREADS": "1"},
        ends_by_itself=True,
        yields=True,
    )


class Courier:
    """Uploads rendered frames into the cameras' folders, in the order in which they were taken.

    The day is rendered ahead; handed over all at once it would be read lane by lane, and cars would
    seem to leave before they came. The product copes with that (stays are a fold), but a day that
    passes in order is what a person wants to watch. So a car comes when the ones before it have
    been recorded, but for a few.
    """

    def __init__(self, stage: Stage) -> None:
        """Carry from `rendered` to `frames`."""
        self._stage = stage
        self._carried: set[Path] = set()
        self._written_off = 0
        self.recorded = 0
        """How many cars the server has acknowledged; whoever watches keeps it up to date."""

    async def carry(self) -> None:
        """Carry until cancelled."""
        while True:
            for path in sorted(self._waiting(), key=lambda path: path.name):
                await self._until_there_is_room()
                self._upload(path)
            await asyncio.sleep(_LOOK_SECONDS)

    @property
    def _under_way(self) -> int:
        """Cars that have been before a camera and are not recorded."""
        return len(self._carried) // FRAMES_EACH - self._written_off - self.recorded

    async def _until_there_is_room(self) -> None:
        waited_since, seen = time.monotonic(), self.recorded
        while self._under_way >= _CARS_UNDER_WAY_MAX:
            if self.recorded != seen:
                waited_since, seen = time.monotonic(), self.recorded
            if time.monotonic() - waited_since > _STALLED_SECONDS:
                # A car that nobody saw, or a count that was lost with a killed agent.
                self._written_off += self._under_way
            await asyncio.sleep(_LOOK_SECONDS)

    def _waiting(self) -> list[Path]:
        found = self._stage.folder.rendered.rglob(f"*{_SUFFIX}")
        return [path for path in found if path not in self._carried and path.name[0] != "."]

    def _upload(self, path: Path) -> None:
        target = self._stage.folder.frames / path.relative_to(self._stage.folder.rendered)
        target.hardlink_to(path)
        self._carried.add(path)


def count_frames(frames: Path) -> int:
    """How many frames the cameras have delivered so far."""
    return sum(1 for path in frames.rglob(f"*{_SUFFIX}") if not path.name.startswith("."))
