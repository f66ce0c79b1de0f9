"""`gateway-sim wechatpay`."""

from pathlib import Path
from typing import Literal, TypeAlias

import click

from parking.core.errors import DomainError

SignedWith: TypeAlias = Literal["public_key", "certificate"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8702, show_default=True, help="Port; 0 takes any free one.")
@click.option("--seed", default=0, show_default=True, help="Decides numbers and faults.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SQLite file that outlives this process, kill -9 included. Default: memory only.",
)
@click.option(
    "--keys",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of both sides' keys, made where there is none. Default: new ones, told by "
    "GET /_sim/credentials.",
)
@click.option(
    "--fee-bp",
    default=60,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="Fee of an order in basis points (60 is 0.6 %), halves of a fen rounded up.",
)
@click.option(
    "--deduct-after",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds from acceptance of an order to its deduction.",
)
@click.option(
    "--refund-after",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds from acceptance of a refund to its end.",
)
@click.option(
    "--notify-signed-with",
    default="public_key",
    show_default=True,
    type=click.Choice(["public_key", "certificate"]),
    help="Which of the platform's keys signs notifications.",
)
@click.option("--rate-limit", type=click.FloatRange(1), help="Requests a second; more get 429.")
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file of what goes wrong; the same as POST /_sim/faults takes.",
)
def wechatpay(  # noqa: PLR0913 - one argument an option
    *,
    host: str,
    port: int,
    seed: int,
    state: Path | None,
    keys: Path | None,
    fee_bp: int,
    deduct_after: float,
    refund_after: float,
    notify_signed_with: SignedWith,
    rate_limit: float | None,
    faults: Path | None,
) -> None:
    """Run the parking product of WeChat Pay (支付分停车) on loopback.

    The wechatpayv3 library talks to it once its address is http://127.0.0.1:8702; what it is
    called and signs with: GET /_sim/credentials. The truth about all money: GET /_sim/truth.
    """
    # Imported here so that --help and the other subcommands do not load a web server.
    from gateway_sim.logs import configure
    from gateway_sim.wechatpay.faults import read_plan
    from gateway_sim.wechatpay.server import Options, serve

    configure()
    try:
        options = Options(
            host=host,
            port=port,
            seed=seed,
            state=state,
            keys=keys,
            fee_basis_points=fee_bp,
            deduct_after=deduct_after,
            refund_after=refund_after,
            notify_signed_with="certificate"
            if notify_signed_with == "certificate"
            else "public_key",
            rate_limit=rate_limit,
            faults=read_plan(faults.read_bytes()) if faults else None,
        )
        serve(options, ready=lambda it: click.echo(f"gateway-sim wechatpay: {it.address}"))
    except DomainError as error:
        raise click.ClickException(str(error)) from error
