"""What both providers' books must say at the end of a month, down to each lie of their reports."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

from billing.core.reconcile import Finding, Matched, Missing, Surplus, WrongFee
from billing.providers.wechatpay.answers import BEIJING
from tests.simulation.month_world import MonthWorld

_WRITTEN_AT = time(10)
_Told = Counter[tuple[str, str, int]]


async def books_agree(world: MonthWorld) -> None:
    """Nothing is in doubt, and reconciliation finds what was made to differ, and nothing else."""
    waiting = await world.waiting()
    left = (waiting.messages, waiting.webhooks, waiting.unknown, waiting.payments, waiting.refunds)
    assert left == (0, 0, 0, 0, 0), waiting
    await _stripe_agrees(world)
    await _wechat_agrees(world)


async def _stripe_agrees(world: MonthWorld) -> None:
    lies = world.simulator.truth()["discrepancies"]
    findings = await world.reconcile()
    missing = {lie["charge"] for lie in lies if lie["kind"] == "missing_charge"}
    expected = Counter(
        (_STRIPE[lie["kind"]], lie["charge"], lie["amount"])
        for lie in lies
        # The fee of what the report leaves out was never told.
        if lie["kind"] != "wrong_fee" or lie["charge"] not in missing
    )
    _same(_told(findings), expected)
    moves = world.simulator.stripe.v1.balance_transactions.list({"limit": 100})
    there = sum(move.net for move in moves.auto_paging_iter())
    for each in findings:
        if isinstance(each, Missing):
            there += each.ours.gross_minor
        elif isinstance(each, Surplus):
            there -= each.theirs.gross_minor - each.theirs.fee_minor
    booked = await _balance(world, "processor_clearing:stripe")
    assert booked == there, (booked, there)
    assert await _balance(world, "dispute_claims:stripe") == 0


_STRIPE = {"missing_charge": "missing", "surplus_charge": "surplus", "wrong_fee": "wrong_fee"}


async def _wechat_agrees(world: MonthWorld) -> None:
    """WeChat's bills come a day later, and its refunds give a part of the fee back."""
    true = world.wechat.truth()
    lies = {(it["kind"], it["transaction_id"]): it["amount"] for it in true["discrepancies"]}
    ended = {it["refund_id"]: it["status"] for it in true["refund_ends"]}
    expected: _Told = Counter()
    balance = 0
    for it in true["deductions"]:
        name = it["transaction_id"]
        balance += it["amount"]
        if ("missing_in_bill", name) in lies or not _is_billed(world, it):
            expected["missing", name, it["amount"]] += 1
        else:
            excess = lies.get(("wrong_fee", name), 0)
            balance -= it["fee"] + excess
            expected["wrong_fee", name, excess] += excess > 0
    for it in true["refunds"]:
        if ended.get(it["refund_id"]) != "SUCCESS":
            continue
        balance -= it["amount"]
        if ("missing_in_bill", it["transaction_id"]) in lies or not _is_billed(world, it):
            expected["missing", it["refund_id"], -it["amount"]] += 1
        else:
            balance += it["fee_returned"]
    for (kind, name), amount in lies.items():
        if kind == "surplus_in_bill":
            expected["surplus", name, amount] += 1
    surplus = {name for what, name, _ in expected if what == "surplus"}
    found = _told(await world.reconcile_wechat())
    for what, name, amount in list(expected - found):
        if what == "surplus" and name in surplus:
            # Invented beside an order of the last day: its bill is not written yet.
            expected[what, name, amount] -= 1
    _same(found, +expected)
    booked = await _balance(world, "processor_clearing:wechatpay")
    assert booked == balance, (booked, balance)
    failed = "SELECT detail FROM billing.refund WHERE gateway = 'wechatpay' AND state = 'failed'"
    stuck = [row["detail"] for row in await world.pool.fetch(failed)]
    assert stuck == [], stuck


def _is_billed(world: MonthWorld, it: dict[str, Any]) -> bool:
    day = datetime.fromtimestamp(it["at"], BEIJING).date() + timedelta(days=1)
    return datetime.combine(day, _WRITTEN_AT, BEIJING) <= world.now


def _same(found: _Told, expected: _Told) -> None:
    assert found == expected, {"not put there": found - expected, "not found": expected - found}


def _told(findings: tuple[Finding, ...]) -> _Told:
    told: _Told = Counter()
    for each in findings:
        match each:
            case Matched():
                continue
            case Missing(ours=it):
                told["missing", it.source_ref, it.gross_minor] += 1
            case Surplus(theirs=it):
                told["surplus", it.source_ref, it.gross_minor] += 1
            case WrongFee(movement=it, agreed_minor=agreed_minor):
                told["wrong_fee", it.source_ref, it.fee_minor - agreed_minor] += 1
            case _:
                told["differs", each.ours.source_ref, each.ours.gross_minor] += 1
    return told


async def _balance(world: MonthWorld, account: str) -> int:
    balance: int = await world.pool.fetchval(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.posting WHERE account = $1",
        account,
    )
    return balance
