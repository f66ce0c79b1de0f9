"""`gateway-sim`: the outside world, one subcommand for each part of it.

Subcommands are imported when they are called, so that `gateway-sim payments` needs no OpenCV
and `gateway-sim gates` no web server.
"""

from importlib import import_module

import click

_COMMANDS = {
    "gates": "gateway_sim.gates.command",
    "payments": "gateway_sim.payments.command",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(module), cmd_name)
        return command


@click.group(cls=_LazyGroup)
def main() -> None:
    """Simulate the world around the product: a payment gateway, and gates with cameras."""
