"""`gateway-sim gates`: render a day before the cameras, or one picture to look at."""

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import cv2
import msgspec
import numpy as np

from gateway_sim.gates.city_day import LotPlan, city_day
from gateway_sim.gates.delivery import deliver
from gateway_sim.gates.frames import render_pass
from gateway_sim.gates.light import DayPart
from gateway_sim.gates.plates import draw_plate
from gateway_sim.gates.scenario import Pass, Scenario, ScenarioError, from_json
from parking.core.errors import DomainError
from parking.core.events import PlateColour

_ZONE = "Asia/Shanghai"
_LOTS = (LotPlan(lot="riverside"), LotPlan(lot="old-town"))
_COLOURS = [colour.value for colour in PlateColour if colour is not PlateColour.UNKNOWN]
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--scenario", type=_FILE, help="The day to render, as JSON; made up if not given.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("frames"),
    show_default=True,
    help="The folder that frames go to, one folder a lane.",
)
@click.option("--end", is_flag=True, help="Say at the end that no more frames will come.")
@click.option("--seed", type=int, help="Chance for the made-up day, dirt and noise.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The made-up day [default: today].")
@click.option(
    "--cars",
    type=click.IntRange(1, 500),
    default=12,
    show_default=True,
    help="How many cars the made-up day has.",
)
@click.option("--zone", default=_ZONE, show_default=True, help="The lots' time zone.")
@click.option(
    "--lots",
    type=_FILE,
    help='The made-up day\'s lots, as JSON: [{"lot": "riverside", "entries": '
    '["in"], "exits": ["out"]}].',
)
@click.option(
    "--still", metavar="PLATE", help="Render one picture of this plate only; -o says where to."
)
@click.option(
    "-o",
    "--output",
    type=_FILE,
    default=Path("still.png"),
    show_default=True,
    help="The file of --still; its suffix says the format.",
)
@click.option(
    "--colour",
    type=click.Choice(_COLOURS),
    default="blue",
    show_default=True,
    help="The plate's colour, for --still.",
)
@click.option(
    "--light",
    type=click.Choice([*(part.value for part in DayPart), "none"]),
    default="day",
    show_default=True,
    help="The light of --still; none: the plate alone, without a car.",
)
def gates(  # noqa: PLR0913 - one argument an option
    *,
    scenario: Path | None,
    out: Path,
    end: bool,
    seed: int | None,
    day: datetime | None,
    cars: int,
    zone: str,
    lots: Path | None,
    still: str | None,
    output: Path,
    colour: str,
    light: str,
) -> None:
    """Show cars to cameras: frames appear as cameras upload them, with their truth.

    Frames land in OUT/<lot>/<lane>/<UTC capture time>-<number>.jpg, whole or not at all, oldest
    first; OUT/truth.json says what really happened. With --end an empty file .end in each lane's
    folder tells a gate agent that it may end, too. A delivery that was stopped goes on where it
    was.
    """
    try:
        if still is not None:
            _save_still(still, output, PlateColour(colour), light, seed=seed or 0)
            return
        if scenario is not None:
            planned = _read_scenario(scenario, seed)
        else:
            when = day.date() if day else _today(zone)
            planned = city_day(
                seed=seed or 0, day=when, zone=zone, lots=_read_lots(lots), cars=cars
            )
        _deliver(planned, out, end=end)
    except (DomainError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _today(zone: str) -> date:
    try:
        return datetime.now(tz=ZoneInfo(zone)).date()
    except (KeyError, ValueError) as error:
        msg = f"there is no time zone {zone!r}"
        raise click.BadParameter(msg, param_hint="--zone") from error


def _read_scenario(path: Path, seed: int | None) -> Scenario:
    planned = from_json(path.read_bytes(), source=str(path))
    return planned if seed is None else msgspec.structs.replace(planned, seed=seed)


def _read_lots(path: Path | None) -> tuple[LotPlan, ...]:
    if path is None:
        return _LOTS
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[LotPlan, ...])
    except msgspec.DecodeError as error:
        raise ScenarioError(str(path), str(error)) from error


def _deliver(planned: Scenario, out: Path, *, end: bool) -> None:
    begun = time.monotonic()
    shown = sys.stderr.isatty()

    def tell(done: int, total: int) -> None:
        if shown:
            click.echo(f"\r{done} of {total} passes rendered", nl=done == total, err=True)

    truth = deliver(planned, out, end=end, progress=tell)
    summary = {
        "out": str(out),
        "passes": len(truth.passes),
        "frames": sum(len(item.files) for item in truth.passes),
        "seconds": round(time.monotonic() - begun, 2),
    }
    click.echo(msgspec.json.encode(summary).decode())


def _save_still(text: str, output: Path, colour: PlateColour, light: str, *, seed: int) -> None:
    if not cv2.haveImageWriter(str(output)):
        msg = f"no picture format is called {output.suffix or output.name}"
        raise click.BadParameter(msg, param_hint="--output")
    if light == "none":
        picture = draw_plate(text, colour, chance=np.random.default_rng(seed))
    else:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        crossing = Pass(lane="still", captured_at=noon, plate=text, colour=colour, frames=1)
        frame = next(render_pass(crossing, seed=seed, part=DayPart(light)))
        decoded = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        picture = np.asarray(decoded, np.uint8)
    _, data = cv2.imencode(output.suffix, picture)
    output.write_bytes(data.tobytes())
    click.echo(str(output))
