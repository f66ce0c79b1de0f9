"""`gateway-sim`: the outside world, one subcommand for each part of it.

Subcommands are imported when they are called, so that `gateway-sim payments` needs no OpenCV,
`gateway-sim gates` no web server, and `--help` neither.
"""

from importlib import import_module

import click

_COMMANDS = {
    "gates": "Show cars to cameras: rendered frames, delivered as cameras deliver them.",
    "payments": "Run a Stripe-shaped payment gateway on loopback.",
    "wechatpay": "Run the parking product of WeChat Pay on loopback.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        try:
            module = import_module(f"gateway_sim.{cmd_name}.command")
        except ModuleNotFoundError as error:
            msg = f"`gateway-sim {cmd_name}` needs {error.name}: pip install 'leave-first[sim]'"
            raise click.ClickException(msg) from error
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Simulate the world around the product: a payment gateway, and gates with cameras."""
