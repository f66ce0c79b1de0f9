"""`gateway-sim payments`."""

from pathlib import Path

import click

from parking.core.errors import DomainError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8701, show_default=True, help="Port; 0 takes any free one.")
@click.option("--seed", default=0, show_default=True, help="Decides ids and faults.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SQLite file that outlives this process, kill -9 included. Default: memory only.",
)
@click.option("--webhook-url", help="Where all events are posted.")
@click.option(
    "--webhook-secret",
    envvar="GATEWAY_SIM_WEBHOOK_SECRET",
    default="whsec_simulated",
    help="Signs them.",
)
@click.option(
    "--fee-bp",
    default=60,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="Fee of a charge in basis points (60 is 0.6 %), halves of a minor unit rounded up.",
)
@click.option(
    "--dispute-fee",
    default=1500,
    show_default=True,
    type=click.IntRange(0),
    help="Fee of a dispute in minor units, kept even when it is won.",
)
@click.option(
    "--payouts",
    "payout_interval",
    default="manual",
    show_default=True,
    type=click.Choice(["manual", "daily", "weekly", "monthly"]),
    help="When the platform's own balance is paid out by itself.",
)
@click.option("--rate-limit", type=click.FloatRange(1), help="Requests a second; more get 429.")
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file of what goes wrong; the same as POST /_sim/faults takes.",
)
def payments(  # noqa: PLR0913 - one argument an option
    *,
    host: str,
    port: int,
    seed: int,
    state: Path | None,
    webhook_url: str | None,
    webhook_secret: str,
    fee_bp: int,
    dispute_fee: int,
    payout_interval: str,
    rate_limit: float | None,
    faults: Path | None,
) -> None:
    """Run a Stripe-shaped payment gateway on loopback.

    The stripe library talks to it through base_addresses={"api": "http://127.0.0.1:8701"} and
    any key that starts with sk_test_. The truth about every charge: GET /_sim/truth.
    """
    # Imported here so that --help and the other subcommands do not load a web server.
    from gateway_sim.logs import configure
    from gateway_sim.payments.faults import read_plan
    from gateway_sim.payments.server import Options, serve

    configure()
    try:
        options = Options(
            host=host,
            port=port,
            seed=seed,
            state=state,
            fee_basis_points=fee_bp,
            dispute_fee_minor=dispute_fee,
            payout_interval=payout_interval,
            rate_limit=rate_limit,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            faults=read_plan(faults.read_bytes()) if faults else None,
        )
        serve(options, ready=lambda it: click.echo(f"gateway-sim payments: {it.address}"))
    except DomainError as error:
        raise click.ClickException(str(error)) from error
