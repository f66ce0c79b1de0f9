"""The command `parking`: everything that a server, its operator or a newcomer starts.

Whatever can go wrong on purpose (a wrong setting, a taken port, a database that is down) ends with
one line on standard error and exit code 2; a traceback means a fault of ours.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from parking.core.errors import DomainError
from portal import tariff_command

if TYPE_CHECKING:
    from portal.settings import Settings

T = TypeVar("T")
_OURS: Final = frozenset({"billing", "gateway_sim", "lpr", "parking", "portal"})
EXIT_TOLD: Final = 2
EXIT_VIOLATED: Final = 1
EXIT_INTERRUPTED: Final = 130
"""Ended by Ctrl-C, as a shell has it: 128 and the signal's number."""
_STARTED: Final = time.monotonic()


class _Parking(click.Group):
    """Turns expected errors into one line."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; told errors exit with 2."""
        try:
            return super().invoke(ctx)
        except DomainError as error:
            click.echo(f"parking: {error}", err=True)
        except KeyboardInterrupt:
            sys.exit(EXIT_INTERRUPTED)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in _OURS:
                raise
            click.echo(
                f"parking: {error.name} is not installed: pip install 'leave-first[server]'",
                err=True,
            )
        sys.exit(EXIT_TOLD)


@click.group(cls=_Parking, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="PARKING_CONFIG",
    help="TOML file with settings. Default: parking.toml here, if there is one.",
)
@click.version_option(package_name="leave-first")
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Parking that is paid for after you have gone.

    To see all of it work on this machine, nothing else needed:  parking demo

    To run it: `parking migrate` once, then `parking serve` (the API and the pages) and
    `parking work` (everything that happens by itself) side by side. Without DATABASE_URL they share
    a PostgreSQL of their own under .data/. Every setting: docs/configuration.md.
    """
    context.obj = config


def _settings(context: click.Context) -> "Settings":
    """Read the settings only where a command needs them, so that --help always works.

    Before a command's own imports, which take seconds: a wrong setting is told at once.
    """
    from portal.settings import load

    return load(context.find_root().obj)


def _run(main_coroutine: Callable[[], Any]) -> Any:  # noqa: ANN401
    import uvloop

    return uvloop.run(main_coroutine())


@main.command()
@click.option("--host", help="Address to listen on (default: setting server.host, 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port (default: server.port, 8080).")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that share the port.",
)
@click.pass_context
def serve(context: click.Context, host: str | None, port: int | None, workers: int) -> None:
    """Serve the HTTP API under /v1 and the pages."""
    settings = _settings(context)
    from portal.serving import serve as run

    run(settings, host=host, port=port, workers=workers)


@main.command(short_help="Do what happens by itself: charges, refunds, ledger, sweeps.")
@click.pass_context
def work(context: click.Context) -> None:
    """Do what happens by itself: obligations, payments, ledger, holds, sweeps, partitions."""
    settings = _settings(context)
    from portal.working import work as run

    _run(lambda: run(settings))


@main.command()
@click.pass_context
def migrate(context: click.Context) -> None:
    """Bring the database to the newest schema. May be run again; changes nothing then."""
    settings = _settings(context)
    from parking.db.migrate import upgrade_async
    from parking.db.revisions import newest_revision
    from portal.database import database_url, require_reachable

    async def run() -> None:
        url = await database_url(settings.database)
        await require_reachable(url)
        await upgrade_async(url)

    _run(run)
    click.echo(f"the database is at revision {newest_revision()}")


main.add_command(tariff_command.quote)
main.add_command(tariff_command.tariff)


@main.group()
def db() -> None:
    """The embedded PostgreSQL: start, stop, status, url."""


def _data_dir(context: click.Context) -> Path:
    return _settings(context).database.data_dir


@db.command("start")
@click.pass_context
def db_start(context: click.Context) -> None:
    """Start the embedded PostgreSQL, or say that it runs already. It goes on in the background."""
    from parking.postgres import ensure_running

    server = ensure_running(_data_dir(context), progress=lambda text: click.echo(text, err=True))
    how = "runs already" if server.adopted else "runs"
    click.echo(
        f"PostgreSQL {how} on port {server.port}, pid {server.pid}, data in {server.data_dir}"
    )


@db.command("stop")
@click.pass_context
def db_stop(context: click.Context) -> None:
    """Stop the embedded PostgreSQL; what was committed is kept."""
    from parking.postgres import stop

    stopped = stop(_data_dir(context), progress=lambda text: click.echo(text, err=True))
    click.echo("PostgreSQL is stopped" if stopped else "PostgreSQL was not running")


@db.command("status", short_help="Say whether it runs.")
@click.pass_context
def db_status(context: click.Context) -> None:
    """Say whether the embedded PostgreSQL runs; exit code 1 when it does not."""
    from parking.postgres import find_running

    server = find_running(_data_dir(context))
    if server is None:
        click.echo("PostgreSQL is not running")
        sys.exit(1)
    click.echo(
        f"PostgreSQL runs on port {server.port}, pid {server.pid}, data in {server.data_dir}"
    )


@db.command("url", short_help="Print the database's address, with its password.")
@click.pass_context
def db_url(context: click.Context) -> None:
    """Print the database's address, password included, for psql and the like."""
    from portal.database import database_url

    settings = _settings(context)
    click.echo(_run(lambda: database_url(settings.database)))


