"""The commands for tariffs: price a stay, check a file, draw it, compare two.

Commands that need no database. `portal.cli` adds them to `parking`; what they load is imported
where it is used, so that --help is quick.
"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_MISTAKES: Final = 1
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_COLOURS: Final = ["blue", "yellow", "green", "white", "black", "unknown"]
_VEHICLES: Final = ["small", "large", "motorcycle", "new_energy"]


class _VehicleChoice(click.Choice[str]):
    """A kind of vehicle, written with a hyphen or as in tariff files."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(value.replace("-", "_"), param, ctx)


def _of_vehicle(command: "Callable[..., Any]") -> "Callable[..., Any]":
    """Add the options that say what kind of vehicle it is."""
    command = click.option(
        "--class",
        "vehicle",
        type=_VehicleChoice(_VEHICLES, case_sensitive=False),
        help="Kind of vehicle; where the tariff names it, it counts before the colour.",
    )(command)
    return click.option(
        "--colour",
        type=click.Choice(_COLOURS, case_sensitive=False),
        default="blue",
        show_default=True,
        help="Colour of the plate.",
    )(command)


@click.command()
@click.argument("tariff", type=_FILE)
@click.option(
    "--entered",
    required=True,
    help="When the car came in: 2026-11-22T09:05, on the tariff's clock.",
)
@click.option("--left", required=True, help="When it left.")
@_of_vehicle
@click.option(
    "--right",
    "rights",
    multiple=True,
    metavar="ID[@FROM..UNTIL]",
    help="A right of the tariff, with the times within which it is valid; may be repeated.",
)
@click.option(
    "--paid",
    "payments",
    multiple=True,
    metavar="AMOUNT@TIME",
    help="Paid before, as 10.00@2026-11-22T11:00; the rest is priced. May be repeated.",
)
@click.option(
    "--earlier",
    multiple=True,
    metavar="FROM..UNTIL",
    help="An earlier stay of the same vehicle, for re-entry and what days share; may be repeated.",
)
@click.option(
    "--drive-through", is_flag=True, help="It came in by one lane and left by another at once."
)
@click.option("--visits-today", type=click.IntRange(0), default=0, help="Earlier stays of the day.")
@click.option(
    "--free-minutes-used", type=click.IntRange(0), default=0, help="Free minutes they have used."
)
@click.option("--next", "show_next", is_flag=True, help="Tell when the price steps next.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
def quote(**options: Any) -> None:  # noqa: ANN401 - click hands each option in by its name
    """Price a stay from a TARIFF file (TOML or JSON). Needs no database.

    `parking tariff check TARIFF` lists the classes, colours and rights that it names.
    """
    from portal.quoting import Question, answer

    found = answer(Question(**options))
    for notice in found.notices:
        click.echo(f"parking: {notice}", err=True)
    click.echo(found.text)


@click.group()
def tariff() -> None:
    """Tariff files: check and draw one, compare two, price a pass."""


@tariff.command()
@click.argument("file", type=_FILE)
@click.option("--entered", help="Draw a stay from then on (default: 08:00 today).")
@_of_vehicle
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the price into this file."
)
def check(
    *, file: Path, entered: str | None, colour: str, vehicle: str | None, svg: Path | None
) -> None:
    """Say what is wrong with a tariff FILE, line by line; else draw its price over 24 hours.

    Below the drawing stand the classes, colours and rights that the tariff names.
    Exit code 1 when something is wrong.
    """
    from portal.tariff_checking import drawing, mistakes

    told = mistakes(file)
    if told:
        for line in told:
            click.echo(line, err=True)
        sys.exit(EXIT_MISTAKES)
    drawn = drawing(
        file, entered=entered, colour=colour, vehicle=vehicle, today=datetime.now(UTC).date()
    )
    click.echo(drawn.text)
    if svg is not None:
        svg.write_text(drawn.svg, encoding="utf-8")


@tariff.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option(
    "--stays",
    required=True,
    type=_FILE,
    help="CSV with entered_at and left_at, and colour and class where they are known.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
def compare(*, old: Path, new: Path, stays: Path, as_json: bool) -> None:
    """Tell what the tariff NEW would have earned from stays that OLD priced."""
    from portal.tariff_comparing import compare_files, show

    click.echo(show(compare_files(old, new, stays), as_json=as_json))


@tariff.command("pass")
@click.argument("file", type=_FILE)
@click.option("--right", "right_id", required=True, help="The pass, as the tariff names it.")
@click.option(
    "--from", "first_day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day."
)
@click.option(
    "--until", "last_day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day."
)
def pass_(*, file: Path, right_id: str, first_day: datetime, last_day: datetime) -> None:
    """Price a pass from its first to its last day, by calendar month."""
    from portal.quoting import quote_pass

    days: tuple[date, date] = (first_day.date(), last_day.date())
    click.echo(quote_pass(file, right_id=right_id, first_day=days[0], last_day=days[1]))
