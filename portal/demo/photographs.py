"""`parking demo --frames FOLDER`: the gates look at photographs and videos of yours.

Each picture is one car: it drives in with it and, some time later on the same day, out with it.
Lots take the pictures in turn and each lot has one car of them at a time, so the same car may be
in many pictures. A video passes before a lane of its own, in and out. Nobody binds the plates:
every fee stays owed. Pictures are linked, never changed.
"""

import asyncio
import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import asyncpg
from rich.console import Console
from rich.table import Table

from parking.core.errors import DomainError
from parking.core.plate import Plate
from parking.db.pool import Pool, open_pool
from portal.audit import audit
from portal.demo.city import IN_LANE, LOTS, OUT_LANE, WULIN, ZONE, DemoLot
from portal.demo.http import Api
from portal.demo.outcome import read_stays
from portal.demo.stage import Stage, Video
from portal.demo.story import demo_day
from portal.demo.watch import Counts, Watcher
from portal.pages.html import yuan

if TYPE_CHECKING:
    from portal.demo.run import DemoOptions

PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
VIDEOS: Final = frozenset({".mp4", ".avi", ".mkv", ".mov", ".ts", ".m4v", ".webm"})
_SLOT: Final = timedelta(hours=1)
_SLOTS_A_DAY: Final = 14
_FIRST_HOUR: Final = clock_time(8)
_DAYS_MAX: Final = 40
_VIDEOS_MAX: Final = 20
_LOOK_SECONDS: Final = 0.4
_QUIET_SECONDS: Final = 4.0
_STUCK_SECONDS: Final = 120.0
_SAME_CAR: Final = timedelta(minutes=2)


class NoPicturesError(DomainError):
    """There is nothing to look at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds no pictures ({', '.join(sorted(PICTURES))}) and no videos"
        )


class TooManyPicturesError(DomainError):
    """More than the demo's days hold."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(f"{count} pictures are more than the demo plays: {most} at most")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One picture and when its car drives in and out."""

    path: Path
    lot: DemoLot
    entered_at: datetime
    left_at: datetime


def plan(folder: Path, *, day: date) -> tuple[Shown, ...]:
    """Give each picture its car's stay; the days before `day` are used when one does not do."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    most = _DAYS_MAX * _SLOTS_A_DAY * len(LOTS)
    if len(paths) > most:
        raise TooManyPicturesError(len(paths), most)
    days = math.ceil(len(paths) / (_SLOTS_A_DAY * len(LOTS)))
    shown = []
    for number, path in enumerate(paths):
        turn, lot = number // len(LOTS), LOTS[number % len(LOTS)]
        on = day - timedelta(days=days - 1 - turn // _SLOTS_A_DAY)
        begin = datetime.combine(on, _FIRST_HOUR, tzinfo=ZoneInfo(ZONE))
        entered_at = begin + (turn % _SLOTS_A_DAY) * _SLOT + timedelta(minutes=number % 7)
        minutes = 20 + 17 * number % 30
        shown.append(
            Shown(
                path=path,
                lot=lot,
                entered_at=entered_at,
                left_at=entered_at + timedelta(minutes=minutes),
            )
        )
    return tuple(shown)


def deliver(stage: Stage, shown: Sequence[Shown]) -> None:
    """Put every picture before its two cameras, in the order of the day."""
    passes = [(each.entered_at, IN_LANE, each) for each in shown]
    passes += [(each.left_at, OUT_LANE, each) for each in shown]
    for number, (at, lane, each) in enumerate(sorted(passes, key=lambda one: one[0])):
        name = f"{_stamp(at)}-{number}{each.path.suffix.lower()}"
        _link(each.path, stage.folder.lane(each.lot, lane) / name)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S}.000Z"


def _link(source: Path, target: Path) -> None:
    """Link where that can be, copy where it cannot; the camera sees a whole file at once."""
    whole = target.with_name(f".{target.name}")
    try:
        os.link(source.resolve(), whole)
    except OSError:
        shutil.copyfile(source, whole)
    whole.replace(target)


def plan_videos(stage: Stage, folder: Path, *, day: date) -> list[Video]:
    """Give each video two lanes of its own at the first lot: in, and out half an hour later.

    One follows the other, since the same car may be in several.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS)
    videos = []
    for number, path in enumerate(paths[:_VIDEOS_MAX]):
        begin = datetime.combine(day, _FIRST_HOUR, tzinfo=ZoneInfo(ZONE))
        for direction, later in (("entry", timedelta()), ("exit", timedelta(minutes=30))):
            at = begin + number * timedelta(minutes=45) + later
            target = stage.folder.path / f"{_stamp(at)}-{direction}-{number}{path.suffix.lower()}"
            _link(path, target)
            videos.append(
                Video(lane_id=f"video-{number + 1}-{direction}", direction=direction, path=target)
            )
    stage.videos[WULIN.lot_id] = videos
    return videos


