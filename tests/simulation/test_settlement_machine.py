"""Drivers, operators, banks and both providers in whatever order, by a Hypothesis machine.

The acts are those of the seeded months; here Hypothesis chooses and orders them, restarts workers
and the gateway between any two, and shrinks what fails. After every step every invariant holds,
against the simulator's truth log too. `make simulate SEEDS=200` runs as many, deeper ones.
"""

import asyncio
import os
import random
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from parking.core.errors import DomainError
from parking.postgres import RunningServer, drop_database
from tests.conftest import run_in_own_loop
from tests.simulation.month import Month
from tests.simulation.month_world import Simulators, open_month

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

EXAMPLES = int(os.environ.get("SIMULATION_SEEDS", "3"))
STEPS = 10 if "SIMULATION_SEEDS" not in os.environ else 40
_T = TypeVar("_T")


class Settlement(RuleBasedStateMachine):
    """One city of its own for each run."""

    fresh_database: "Callable[[], AbstractContextManager[str]]"
    runner: asyncio.Runner

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.runner.run(work)

    @initialize(chance=st.randoms(use_true_random=False))
    def open(self, chance: random.Random) -> None:
        self.opened = ExitStack()
        database_url = self.opened.enter_context(self.fresh_database())
        folder = self.opened.enter_context(tempfile.TemporaryDirectory())
        self.simulators = Simulators(1, Path(folder))
        self.opened.callback(self.simulators.close)
        context = open_month(database_url, self.simulators, 1, payout_minimum_minor=1_000)
        self.world = self.do(context.__aenter__())
        self.opened.callback(lambda: self.do(context.__aexit__(None, None, None)))
        self.month = Month(self.world, 0)
        self.month.chance = self.world.chance = chance
        self.do(self.month.begin())

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    def act(self, name: str) -> None:
        """Do what somebody does; to be refused is an answer, as not to be heard is."""

        async def done() -> None:
            with suppress(DomainError):
                await self.month.acts[name][1]()

        self.do(done())

    @rule()
    def prices(self) -> None:
        self.act("park")

    @rule()
    def prices_again(self) -> None:
        """Dearer, cheaper (what is paid already is refunded), or another plate's after all."""
        self.act("revise")

    @rule(name=st.sampled_from(["bind a plate", "let a plate go", "claim a plate"]))
    def a_plate_changes_hands(self, name: str) -> None:
        self.act(name)

    @rule(name=st.sampled_from(["leave a card", "take the card back", "declines"]))
    def a_card(self, name: str) -> None:
        self.act(name)

    @rule()
    def pays_by_hand(self) -> None:
        self.act("pay by hand")

    @rule(name=st.sampled_from(["contest", "decide", "answer a claim"]))
    def a_case(self, name: str) -> None:
        self.act(name)

    @rule(name=st.sampled_from(["drive in", "drive out", "turn to WeChat", "turn from WeChat"]))
    def somebody_pays_by_wechat(self, name: str) -> None:
        self.act(name)

    @rule(
        name=st.sampled_from(["change a service in WeChat", "pay WeChat back", "see to a refund"])
    )
    def in_wechat(self, name: str) -> None:
        self.act(name)

    @rule(name=st.sampled_from(["a bank disputes", "a bank decides"]))
    def a_bank(self, name: str) -> None:
        self.act(name)

    @rule(name=st.sampled_from(["agree a contract", "take a payout back"]))
    def an_operator(self, name: str) -> None:
        self.act(name)

    @rule(hours=st.sampled_from([0.0, 0.1, 5.0, 26.0]))
    def time_passes(self, hours: float) -> None:
        self.do(self.month.pass_time(hours=hours))

    @rule(on=st.booleans())
    def the_gateway_fails(self, on: bool) -> None:  # noqa: FBT001 - drawn
        if on:
            self.world.faults()
        else:
            self.world.no_faults()

    @rule()
    def the_worker_is_replaced(self) -> None:
        self.do(self.world.providers.close())
        self.world.connect()
        self.month.hire()

    @rule()
    def the_gateway_restarts(self) -> None:
        """Both, on the same ports, with what they had on disk; the worker's connections are cut."""
        self.simulators.restart(self.world)

    @rule()
    def everything_comes_out(self) -> None:
        """Once nothing fails any more, nothing stays in doubt, and the report agrees."""
        self.world.no_faults()
        for _ in range(4):
            self.do(self.month.pass_time(hours=8))
            self.do(self.world.drain())
        waiting = self.do(self.world.waiting())
        assert (waiting.messages, waiting.unknown) == (0, 0), waiting

    @invariant()
    def every_invariant_holds(self) -> None:
        if hasattr(self, "world"):
            self.do(self.world.assert_sound())


def test_whatever_comes_in_whatever_order(
    postgres_server: RunningServer, postgres_servers: Any
) -> None:
    template = postgres_servers.migrated_template("embedded")

    @contextmanager
    def fresh_database() -> Iterator[str]:
        name = postgres_servers.new_database(postgres_server, template)
        yield postgres_server.url(name)
        run_in_own_loop(lambda: drop_database(postgres_server.url(), name))

    with asyncio.Runner() as runner:
        Settlement.runner = runner
        Settlement.fresh_database = staticmethod(fresh_database)
        run_state_machine_as_test(
            Settlement,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            ),
        )
