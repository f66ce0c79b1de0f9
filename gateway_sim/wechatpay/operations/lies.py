"""Where the trade bill is made to lie, each lie noted with the truth."""

import msgspec

from gateway_sim.wechatpay.faults import Mishap, subject_of
from gateway_sim.wechatpay.shapes import Deduction, Surplus
from gateway_sim.wechatpay.truth import Discrepancy, Discrepant
from gateway_sim.wechatpay.world import World

_FEE_TOO_HIGH_MAX = 50


def told_in_bills(world: World, paid: Deduction) -> Deduction:
    """A paid order with what the trade bill of its day will claim about it."""
    subject = subject_of(paid.asked)
    if world.faults.happens(Mishap.SURPLUS_IN_BILL, subject):
        _invent(world, paid)
    if world.faults.happens(Mishap.MISSING_IN_BILL, subject):
        _note(world, paid, "missing_in_bill", paid.asked.amount.total)
        return msgspec.structs.replace(paid, unreported=True)
    if world.faults.happens(Mishap.WRONG_FEE, subject):
        excess = world.faults.some(_FEE_TOO_HIGH_MAX)
        _note(world, paid, "wrong_fee", excess)
        return msgspec.structs.replace(paid, reported_fee=paid.fee + excess)
    return paid


def _invent(world: World, paid: Deduction) -> None:
    number = world.ids.letters("surplus", 24)
    surplus = Surplus(
        **{
            **msgspec.structs.asdict(paid),
            "id": world.ids.digits("4200", 28),
            "number": number,
            "asked": msgspec.structs.replace(paid.asked, out_trade_no=number),
        }
    )
    world.store.put(surplus)
    _note(world, surplus, "surplus_in_bill", surplus.asked.amount.total)


def _note(world: World, paid: Deduction, kind: Discrepant, amount: int) -> None:
    world.truth.add(
        Discrepancy(kind=kind, transaction_id=paid.id, out_trade_no=paid.number, amount=amount)
    )