async def play_photographs(console: Console, options: "DemoOptions") -> int:
    """Play the folder; answers 0 when every invariant held."""
    from portal.demo.run import finish, new_stage, open_stage, teller

    if options.frames is None:
        return 0
    now = datetime.now(UTC)
    day = demo_day(now)
    shown = plan(options.frames, day=day)
    say = teller(console, options)
    stage = new_stage(options, now=now, say=say)
    try:
        videos = plan_videos(stage, options.frames, day=day)
        if not shown and not videos:
            raise NoPicturesError(options.frames)
        first = min((each.entered_at.date() for each in shown), default=day)
        stage.open_gates(first=WULIN)
        await open_stage(stage, day=first, say=say)
        await _put_video_lanes(stage, videos)
        await asyncio.to_thread(deliver, stage, shown)
        say(f"{len(shown)} pictures and {len(videos) // 2} videos pass the gates, in and out")
        right = await _watch_and_tell(stage, shown, console=console)
        return await finish(stage, console, right=right, once=options.once)
    finally:
        await stage.close()


async def _put_video_lanes(stage: Stage, videos: Sequence[Video]) -> None:
    admin = Api(stage.base_url, key=stage.admin_key)
    for video in videos:
        path = f"/v1/lots/{WULIN.lot_id}/lanes/{video.lane_id}"
        await admin.put(path, {"direction": video.direction, "name": video.lane_id})
    await admin.close()


async def _watch_and_tell(stage: Stage, shown: Sequence[Shown], *, console: Console) -> bool:
    pool = await open_pool(stage.database_url, size_max=2)
    try:
        videos = sum(map(len, stage.videos.values()))
        unreadable = await _watch(
            stage, pool, console=console, frames=2 * len(shown), videos=videos
        )
        stays = await read_stays(pool)
        violations = await audit(pool, now=datetime.now(UTC), truth_urls=stage.truth_urls)
    finally:
        await pool.close()
    console.print(_table(shown, stays))
    for lane_id, problem in unreadable.items():
        console.print(f"{lane_id}: {problem}", style="yellow")
    closed = sum(stay["state"] == "closed" for stay in stays)
    console.print(f"{closed} stays priced; {len(violations)} invariants violated")
    for violation in violations:
        console.print(f"  {violation}", style="red")
    return not violations


async def _watch(
    stage: Stage, pool: Pool, *, console: Console, frames: int, videos: int
) -> Mapping[str, str]:
    """Until all of it has been looked at, every event delivered, and nothing moves any more.

    Answers the lanes whose camera could not be read, and why.
    """
    pictures = frames // 2
    goals = {"read": frames, "delivered": frames, "opened": pictures, "closed": pictures}
    watcher = Watcher(console, stage, goals=goals)
    last: Counts | None = None
    quiet_since = time.monotonic()
    with watcher:
        while True:
            stage.raise_if_given_up()
            counts = await watcher.look(await read_stays(pool), cameras_done=False)
            if counts != last:
                last, quiet_since = counts, time.monotonic()
            looked = counts.read >= frames and counts.ended >= videos and not counts.pending
            # An agent that was killed counts its frames from nought again, hence the patience.
            patience = _QUIET_SECONDS if looked else _STUCK_SECONDS
            if time.monotonic() - quiet_since > patience:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    await watcher.close()
    return watcher.unreadable


def _table(shown: Sequence[Shown], stays: Sequence[asyncpg.Record]) -> Table:
    table = Table(title="Every picture", title_justify="left", pad_edge=False)
    for name in ("picture", "plate", "lot", "in", "out", "state"):
        table.add_column(name, overflow="fold")
    table.add_column("fee", justify="right")
    unseen = list(stays)
    for each in shown:
        found = [one for one in unseen if _is_of(each, one)]
        if not found:
            table.add_row(each.path.name, "–", each.lot.lot_id, "", "", "no plate read", "–")
        for stay in found:  # a picture may show several cars
            unseen.remove(stay)
            table.add_row(each.path.name, *_cells(stay))
    for stay in unseen:
        table.add_row("(a video)", *_cells(stay))
    return table


def _is_of(each: Shown, stay: asyncpg.Record) -> bool:
    if stay["lot_id"] != each.lot.lot_id:
        return False
    seen, told = stay["entered_at"] or stay["left_at"], each.entered_at
    if stay["entered_at"] is None:
        told = each.left_at
    return bool(abs(seen - told) < _SAME_CAR)


def _cells(stay: asyncpg.Record) -> tuple[str, ...]:
    fee = "–" if stay["fee_minor"] is None else yuan(stay["fee_minor"])
    times = [
        "–" if at is None else at.astimezone(ZoneInfo(ZONE)).strftime("%d %H:%M")
        for at in (stay["entered_at"], stay["left_at"])
    ]
    return Plate(stay["plate"]), stay["lot_id"], *times, stay["state"], fee
