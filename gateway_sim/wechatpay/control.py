"""`/_sim`: what a test or a demo asks of the simulator itself, out of WeChat's sight."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from gateway_sim.dice import FaultPlanError
from gateway_sim.wechatpay.errors import ResourceNotExistsError, WechatError
from gateway_sim.wechatpay.faults import FaultPlan, read_plan
from gateway_sim.wechatpay.happenings import let_happen
from gateway_sim.wechatpay.keyring import public_pem
from gateway_sim.wechatpay.operations import entries, orders, refunds
from gateway_sim.wechatpay.shapes import Deduction, Refund
from gateway_sim.wechatpay.truth import WithdrawalTruth
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject, Reply, Request, json_reply


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked, exactly."""


class ClockMove(_Body, frozen=True, kw_only=True):
    """Exactly one of the three."""

    now: float | None = None
    """Stop the clock at this time, in seconds since 1970."""
    advance_seconds: float | None = None
    """Stop the clock, if it runs, and move it on."""
    real: bool = False
    """Let it run again."""


class Decision(_Body, frozen=True, kw_only=True):
    """How a waiting order ends, now."""

    out_trade_no: str
    outcome: orders.Outcome
    sub_mchid: str | None = None


class Repayment(_Body, frozen=True, kw_only=True):
    """Which advanced order its user pays back, now."""

    out_trade_no: str
    sub_mchid: str | None = None


class RefundHandled(_Body, frozen=True, kw_only=True):
    """Which stuck refund a person at the merchant's sees to, now."""

    out_refund_no: str
    sub_mchid: str | None = None


class Withdrawal(_Body, frozen=True, kw_only=True):
    """How much a merchant takes out to its bank."""

    account: str
    amount: Annotated[int, msgspec.Meta(ge=1)]


