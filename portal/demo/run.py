"""`parking demo`: one day of a small city, from frames to statements, in about a minute."""

import asyncio
import contextlib
import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from parking.core.errors import DomainError
from parking.db.pool import UNAVAILABLE, DatabaseUnavailableError, Pool, open_pool
from portal import logs
from portal.audit import audit
from portal.demo import gates, setup, summary
from portal.demo.city import OPERATORS, ZONE
from portal.demo.director import Director, bind_drivers
from portal.demo.http import Api
from portal.demo.outcome import Became, judge, read_stays, strangers
from portal.demo.stage import READY_SECONDS, Stage, new_folder
from portal.demo.story import Fate, Pass, demo_day, write
from portal.demo.watch import Watcher, goals_of
from portal.listening import listen

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 150.0
"""How long nothing may change before the demo stops waiting."""
_STATEMENT_SECONDS = 30.0
_LOG_WIDTH = 160
"""Columns where nobody's terminal says how many there are."""


_OTHER_PARTS = ("cv2", "onnxruntime")
"""What gate agents and cameras need; both are processes of their own."""


class PartsMissingError(DomainError):
    """Only the server's part is installed."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"the demo also runs gates and cameras, and lacks {', '.join(names)}: "
            "pip install 'leave-first[server,edge,sim]'"
        )


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What the person asked for."""

    once: bool = False
    frames: Path | None = None
    cars: int = 16
    seed: int = 1
    port: int = 8080
    started: float = field(default_factory=time.monotonic)
    """When the command began; every time that is shown counts from here."""


