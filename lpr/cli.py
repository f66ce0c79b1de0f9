"""The `lpr` command: read pictures, run a gate box, look at what it could not deliver."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import click
import msgspec

from lpr.errors import EdgePartMissingError
from parking.core.errors import DomainError

if TYPE_CHECKING:
    from lpr.config import AgentSettings
    from lpr.core.reading import PlateReading
    from lpr.pipeline import Pipeline

_PLACES = 4


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Read number plates at a car park's gates.

    \b
      lpr read photo.jpg            what plates are in a picture?
      lpr run --config gate.toml    watch the gates and tell the server who came and went
      lpr rejected --config …       what would the server not have, and why?
    """  # noqa: D301 - click's mark for lines that are to stay as they are


@main.command(short_help="Read the plates in pictures: one JSON line a file.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processor threads for one picture.",
)
def read(files: tuple[Path, ...], threads: int) -> None:
    """Read the plates in pictures: one JSON line for each file, folders opened.

    \b
    {"file": "a.jpg", "plates": [{"text": "浙A8B762", "colour": "blue", "confidence": 0.98,
      "corners": [[x, y], …], "candidates": [{"text": …, "confidence": …}]}], "ms": 61.2}
    {"file": "b.jpg", "error": "the file is empty"}

    Corners go clockwise from the plate's upper left, in pixels of the upright picture. The
    nearest car's plate comes first. The exit code is 1 if any file could not be read, and 2 if
    nothing could be begun.
    """  # noqa: D301 - click's mark, as above
    pipeline = _load_pipeline(threads)
    failed = False
    for path in _pictures(files):
        line = _read_one(pipeline, path)
        failed = failed or "error" in line
        click.echo(msgspec.json.encode(line))
    sys.exit(1 if failed else 0)


@main.command(short_help="Be a gate box: watch cameras, tell the server.")
@click.option("--config", type=click.Path(path_type=Path), help="The box's settings, in TOML.")
@click.option("--lot", "lot_id", help="The lot that the gates belong to.")
@click.option("--server", "server_url", help="Where the server listens, as http://host:port.")
@click.option(
    "--camera",
    "cameras",
    multiple=True,
    metavar="LANE:DIRECTION:SOURCE",
    help="A camera, as in west-in:entry:/srv/ftp/west-in; may be given several times.",
)
@click.option("--spool", type=click.Path(), help="The file that events wait in.")
@click.option("--health-port", type=int, help="Where health is served; 0 takes a free port.")
@click.option("--threads", type=int, help="Processor threads for one frame.")
@click.option(
    "--until-idle",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="End once no camera has shown a new frame for so long and every event is delivered.",
)
def run(config: Path | None, until_idle: float | None, **flags: object) -> None:
    """Watch cameras and post every car that comes or goes to the server.

    The device key is read from LPR_DEVICE_KEY, from the settings, or from the file that
    LPR_DEVICE_KEY_FILE or the settings name, which may come later than the box is started.
    Events wait in the spool until the server has acknowledged them: stop, kill or unplug the box
    at any time. It ends by itself when all of its sources have ended (videos; folders with a file
    `.end` in them) and everything is delivered.
    """
    settings = _settings(config, flags)
    with _told_in_one_line():
        from lpr.agent import Agent
        from lpr.logs import configure_logs

        configure_logs()
        agent = Agent(settings=settings, reader=_load_pipeline(settings.threads))
        agent.run(stop=_stop_on_signals(), until_idle_seconds=until_idle)


@main.command(short_help="Show what the server would not have, and why.")
@click.option("--config", type=click.Path(path_type=Path), help="The box's settings, in TOML.")
@click.option("--spool", type=click.Path(path_type=Path), help="The spool file, without settings.")
@click.option("--retry", is_flag=True, help="Send them all once more.")
def rejected(config: Path | None, spool: Path | None, retry: bool) -> None:  # noqa: FBT001 - click
    """Show the events that the server would not have, one JSON line each, with the reason."""
    if spool is None:
        spool = _settings(config, {}).spool
    if not spool.is_file():
        _fail(f"there is no spool at {spool}")
    with _told_in_one_line():
        _show_rejected(spool, retry=retry)


def _load_pipeline(threads: int) -> "Pipeline":
    with _told_in_one_line():
        try:
            from lpr.pipeline import standard_pipeline
        except ImportError as error:
            raise EdgePartMissingError(error.name or "the gate's part") from error
        return standard_pipeline(threads=threads)
    raise AssertionError  # the context above answers or ends the program


def _pictures(paths: Sequence[Path]) -> Iterator[Path]:
    """Open folders; a file that was named is read whatever its suffix.

    A folder without pictures is answered itself: reading it says what is wrong with it.
    """
    from lpr.image_file import IMAGE_SUFFIXES

    for path in paths:
        if path.is_dir():
            inside = (item for item in path.rglob("*") if item.suffix.lower() in IMAGE_SUFFIXES)
            yield from sorted(item for item in inside if item.is_file()) or [path]
        else:
            yield path


def _read_one(pipeline: "Pipeline", path: Path) -> dict[str, object]:
    from lpr.errors import ImageError
    from lpr.image_file import read_image_file

    if path.is_dir():
        return {"file": str(path), "error": "there are no pictures in this folder"}
    began = time.perf_counter()
    try:
        plates = pipeline.read(read_image_file(path))
    except ImageError as error:
        return {"file": str(path), "error": str(error)}
    took_ms = round((time.perf_counter() - began) * 1000, 1)
    return {"file": str(path), "plates": [_shown(plate) for plate in plates], "ms": took_ms}


def _shown(plate: "PlateReading") -> dict[str, object]:
    return {
        "text": plate.text,
        "colour": plate.colour.value,
        "confidence": round(plate.confidence, _PLACES),
        "corners": [[round(point.x, 1), round(point.y, 1)] for point in plate.corners.points()],
        "candidates": [
            {"text": item.text, "confidence": round(item.confidence, _PLACES)}
            for item in plate.candidates
        ],
    }


def _settings(config: Path | None, flags: Mapping[str, object]) -> "AgentSettings":
    from lpr.config import load_settings

    given = dict(flags)
    texts = cast("tuple[str, ...]", given.get("cameras") or ())
    given["cameras"] = [_camera(text) for text in texts] or None
    with _told_in_one_line():
        return load_settings(path=config, flags=given, environ=os.environ)
    raise AssertionError  # the context above answers or ends the program


def _camera(text: str) -> dict[str, str]:
    lane_id, direction, source = [*text.split(":", 2), "", ""][:3]
    if not source:
        _fail(f"--camera {text!r}: expected LANE:DIRECTION:SOURCE, as in west-in:entry:/srv/west")
    return {"lane_id": lane_id, "direction": direction, "source": source}


def _stop_on_signals() -> threading.Event:
    """Let Ctrl-C and a supervisor's SIGTERM end the agent in good order."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _show_rejected(path: Path, *, retry: bool) -> None:
    from lpr.config import SPOOL_BYTES_MAX
    from lpr.spool import Spool

    spool = Spool(path, bytes_max=SPOOL_BYTES_MAX)
    for event in spool.rejected():
        line = {
            "event_id": str(event.event_id),
            "status": event.status,
            "reason": event.reason,
            "event": msgspec.Raw(event.body),
        }
        click.echo(msgspec.json.encode(line))
    if retry:
        count = spool.retry_rejected(now=datetime.now(tz=UTC))
        click.echo(f"{count} events are on their way again", err=True)
    spool.close()


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(f"lpr: {message}", err=True)
    sys.exit(2)
