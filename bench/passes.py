"""Rendered cars pass a gate: every plate exact after the vote, and no wrong one sure.

    nice python bench/passes.py --passes 10000 --out passes.ndjson [--seed 1] [--shard 0/2]

Each pass is a car of its own in a lane of its own light, drawn by the simulator of gates
(gateway_sim/gates, which the recogniser did not learn from), read frame by frame by the product's
chain and voted by its crossing rules. Which pass number N is depends on N and the seed only; what
is in `--out` already is not done again, so a run may be stopped and gone on with, and shards run
side by side into files of their own. `--report FILE…` adds files up, each pass of a seed once, and
prints the table, which a run prints at its end as well. A renderer is no judge of accuracy on the
road: docs/gate-agent.md has the photographs.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from plate_curve import lower_bound
from plate_readers import one_thread

if TYPE_CHECKING:
    from gateway_sim.gates.scenario import Pass
    from lpr.pipeline import Pipeline

CHARGING_MIN = 0.95
"""The confidence that a gate may charge on without a question (docs/model-card.md)."""
FRAMES_MAX = 10
BLOCK = 1200
"""So many passes are put in order at a time: a run that is cut short has seen all lights."""
CHINA = timezone(timedelta(hours=8))
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
KINDS = {"blue": 70, "green": 18, "yellow": 6, "white": 4, "black": 2}
HOURS = {"day": 12, "dusk": 18, "night": 22}


def main() -> int:
    """Run passes that have not been run, then report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", default="0/1", help="which part of how many")
    parser.add_argument("--out", type=Path, default=Path(".data/passes.ndjson"))
    parser.add_argument("--report", type=Path, nargs="+", help="only add these files up")
    asked = parser.parse_args()
    if asked.report:
        report(_read(asked.report))
        return 0
    part, of = (int(number) for number in asked.shard.split("/"))
    numbers = range(part, asked.passes, of)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    run(numbers, asked.seed, asked.out)
    report(_read([asked.out]))
    return 0


