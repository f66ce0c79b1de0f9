"""Train the recogniser: `python -m lpr.training --photographs FOLDER`.

Two CPU hours at most with the numbers given; the same numbers give the same net on one machine.
"""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import click
import msgspec
import numpy as np

from lpr.training.cache import SampleSet, joined, sample_set
from lpr.training.prepare import studio
from lpr.training.samples import Source, Studio
from lpr.training.split import Share, photographs
from parking.core.errors import DomainError

_TOLD_EVERY_STEPS = 200
_CALIBRATION_SAMPLES = 600
_CALIBRATION_SEED = 100
"""Far from the seeds of learning: the tuning share, photographed anew."""
_USUAL_SAMPLES = 200
"""Of each source, to set the normalisations of a net that goes on from ONNX."""
_SHARES = {Source.DRAWN: 0.45, Source.REAL: 0.20, Source.EXCHANGED: 0.35}
"""What a batch is made of."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    photographs: Path
    part: float
    """Of the training share's photographs."""
    out: Path
    cache: Path
    begin_with: Path | None
    counts: dict[Source, int]
    steps: int
    rate: float
    width: int
    seed: int
    processes: int
    threads: int


@click.command()
@click.option("--photographs", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--part", default=1.0, help="Of the training share; 0: drawings alone.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lpr/nets/plate_net.onnx"))
@click.option("--cache", "cache_folder", type=click.Path(path_type=Path), default=".data/training")
@click.option(
    "--begin-with",
    type=click.Path(path_type=Path),
    help="Weights (.pt) or net (.onnx) to go on from.",
)
@click.option("--drawn", default=30_000, show_default=True, help="Plates to draw.")
@click.option("--real", default=14_000, show_default=True, help="Real plates, photographed anew.")
@click.option("--exchanged", default=24_000, show_default=True, help="With changed characters.")
@click.option("--steps", default=6_000, show_default=True, help="Batches of 32.")
@click.option("--rate", default=2.5e-3, show_default=True, help="The highest learning rate.")
@click.option("--width", default=16, show_default=True, help="Channels of the first layer.")
@click.option("--seed", default=1, show_default=True)
@click.option("--processes", default=2, show_default=True, help="To draw with.")
@click.option("--threads", default=2, show_default=True, help="To learn with.")
def main(  # noqa: PLR0913 - a command's options
    *,
    folder: Path,
    part: float,
    out: Path,
    cache_folder: Path,
    begin_with: Path | None,
    drawn: int,
    real: int,
    exchanged: int,
    steps: int,
    rate: float,
    width: int,
    seed: int,
    processes: int,
    threads: int,
) -> None:
    """Draw plates, learn from them and from the training share, calibrate, write the net."""
    counts = {Source.DRAWN: drawn}
    if part > 0.0:
        counts |= {Source.REAL: real, Source.EXCHANGED: exchanged}
    order = Order(
        photographs=folder,
        part=part,
        out=out,
        # Samples of a part are no samples of the whole.
        cache=cache_folder if part == 1.0 else cache_folder / f"part-{part:g}",
        begin_with=begin_with,
        counts=counts,
        steps=steps,
        rate=rate,
        width=width,
        seed=seed,
        processes=processes,
        threads=threads,
    )
    try:
        _train(order)
    except DomainError as error:
        raise click.ClickException(str(error)) from error


def _train(order: Order) -> None:
    from lpr.pipeline import standard_pipeline

    next(photographs(order.photographs, *Share))  # a wrong folder is told at once, not in an hour
    pipeline = cache(standard_pipeline)

    @cache
    def made_of(share: Share) -> Studio:
        return studio(
            order.photographs,
            pipeline=pipeline(),
            seed=order.seed,
            shares=(share,),
            part=order.part if share is Share.TRAINING else 1.0,
        )

    parts = [
        (_samples(source, count, order, lambda: made_of(Share.TRAINING)), _SHARES[source])
        for source, count in order.counts.items()
        if count
    ]
    held_out = _samples(
        Source.REAL,
        _CALIBRATION_SAMPLES,
        msgspec.structs.replace(order, seed=_CALIBRATION_SEED),
        lambda: made_of(Share.TUNING),
    )
    _learn(order, parts, held_out)


def _samples(source: Source, count: int, order: Order, made_of: Callable[[], Studio]) -> SampleSet:
    with click.progressbar(length=count, label=f"{source.value:10}", file=sys.stderr) as bar:
        made = sample_set(
            source,
            count,
            studio=made_of,
            seed=order.seed,
            folder=order.cache,
            processes=order.processes,
            progress=bar.update,
        )
        bar.update(count - bar.pos)
    return made


def _learn(order: Order, parts: list[tuple[SampleSet, float]], held_out: SampleSet) -> None:
    import torch

    from lpr.training.export import export
    from lpr.training.learning import Recipe, accuracy, learn, mixed_batches, temperature_for
    from lpr.training.net import PlateNet
    from lpr.training.resume import unfolded

    recipe = Recipe(seed=order.seed, steps=order.steps, rate=order.rate, threads=order.threads)
    torch.manual_seed(order.seed)
    net = PlateNet(width=order.width)
    if order.begin_with and order.begin_with.suffix == ".onnx":
        usual = joined([made.first(_USUAL_SAMPLES) for made, _ in parts])
        net = unfolded(order.begin_with, pictures=usual.pictures)
    elif order.begin_with:
        net.load_state_dict(torch.load(order.begin_with, weights_only=True))
    losses: list[float] = []
    with click.progressbar(length=order.steps, label="learning  ", file=sys.stderr) as bar:

        def progress(step: int, loss: float, average: PlateNet) -> None:
            losses.append(loss)
            bar.update(1)
            if step % _TOLD_EVERY_STEPS == 0:
                share = accuracy(average, held_out)
                recent = float(np.mean(losses[-_TOLD_EVERY_STEPS:]))
                click.echo(f"\nstep {step}: loss {recent:.3f}, held out {share:.1%}", err=True)
                torch.save(average.state_dict(), order.cache / "weights.pt")

        batches = mixed_batches(parts, size=recipe.batch, seed=order.seed)
        average = learn(net, batches=batches, recipe=recipe, progress=progress)
    torch.save(average.state_dict(), order.cache / "weights.pt")
    temperature = temperature_for(average, held_out)
    notes = {
        "recipe": msgspec.json.encode(recipe).decode(),
        "samples": str({source.value: count for source, count in order.counts.items()}),
        "temperature": f"{temperature:.3f}",
    }
    export(average, order.out, temperature=temperature, notes=notes)
    click.echo(f"{order.out}: held out {accuracy(average, held_out):.1%}, T {temperature:.2f}")


if __name__ == "__main__":
    main()
