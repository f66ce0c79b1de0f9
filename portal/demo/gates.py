"""The demo's cameras: the gate simulator renders the day and uploads its frames, as cameras do."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from portal.demo.city import IN_LANE, OUT_LANE
from portal.demo.processes import Child, program
from portal.demo.stage import Stage
from portal.demo.story import Pass

FRAMES_EACH: Final = 4
_SUFFIX: Final = ".jpg"


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
            *("--out", str(stage.folder.frames)),
            *("--seed", str(seed)),
        ],
        environment={"OMP_NUM_THREADS": "1"},
        ends_by_itself=True,
    )


def count_frames(frames: Path) -> int:
    """How many frames the cameras have delivered so far."""
    return sum(1 for path in frames.rglob(f"*{_SUFFIX}") if not path.name.startswith("."))