def run(numbers: Iterable[int], seed: int, out: Path) -> None:
    """Run those passes that `out` does not hold yet."""
    one_thread()
    from lpr.pipeline import standard_pipeline

    # Of each block the passes of one lane and light in a row: their yard is then drawn once.
    ordered = sorted(numbers, key=lambda number: (number // BLOCK, _yard(number, seed), number))
    done = {item["number"] for item in _read([out]) if item["seed"] == seed}
    pipeline = standard_pipeline()
    left = [number for number in ordered if number not in done]
    with (
        out.open("a", encoding="utf-8") as file,
        click.progressbar(left, label="passes", show_pos=True, file=sys.stderr) as shown,
    ):
        if out.stat().st_size and not out.read_bytes().endswith(b"\n"):
            file.write("\n")  # a run was killed in the middle of a line: that pass is run again
        for number in shown:
            result = {"number": number, "seed": seed, **one_pass(number, seed, pipeline)}
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
            file.flush()


def one_pass(number: int, seed: int, pipeline: "Pipeline") -> dict[str, Any]:
    """Let one car pass, and say what the gate makes of it."""
    from gateway_sim.gates.frames import render_pass
    from lpr.core.crossing import Crossing, LaneState, leave_all, observe
    from lpr.core.crossing_rules import CrossingRules
    from lpr.image_file import decode_image

    rules, state = CrossingRules(), LaneState()
    crossings: list[Crossing] = []
    passing = pass_of(number, seed)
    spent = 0.0
    for index, frame in enumerate(render_pass(passing, seed=seed)):
        started = time.process_time()
        readings = pipeline.read(decode_image(frame.jpeg))
        spent += time.process_time() - started
        ids = [f"{index}-{place}" for place in range(len(readings))]
        step = observe(
            state, seen_at=frame.captured_at, readings=readings, trace_ids=ids, rules=rules
        )
        state, crossings = step.state, [*crossings, *step.crossings]
    crossings += leave_all(state, rules=rules).crossings
    told = [(item.plate.text, item.plate.confidence) for item in crossings if item.readable]
    return {
        "plate": passing.plate,
        "colour": passing.colour.value,
        "light": light_of(number),
        "frames": passing.frames,
        "read_cpu_ms": round(spent * 1000, 1),
        "told": [[text, round(sure, 4)] for text, sure in told],
    }


def pass_of(number: int, seed: int) -> "Pass":
    """Say which car passes where and when: from the number and the seed alone."""
    from gateway_sim.gates.scenario import Pass
    from parking.core.events import PlateColour

    chance = random.Random(f"pass {seed} {number}")
    colour = chance.choices(list(KINDS), list(KINDS.values()))[0]
    at = datetime(2026, 3, 2, HOURS[light_of(number)], tzinfo=CHINA)
    return Pass(
        lane=f"lot-{chance.randrange(40)}/in",
        captured_at=at + timedelta(seconds=chance.randrange(600)),
        plate=_text(colour, chance),
        colour=PlateColour(colour),
        frames=chance.randint(3, FRAMES_MAX),
    )


def _yard(number: int, seed: int) -> tuple[str, str]:
    return light_of(number), pass_of(number, seed).lane


def light_of(number: int) -> str:
    """Let day, dusk and night take turns."""
    return list(HOURS)[number % len(HOURS)]


def _text(colour: str, chance: random.Random) -> str:
    start = chance.choice(PROVINCES) + chance.choice(LETTERS)
    if colour == "green":
        return start + chance.choice("DF") + _serial(chance, 1) + _serial(chance, 4, letters=0)
    if colour == "white":
        return start + _serial(chance, 4) + "警"
    if colour == "black":
        return "粤Z" + _serial(chance, 4) + chance.choice("港澳")
    return start + _serial(chance, 5)


def _serial(chance: random.Random, length: int, *, letters: int = 2) -> str:
    lettered = set(chance.sample(range(length), min(chance.randint(0, letters), length)))
    return "".join(chance.choice(LETTERS if i in lettered else "0123456789") for i in range(length))


def report(results: list[dict[str, Any]]) -> None:
    """Print what came of the passes, by light and by colour, and the wrong reads that were sure."""
    if not results:
        print("no passes")
        return
    print("| passes | n | exact | without a plate | twice | wrong | wrong and sure |")
    print("|---|---|---|---|---|---|---|")
    print(_row("all", results))
    for field in ("light", "colour"):
        for value in sorted({item[field] for item in results}):
            print(_row(value, [item for item in results if item[field] == value]))
    right = sum(map(_exact, results))
    print(f"exact: at least {lower_bound(right, len(results)):.2%} with 95 % confidence")
    timed = [item for item in results if "read_cpu_ms" in item]
    if timed:
        spent, frames = (sum(item[field] for item in timed) for field in ("read_cpu_ms", "frames"))
        each, a_frame = spent / len(timed), spent / frames
        print(f"processor time: {each:.0f} ms a pass, {a_frame:.1f} ms a frame")
    pairs = Counter(pair for item in results for pair in _mistaken(item))
    for (true, read), count in pairs.most_common(12):
        print(f"{true} read as {read}: {count}")


def _row(name: str, results: list[dict[str, Any]]) -> str:
    wrong = [item for item in results if any(text != item["plate"] for text, _ in item["told"])]
    sure = [
        item
        for item in wrong
        if any(text != item["plate"] and s >= CHARGING_MIN for text, s in item["told"])
    ]
    silent = sum(not item["told"] for item in results)
    twice = sum(len(item["told"]) > 1 for item in results)
    exact = sum(map(_exact, results)) / len(results)
    return (
        f"| {name} | {len(results)} | {exact:.2%} | {silent} | {twice} | {len(wrong)} | "
        f"{len(sure)} |"
    )


def _exact(item: dict[str, Any]) -> bool:
    return [text for text, _ in item["told"]] == [item["plate"]]


def _mistaken(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for text, _ in item["told"]:
        if len(text) == len(item["plate"]):
            yield from ((a, b) for a, b in zip(item["plate"], text, strict=True) if a != b)


def _read(files: Iterable[Path]) -> list[dict[str, Any]]:
    """Answer each pass of a seed once, the one run last, whatever files it lies in."""
    lines = (
        line for file in files if file.is_file() for line in file.read_text("utf-8").splitlines()
    )
    results: dict[tuple[int, int], dict[str, Any]] = {}
    for line in lines:
        with suppress(json.JSONDecodeError):  # only half written when its run was killed
            item = json.loads(line)
            results[item["seed"], item["number"]] = item
    return list(results.values())


if __name__ == "__main__":
    sys.exit(main())