@main.command(short_help="Check that every invariant holds in the database.")
@click.option(
    "--truth-url",
    "truth_urls",
    multiple=True,
    help="A provider's simulator whose truth log is compared as well; once for each provider.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@click.pass_context
def audit(context: click.Context, truth_urls: tuple[str, ...], *, as_json: bool) -> None:
    """Check the invariants of docs/architecture.md; exit code 1 when one is violated."""
    from portal.audit import audit_database
    from portal.database import database_url, require_reachable

    settings = _settings(context)

    async def run() -> list[Any]:
        url = await database_url(settings.database)
        await require_reachable(url)
        return list(await audit_database(url, truth_urls=truth_urls, now=datetime.now(UTC)))

    violations = _run(run)
    if as_json:
        click.echo(
            json.dumps([each.as_json() for each in violations], ensure_ascii=False, indent=2)
        )
    else:
        for each in violations:
            click.echo(str(each))
        click.echo(f"{len(violations)} violations" if violations else "every invariant holds")
    sys.exit(EXIT_VIOLATED if violations else 0)


@main.group()
def key() -> None:
    """API keys for people and their programs."""


@key.command("create")
@click.option(
    "--operator", "operator_id", help="For this operator; without it an admin key is made."
)
@click.pass_context
def key_create(context: click.Context, operator_id: str | None) -> None:
    """Make a key and print it, once: only its hash is stored."""
    from portal.keys import create_key

    settings = _settings(context)
    click.echo(_run(lambda: create_key(settings, operator_id=operator_id)))


@main.command(short_help="See all of it work on this machine.")
@click.option("--once", is_flag=True, help="End by itself; exit code 0 only if everything held.")
@click.option(
    "--frames",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Drive the gates with the photographs and videos of this folder instead.",
)
@click.option(
    "--cars",
    type=click.IntRange(5, 400),
    default=16,
    show_default=True,
    help="How many passages; the first five are the unhappy ones.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Decides noise, ids and extra cars."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Where the page is shown.",
)
def demo(*, once: bool, frames: Path | None, cars: int, seed: int, port: int) -> None:
    """Run the whole of it on this machine: gates, API, worker, database, payment gateway.

    A day of a small city passes in about a minute; the page shows it live. Five of its cars are
    not happy ones. Try kill -9 on any of the processes: it must still come out right.
    """
    from portal.demo.run import DemoOptions, run_demo

    options = DemoOptions(
        once=once, frames=frames, cars=cars, seed=seed, port=port, started=_STARTED
    )
    sys.exit(_run(lambda: run_demo(options)))
