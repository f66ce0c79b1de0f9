"""Facts, corrections, ends, charges and replays, in whatever order, against a real database.

A Hypothesis state machine holds facts back, delivers them late, in batches and again, and lets
billing charge in between. After each step the stays in the database are those of a simple model,
each with its fee, and what billing has charged is what the stays cost.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.providers.stripe import StripeGateway
from billing.services.consume_outbox import consume_outbox
from billing.settings import BillingSettings
from parking.core.events import (
    Ending,
    EventWithdrawn,
    Fact,
    PlateCorrected,
    PlateRead,
    StayEnded,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import DeviceId, EventId, LaneId, LotId, uuid7
from parking.core.plate import Plate
from parking.core.secret import Secret
from parking.services.check_lane_event import submission_of
from parking.services.outcomes import Status
from portal.audit import audit
from tests.integration.parking.test_any_order import Lot
from tests.integration.parking.world import NOW, World, open_world
from tests.simulation.stay_model import (
    CORRECTED,
    ENDED,
    ENTERED,
    LEFT,
    WITHDRAWN,
    Said,
    visits,
)

PLATES = ("浙A11111", "京C99999", "票0123456789ABCDE")
"""Too unlike for a near miss; the third stands for a ticket."""
SETTINGS = BillingSettings(
    stripe_api_key=Secret("sk_test_x"),
    stripe_api_url="http://127.0.0.1:9",
    stripe_webhook_secret=Secret("whsec_x"),
)
"""Nobody is asked to pay here: the gateway is never spoken to."""
T0 = NOW - timedelta(hours=9)
_RUNS = count(1)
_T = TypeVar("_T")
_plates = st.sampled_from(PLATES)
_instants = st.one_of(
    st.integers(0, 24).map(lambda step: 600 + 10 * step),
    st.sampled_from([0, 1500, 1800, 5000, 15_010, 15_020, 15_030, 30_000]),
)


class Stays(RuleBasedStateMachine):
    """One lot of its own for each run."""

    world: World
    runner: asyncio.Runner
    gateway: StripeGateway

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.runner.run(work)

    @initialize()
    def settle(self) -> None:
        self.run = next(_RUNS)
        self.numbers = count(self.run * 100_000)
        self.facts: list[Said] = []
        self.held: list[Said] = []
        self.lot = self.do(Lot(self.world).settle())
        rules = {"maximum_stay_hours": 4}
        self.do(self.world.put_lot(self.lot.lot_id, rules=rules))

    @rule(at=_instants, plate=st.one_of(st.none(), _plates, _plates), came=st.booleans())
    def sees(self, at: int, plate: str | None, came: bool) -> None:  # noqa: FBT001 - drawn
        # Even numbers came in, odd ones went out: the model tells by that how a stay began.
        number = next(self.numbers) * 2 + (not came)
        lane = "in" if came else "out"
        self._tell(Said(number, ENTERED if came else LEFT, at, 0, plate, lane))

    @precondition(lambda self: self._known())
    @rule(data=st.data(), plate=_plates)
    def corrects(self, data: st.DataObject, plate: str) -> None:
        about = data.draw(st.sampled_from(self._events()))
        self._tell(Said(next(self.numbers) * 2, CORRECTED, 0, 0, plate, about=about.number))

    @precondition(lambda self: self._known())
    @rule(data=st.data(), after=st.sampled_from([0, 20, 300, 900, 5000]))
    def ends(self, data: st.DataObject, after: int) -> None:
        about = data.draw(st.sampled_from(self._events()))
        how = data.draw(st.sampled_from([each.value for each in Ending]))
        at = about.at + after
        self._tell(Said(next(self.numbers) * 2, ENDED, at, 0, about=about.number, how=how))

    @precondition(lambda self: self._known())
    @rule(data=st.data())
    def withdraws(self, data: st.DataObject) -> None:
        about = data.draw(st.sampled_from([f for f in self._all() if f.kind != WITHDRAWN]))
        self._tell(Said(next(self.numbers) * 2, WITHDRAWN, 0, 0, about=about.number))

    @precondition(lambda self: bool(self.facts))
    @rule(data=st.data())
    def holds_the_last_back(self, data: st.DataObject) -> None:
        """Make one more fact that is delivered later, after what follows it."""
        at, plate = data.draw(_instants), data.draw(_plates)
        number = next(self.numbers) * 2
        self.held.append(Said(number, ENTERED, at, self._heard(), plate, "in"))

    @precondition(lambda self: bool(self.held))
    @rule(data=st.data())
    def delivers_late(self, data: st.DataObject) -> None:
        batch = [*data.draw(st.permutations(self.held)), *self.held[:1]]
        self.held = []
        self.facts += {fact.number: fact for fact in batch}.values()
        self.do(self._record(batch))

    @precondition(lambda self: bool(self.facts))
    @rule(data=st.data())
    def replays(self, data: st.DataObject) -> None:
        """Everything again, in another order: all of it is known, nothing changes."""
        again = data.draw(st.permutations(self.facts))
        assert set(self.do(self._record(again))) == {Status.DUPLICATE}

    @rule()
    def charges(self) -> None:
        self.do(self._charge())

    @invariant()
    def stays_are_those_of_the_model(self) -> None:
        if hasattr(self, "lot"):
            self.do(self._compare())

    def _known(self) -> bool:
        return bool(self._events())

    def _all(self) -> list[Said]:
        return [*self.facts, *self.held]

    def _events(self) -> list[Said]:
        return [fact for fact in self._all() if fact.kind in {ENTERED, LEFT}]

    def _heard(self) -> int:
        return len(self.facts) + len(self.held)

    def _tell(self, said: Said) -> None:
        heard = Said(**{**said.__dict__, "recorded": self._heard()})
        self.facts.append(heard)
        self.do(self._record([heard]))

    async def _record(self, facts: list[Said]) -> list[Status]:
        submissions = [submission_of(self._fact(fact)) for fact in facts]
        outcomes = await self.world.services.recorder.record(submissions)
        return [outcome.status for outcome in outcomes]

    def _fact(self, said: Said) -> Fact:
        common: dict[str, Any] = {
            "event_id": _id(said.number),
            "lot_id": LotId(self.lot.lot_id),
            "occurred_at": T0 + timedelta(seconds=said.at),
            "recorded_at": T0 + timedelta(seconds=said.recorded),
            "trace_id": f"{said.number:032x}",
        }
        if said.kind in {ENTERED, LEFT}:
            seen = VehicleEntered if said.kind == ENTERED else VehicleExited
            read = PlateRead(plate=None if said.plate is None else Plate(said.plate))
            box = DeviceId("box")
            return seen(**common, lane_id=LaneId(said.lane), device_id=box, read=read)
        common["by"] = "operator:city"
        if said.kind == CORRECTED:
            plate = Plate(said.plate or "")
            return PlateCorrected(**common, corrects=_id(said.about), plate=plate)
        if said.kind == WITHDRAWN:
            return EventWithdrawn(**common, withdraws=_id(said.about))
        return StayEnded(**common, ends=_id(said.about), how=Ending(said.how))

    async def _charge(self) -> None:
        pool, now = self.world.pool, self.world.clock.now
        while await consume_outbox(pool, self.gateway, SETTINGS, now=now):
            pass

    async def _compare(self) -> None:
        await self.world.services.overstays.sweep_overstays(self.world.clock.now)
        wanted = self._wanted()
        rows = await self.world.pool.fetch(
            "select * from parking.stay where lot_id = $1 and not dissolved", self.lot.lot_id
        )
        found = {
            (
                row["stay_id"],
                row["plate"],
                row["state"],
                row["entered_at"],
                row["left_at"],
                row["last_seen_at"],
                row["reentry_of"],
                row["drive_through"],
                row["fee_minor"],
            )
            for row in rows
        }
        assert found == wanted
        await self._charge()
        charged = await self.world.pool.fetch(
            "select stay_id, charged_minor from billing.obligation where lot_id = $1",
            self.lot.lot_id,
        )
        owed = {stay_id: fee for stay_id, *_, fee in wanted if fee is not None}
        assert {
            row["stay_id"]: row["charged_minor"] for row in charged if row["charged_minor"]
        } == {stay_id: fee for stay_id, fee in owed.items() if fee}

    def _wanted(self) -> set[tuple[Any, ...]]:
        now = int((self.world.clock.now - T0).total_seconds())
        return {
            (
                _id(visit.name),
                plate,
                visit.state,
                _at(visit.came),
                _at(visit.went),
                _at(visit.seen),
                None if visit.after is None else _id(visit.after),
                visit.through,
                visit.owes,
            )
            for plate in PLATES
            for visit in visits(self.facts, plate, now=now)
        }


def _id(number: int) -> EventId:
    return EventId(uuid7(int(T0.timestamp() * 1000), number))


def _at(seconds: int | None) -> Any:
    return None if seconds is None else T0 + timedelta(seconds=seconds)


def test_stays_and_charges_are_those_of_the_model(database_url: str) -> None:
    with asyncio.Runner() as runner:
        context = open_world(database_url)
        Stays.runner, Stays.world = runner, runner.run(context.__aenter__())
        Stays.gateway = StripeGateway(SETTINGS)
        try:
            run_state_machine_as_test(
                Stays,
                settings=settings(
                    max_examples=15,
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
                ),
            )
            violations = runner.run(audit(Stays.world.pool, now=Stays.world.clock.now))
            assert [str(each) for each in violations] == []
        finally:
            runner.run(Stays.gateway.close())
            runner.run(context.__aexit__(None, None, None))
