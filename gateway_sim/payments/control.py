"""`/_sim`: what a test or a demo asks of the simulator itself, out of Stripe's sight."""

from collections.abc import Callable

import msgspec

from gateway_sim.dice import FaultPlanError
from gateway_sim.payments.card_scripts import CardScript, write_script
from gateway_sim.payments.errors import StripeError
from gateway_sim.payments.faults import FaultPlan, read_plan
from gateway_sim.payments.happenings import let_happen
from gateway_sim.payments.operations import (
    dispute_scripts,
    disputes,
    payouts,
    webhook_endpoints,
)
from gateway_sim.payments.operations.dispute_scripts import DisputeScript
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.world import World
from gateway_sim.wire import Reply, Request, json_reply


class ClockMove(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of the three."""

    now: float | None = None
    """Stop the clock at this time, in seconds since 1970."""
    advance_seconds: float | None = None
    """Stop the clock, if it runs, and move it on."""
    real: bool = False
    """Let it run again."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a dispute ends."""

    dispute: str
    outcome: disputes.Outcome


class PayoutFailure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which payout comes back, and why."""

    payout: str
    code: str = payouts.USUAL_FAILURE


class Control:
    """Answers `/_sim`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", "/_sim/health"): self._health,
            ("GET", "/_sim/truth"): self._truth,
            ("GET", "/_sim/faults"): self._show_faults,
            ("POST", "/_sim/faults"): self._set_faults,
            ("DELETE", "/_sim/faults"): self._clear_faults,
            ("POST", "/_sim/cards"): self._script_card,
            ("GET", "/_sim/clock"): self._show_clock,
            ("POST", "/_sim/clock"): self._move_clock,
            ("GET", "/_sim/deliveries"): self._false_deliveries,
            ("POST", "/_sim/disputes"): self._arrange_dispute,
            ("POST", "/_sim/disputes/decision"): self._decide_dispute,
            ("POST", "/_sim/payouts/failure"): self._fail_payout,
            ("POST", "/_sim/webhook_endpoints/roll"): self._roll_secret,
        }

    def answer(self, request: Request) -> Reply:
        """Answer a request; 404 for an unknown one, 422 for a body that cannot be used."""
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            return json_reply({"error": f"no {request.method} {request.path} here"}, status=404)
        try:
            return handler(request)
        except (msgspec.DecodeError, FaultPlanError, StripeError) as error:
            return json_reply({"error": str(error)}, status=422)

    def _health(self, _request: Request) -> Reply:
        world = self._world
        return json_reply(
            {
                "status": "ok",
                "deliveries": world.deliveries.counts(),
                "happens_next_at": world.agenda.next_due_at(),
                "delivers_next_at": world.deliveries.next_due_at(),
            }
        )

    def _truth(self, _request: Request) -> Reply:
        return json_reply(self._world.truth.read())

    def _show_faults(self, _request: Request) -> Reply:
        faults = self._world.faults
        return json_reply({"plan": faults.plan, "struck": +faults.struck})

    def _set_faults(self, request: Request) -> Reply:
        self._world.faults.plan = read_plan(request.body)
        return self._show_faults(request)

    def _clear_faults(self, request: Request) -> Reply:
        self._world.faults.plan = FaultPlan()
        return self._show_faults(request)

    def _script_card(self, request: Request) -> Reply:
        script = msgspec.json.decode(request.body, type=CardScript)
        with self._world.store.transaction():
            write_script(self._world.store, script)
        return json_reply(script)

    def _show_clock(self, _request: Request) -> Reply:
        clock = self._world.clock
        return json_reply({"now": clock.now(), "virtual": clock.is_virtual})

    def _move_clock(self, request: Request) -> Reply:
        move = msgspec.json.decode(request.body, type=ClockMove)
        if move.advance_seconds is not None:
            self._world.clock.advance(move.advance_seconds)
        elif move.now is not None or move.real:
            self._world.clock.set(move.now)
        else:
            return json_reply({"error": "say now, advance_seconds or real"}, status=422)
        let_happen(self._world)
        self._world.deliveries.wake()
        return self._show_clock(request)

    def _false_deliveries(self, _request: Request) -> Reply:
        return json_reply({"false": self._world.deliveries.false_ones()})

    def _arrange_dispute(self, request: Request) -> Reply:
        script = msgspec.json.decode(request.body, type=DisputeScript)
        self._change(lambda: dispute_scripts.arrange(self._world, script))
        return json_reply(script)

    def _decide_dispute(self, request: Request) -> Reply:
        asked = msgspec.json.decode(request.body, type=Decision)
        return self._change(lambda: disputes.decide(self._world, asked.dispute, asked.outcome))

    def _fail_payout(self, request: Request) -> Reply:
        asked = msgspec.json.decode(request.body, type=PayoutFailure)
        account = self._world.store.account_of(asked.payout) or ""
        with self._world.store.within(account):
            return self._change(lambda: payouts.fail(self._world, asked.payout, asked.code))

    def _roll_secret(self, request: Request) -> Reply:
        asked = msgspec.json.decode(request.body, type=webhook_endpoints.Roll)
        return self._change(lambda: webhook_endpoints.roll(self._world, asked))

    def _change(self, change: Callable[[], object]) -> Reply:
        """Do something in one transaction, with all that follows from it at once."""
        with self._world.store.transaction():
            told = change()
            reply = json_reply(present(self._world, told) if isinstance(told, Shape) else told)
        let_happen(self._world)
        self._world.deliveries.wake()
        return reply
