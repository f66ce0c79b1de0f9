"""Drivers, operators, banks and faults in whatever order, step by step, by a Hypothesis machine.

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

from billing.core.reconcile import agrees
from billing.providers.stripe import StripeGateway
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options
from parking.core.errors import DomainError
from parking.postgres import RunningServer, drop_database
from tests.conftest import run_in_own_loop
from tests.gateway_sim.payments.harness import running
from tests.integration.billing.world import open_world
from tests.simulation.test_billing_month import FAULTS, Month

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
        self.options = Options(seed=1, state=Path(folder) / "state")
        self.gateway = ExitStack()
        simulator = self.gateway.enter_context(running(self.options))
        self.options = Options(
            seed=1, state=self.options.state, port=int(simulator.address.rpartition(":")[2])
        )
        context = open_world(
            database_url, simulator, stripe_timeout_seconds=2, payout_minimum_minor=1_000
        )
        self.world = self.do(context.__aenter__())
        self.opened.callback(lambda: self.do(context.__aexit__(None, None, None)))
        self.month = Month(self.world, 0)
        self.month.chance = chance
        self.do(self.month.begin())

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.gateway.close()
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
            self.world.simulator.faults(**FAULTS)
        else:
            self.world.simulator.http.delete("/_sim/faults").raise_for_status()

    @rule()
    def the_worker_is_replaced(self) -> None:
        world = self.world
        self.do(world.gateway.close())
        world.gateway = StripeGateway(world.settings)
        world.worker = BillingWorker(
            world.pool, world.gateway, world.settings, notifier=world.phones, corrector=self.month
        )

    @rule()
    def the_gateway_restarts(self) -> None:
        """On the same port, with what it had on disk; connections of the worker are cut."""
        self.gateway.close()
        self.gateway = ExitStack()
        self.world.simulator = self.gateway.enter_context(running(self.options))

    @rule()
    def everything_comes_out(self) -> None:
        """Once nothing fails any more, nothing stays in doubt, and the report agrees."""
        self.world.simulator.http.delete("/_sim/faults").raise_for_status()
        for _ in range(4):
            self.do(self.month.pass_time(hours=8))
            self.do(self.world.drain())
        waiting = self.do(self.world.waiting())
        assert (waiting.messages, waiting.unknown) == (0, 0), waiting
        assert agrees(self.do(self.world.reconcile()))

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
