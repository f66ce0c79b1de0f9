"""What follows a successful charge without anyone asking: passing on, disputes, false reports."""

from typing import TYPE_CHECKING, Literal

import msgspec

from gateway_sim.payments.faults import Mishap, subject_of
from gateway_sim.payments.operations import dispute_scripts, transfers
from gateway_sim.payments.operations.charge_records import book_charge
from gateway_sim.payments.operations.dispute_scripts import DisputeScript
from gateway_sim.payments.truth import Discrepancy

if TYPE_CHECKING:
    from gateway_sim.payments import cards
    from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
    from gateway_sim.payments.shapes.charge import Charge
    from gateway_sim.payments.world import World


def pass_on(world: "World", charge: "Charge") -> None:
    """Transfer what `transfer_data` promised."""
    if charge.transfer_data is None:
        return
    wanted = transfers.CreateParams(
        amount=charge.transfer_data.get("amount", charge.amount),
        currency=charge.currency,
        destination=charge.transfer_data["destination"],
        source_transaction=charge.id,
    )
    transfer = transfers.create(world, wanted)
    charge.transfer = transfer.id
    charge.transfer_group = transfer.transfer_group
    world.save(charge)


def arrange_mishaps(world: "World", charge: "Charge", card: "cards.TestCard") -> None:
    """Have happen what the card stands for and what the fault plan wants."""
    if card.disputed_as is not None:
        dispute_scripts.arrange(
            world,
            DisputeScript(charge=charge.id, reason=card.disputed_as, inquiry=card.inquiry),
        )
    subject = subject_of(charge.metadata)
    ends: tuple[tuple[Mishap, Literal["won", "lost"]], ...] = (
        (Mishap.DISPUTE_WON, "won"),
        (Mishap.DISPUTE_LOST, "lost"),
    )
    for mishap, outcome in ends:
        if world.faults.happens(mishap, subject):
            plan = world.faults.plan
            script = DisputeScript(
                charge=charge.id,
                after_seconds=plan.dispute_after_seconds,
                outcome=outcome,
                decided_after_seconds=plan.dispute_decided_after_seconds,
            )
            dispute_scripts.arrange(world, script)
            break
    if charge.payment_method and world.faults.happens(Mishap.CARD_DETACHED, subject):
        body = {"payment_method": charge.payment_method}
        world.agenda.add("card_detached", at=world.clock.now(), body=body)


def misreport(world: "World", charge: "Charge", move: "BalanceTransaction") -> None:
    """Make the report lie about a charge, if the fault plan wants it; the truth log says so."""
    subject = subject_of(charge.metadata)
    faults = world.faults
    if faults.happens(Mishap.WRONG_FEE, subject):
        excess = faults.some(max(1, move.fee))
        move.fee += excess
        move.net -= excess
        for detail in move.fee_details[:1]:
            detail.amount = move.fee
        world.save(move)
        _lied(world, "wrong_fee", charge, move, excess)
    if faults.happens(Mishap.MISSING_CHARGE, subject):
        move.unreported = True
        world.save(move)
        _lied(world, "missing_charge", charge, move, charge.amount)
    if faults.happens(Mishap.SURPLUS_CHARGE, subject):
        surplus = msgspec.structs.replace(
            charge, id=world.ids.make("ch"), payment_intent=None, metadata={}, customer=None
        )
        extra = book_charge(world, surplus)
        surplus.balance_transaction = extra.id
        world.save(surplus)
        _lied(world, "surplus_charge", surplus, extra, surplus.amount)


def _lied(
    world: "World",
    kind: Literal["wrong_fee", "missing_charge", "surplus_charge"],
    charge: "Charge",
    move: "BalanceTransaction",
    amount: int,
) -> None:
    world.truth.lied(
        Discrepancy(
            kind=kind,
            balance_transaction=move.id,
            charge=charge.id,
            amount=amount,
            currency=charge.currency,
            created=charge.created,
        )
    )