async def run_demo(options: DemoOptions) -> int:
    """Run the demo; answers the exit code. Ctrl-C stops everything in order."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_LOG_WIDTH)
    _require_parts()
    listen("127.0.0.1", options.port).close()
    if options.frames is not None:
        from portal.demo.photographs import play_photographs

        return await _until_told(play_photographs(console, options), console)
    return await _until_told(_play(console, options), console)


def _require_parts() -> None:
    missing = [name for name in _OTHER_PARTS if find_spec(name) is None]
    if missing:
        raise PartsMissingError(missing)


async def _until_told(play: Any, console: Console) -> int:  # noqa: ANN401 - a coroutine
    """Run a play until it ends or a person or service manager asks for the end."""
    task: asyncio.Task[int] = asyncio.ensure_future(play)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        console.print("stopped")
        return 130


async def _play(console: Console, options: DemoOptions) -> int:
    now = datetime.now(UTC)
    story = write(day=demo_day(now), cars=options.cars, seed=options.seed)

    say = teller(console, options)
    stage = new_stage(options, now=now, say=say)
    try:
        return await _play_on(stage, story, console=console, options=options, say=say)
    finally:
        await stage.close()


def teller(console: Console, options: DemoOptions) -> Callable[[str], None]:
    """Answer what tells the person what happens, and when."""

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - options.started:5.1f} s[/dim]  {text}")

    return say


def new_stage(options: DemoOptions, *, now: datetime, say: Any) -> Stage:  # noqa: ANN401
    """Plan the stage; what this process itself would log goes to a file beside the others."""
    folder = new_folder(now)
    logs.configure(stream=(folder.logs / "demo.log").open("a", encoding="utf-8"))
    return Stage(folder=folder, port=options.port, seed=options.seed, say=say)


async def open_stage(stage: Stage, *, day: date, say: Any) -> setup.Keys:  # noqa: ANN401
    """Bring everything up and register the city."""
    wechat = await stage.open_wechat()
    gateway = await stage.open_gateway()
    await stage.open_database()
    say("PostgreSQL runs, the schema is there")
    await wechat.wait_ready(seconds=READY_SECONDS)
    await stage.agree_with_wechat(day)
    await stage.open_servers()
    await gateway.wait_ready(seconds=READY_SECONDS)
    say(f"API, worker and both payment providers run: {page_address(stage)}")
    admin = Api(stage.base_url, key=stage.admin_key)
    keys = await setup.set_up(admin, day=day)
    await admin.close()
    stage.hand_over_keys(keys.devices)
    return keys


def page_address(stage: Stage) -> str:
    """Where a person looks; the key is in it, the page takes it out of the address bar."""
    return f"{stage.base_url}/?key={stage.admin_key}"


async def _play_on(
    stage: Stage,
    story: Sequence[Pass],
    *,
    console: Console,
    options: DemoOptions,
    say: Any,  # noqa: ANN401
) -> int:
    # Gates open and the day is rendered while everything else comes up.
    stage.open_gates(first=story[0].lot)
    cameras = await gates.start_cameras(stage, story, seed=options.seed)
    keys = await open_stage(stage, day=story[0].entered_at.date(), say=say)
    drivers = await bind_drivers(stage, story)
    say(f"{drivers} drivers have bound a plate, and a card or WeChat Pay")
    pool = await open_pool(stage.database_url, size_max=2)
    try:
        director = Director(stage, keys.operators)
        first_car_at = await _watch(
            stage, story, pool, console=console, cameras=cameras, director=director, say=say
        )
        settled_at = time.monotonic()
        await stage.pass_wechats_night(story[0].entered_at.date())
        statements = await read_statements(stage)
        violations = await audit(pool, now=datetime.now(UTC), truth_urls=stage.truth_urls)
        stays = await read_stays(pool)
    finally:
        await pool.close()
    right = summary.tell(
        console,
        became=judge(story, stays),
        statements=statements,
        violations=violations,
        strange=len(strangers(story, stays)),
    )
    first, all_of_them = (at - options.started for at in (first_car_at, settled_at))
    console.print(f"first car after {first:.1f} s, all settled after {all_of_them:.1f} s")
    return await finish(stage, console, right=right, once=options.once)


async def _watch(
    stage: Stage,
    story: Sequence[Pass],
    pool: Pool,
    *,
    console: Console,
    cameras: Any,  # noqa: ANN401
    director: Director,
    say: Any,  # noqa: ANN401
) -> float:
    """Show progress and let people act until every car is settled, or nothing moves any more.

    Answers when the first car's stay was there to be seen.
    """
    crossings = len(gates.scenario_of(story).passes)
    goals = goals_of(
        crossings=crossings,
        passes=len(story),
        closing=sum(told.exit_seen for told in story),
        paying=sum(told.fate not in (Fate.UNBOUND, Fate.FREE, Fate.MISSED_EXIT) for told in story),
    )
    watcher = Watcher(console, stage, goals=goals)
    courier = gates.Courier(stage)
    carrying = asyncio.create_task(courier.carry())
    last, still_since = None, time.monotonic()
    first_car_at = math.inf
    with watcher:
        while True:
            stage.raise_if_given_up()
            became = await _judge_now(pool, story)
            stays = [each.stay for each in became if each.stay is not None]
            counts = await watcher.look(stays, cameras_done=cameras.finished)
            courier.recorded = counts.delivered
            if stays and first_car_at == math.inf:
                first_car_at = time.monotonic()
                say(f"the first car is on the page: {stays[0]['plate']}")
            if carrying.done():
                carrying.result()
            for line in await director.act(became):
                say(line)
            if cameras.finished and not counts.pending and not any(each.missing for each in became):
                break
            seen = (counts, [each.missing for each in became])
            if seen != last:
                last, still_since = seen, time.monotonic()
            if time.monotonic() - still_since > _PATIENCE_SECONDS:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    carrying.cancel()
    await watcher.close()
    return first_car_at


async def _judge_now(pool: Pool, story: Sequence[Pass]) -> tuple[Became, ...]:
    """Judge what lies in the database; a killed PostgreSQL is waited for."""
    while True:
        with contextlib.suppress(DatabaseUnavailableError, *UNAVAILABLE):
            return judge(story, await read_stays(pool))
        await asyncio.sleep(_LOOK_SECONDS)


async def read_statements(stage: Stage) -> dict[str, dict[str, Any]]:
    """Each operator's statement of today, once the gateway's report has been read."""
    admin = Api(stage.base_url, key=stage.admin_key)
    deadline = time.monotonic() + _STATEMENT_SECONDS
    # The ledger books on the day it hears of a thing: the story is yesterday's, the money today's.
    today = datetime.now(ZoneInfo(ZONE)).date().isoformat()
    try:
        while True:
            found = {
                each.operator_id: await admin.get(
                    f"/v1/operators/{each.operator_id}/statements/{today}"
                )
                for each in OPERATORS
            }
            if all(said["reconciled"] for said in found.values()) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await admin.close()


async def finish(stage: Stage, console: Console, *, right: bool, once: bool) -> int:
    """Say where to look; wait for Ctrl-C unless it was to end by itself."""
    if once:
        return 0 if right else 1
    console.print(f"\nLook at it: {page_address(stage)}\nCtrl-C ends it.")
    while True:
        stage.household.raise_if_given_up()
        await asyncio.sleep(_LOOK_SECONDS)