class Control:
    """Answers `/_sim`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", "/_sim/health"): self._health,
            ("GET", "/_sim/credentials"): self._credentials,
            ("GET", "/_sim/truth"): lambda _: world.truth.read(),
            ("GET", "/_sim/notifications"): lambda _: {"sent": world.notifications.listed()},
            ("GET", "/_sim/faults"): self._show_faults,
            ("POST", "/_sim/faults"): self._set_faults,
            ("DELETE", "/_sim/faults"): self._clear_faults,
            ("GET", "/_sim/clock"): self._show_clock,
            ("POST", "/_sim/clock"): self._move_clock,
            ("POST", "/_sim/services"): self._change_service,
            ("POST", "/_sim/deductions"): self._decide,
            ("POST", "/_sim/repayments"): self._repay,
            ("POST", "/_sim/refunds"): self._see_to_refund,
            ("POST", "/_sim/withdrawals"): self._withdraw,
            ("POST", "/_sim/certificates/rotate"): self._rotate,
        }

    def answer(self, request: Request) -> Reply:
        """Answer a request; 404 for an unknown one, 422 for a body that cannot be used."""
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            return json_reply({"error": f"no {request.method} {request.path} here"}, status=404)
        try:
            return json_reply(handler(request))
        except (msgspec.DecodeError, FaultPlanError, WechatError) as error:
            return json_reply({"error": str(error)}, status=422)

    def _health(self, _request: Request) -> JsonObject:
        world = self._world
        return {
            "status": "ok",
            "notifications": world.notifications.counts(),
            "happens_next_at": world.agenda.next_due_at(),
            "notifies_next_at": world.notifications.next_due_at(),
        }

    def _credentials(self, _request: Request) -> JsonObject:
        keyring = self._world.keys.keyring
        return {
            "mchid": keyring.mchid,
            "appid": keyring.appid,
            "sub_mchid": keyring.sub_mchid,
            "sub_appid": keyring.sub_appid,
            "apiv3_key": keyring.apiv3_key,
            "merchant_serial_no": keyring.merchant.serial_no,
            "merchant_private_key": keyring.merchant.private_key,
            "platform_public_key_id": keyring.public_key_id,
            "platform_public_key": public_pem(keyring.public_key_private),
            "platform_certificates": {it.serial_no: it.certificate for it in keyring.platform},
        }

    def _show_faults(self, _request: Request) -> JsonObject:
        faults = self._world.faults
        return {"plan": faults.plan, "struck": +faults.struck}

    def _set_faults(self, request: Request) -> JsonObject:
        self._world.faults.plan = read_plan(request.body)
        return self._show_faults(request)

    def _clear_faults(self, request: Request) -> JsonObject:
        self._world.faults.plan = FaultPlan()
        return self._show_faults(request)

    def _show_clock(self, _request: Request) -> JsonObject:
        clock = self._world.clock
        return {"now": clock.now(), "virtual": clock.is_virtual}

    def _move_clock(self, request: Request) -> JsonObject:
        move = msgspec.json.decode(request.body, type=ClockMove)
        if move.advance_seconds is not None:
            self._world.clock.advance(move.advance_seconds)
        elif move.now is not None or move.real:
            self._world.clock.set(move.now)
        else:
            msg = "say now, advance_seconds or real"
            raise msgspec.ValidationError(msg)
        let_happen(self._world)
        self._world.notifications.wake()
        return self._show_clock(request)

    def _change_service(self, request: Request) -> object:
        change = msgspec.json.decode(request.body, type=entries.ServiceChange)
        return self._change(lambda: entries.change_service(self._world, change))

    def _decide(self, request: Request) -> object:
        asked = msgspec.json.decode(request.body, type=Decision)
        order = self._order(asked.out_trade_no, asked.sub_mchid)
        return self._change(lambda: orders.deduct(self._world, order.id, asked.outcome))

    def _repay(self, request: Request) -> object:
        asked = msgspec.json.decode(request.body, type=Repayment)
        order = self._order(asked.out_trade_no, asked.sub_mchid)
        return self._change(lambda: orders.repay(self._world, order.id))

    def _order(self, number: str, sub_mchid: str | None) -> Deduction:
        """Of the sub-merchant named, or else of whichever merchant has such an order."""
        found = [
            order
            for order in self._world.store.all_of(Deduction)
            if order.number == number and sub_mchid in {None, order.asked.sub_mchid}
        ]
        if len(found) != 1:
            msg = f"{len(found)} orders {number}"
            raise ResourceNotExistsError(msg)
        return found[0]

    def _see_to_refund(self, request: Request) -> object:
        asked = msgspec.json.decode(request.body, type=RefundHandled)
        found = [
            refund
            for refund in self._world.store.all_of(Refund)
            if refund.number == asked.out_refund_no
            and asked.sub_mchid in {None, refund.asked.sub_mchid}
        ]
        if len(found) != 1:
            msg = f"{len(found)} refunds {asked.out_refund_no}"
            raise ResourceNotExistsError(msg)
        return self._change(lambda: refunds.see_to(self._world, found[0].id))

    def _withdraw(self, request: Request) -> object:
        asked = msgspec.json.decode(request.body, type=Withdrawal)
        return self._change(lambda: self._take_out(asked))

    def _take_out(self, asked: Withdrawal) -> WithdrawalTruth:
        world = self._world
        if world.balance_of(asked.account) < asked.amount:
            msg = "the account does not hold so much"
            raise ResourceNotExistsError(msg)
        world.move(asked.account, -asked.amount, business="提现", kind="提现", note="提现")
        taken = WithdrawalTruth(account=asked.account, amount=asked.amount, at=world.clock.now())
        world.truth.add(taken)
        return taken

    def _rotate(self, request: Request) -> JsonObject:
        self._change(self._world.rotate_certificate)
        return self._credentials(request)

    def _change(self, change: Callable[[], object]) -> object:
        """Do something in one transaction; None where there was nothing to do any more."""
        let_happen(self._world)
        with self._world.store.transaction():
            told = change()
        let_happen(self._world)
        self._world.notifications.wake()
        return told
