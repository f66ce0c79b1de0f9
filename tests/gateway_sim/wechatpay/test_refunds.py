"""Refunds: never twice, never too much, and not always with a good end."""

import random
from itertools import pairwise
from typing import Any

from gateway_sim.wechatpay.server import Options
from tests.gateway_sim.wechatpay.harness import Simulator, running


def paid(simulator: Simulator, number: str = "1", total: int = 888) -> None:
    simulator.stay(number, total)
    simulator.advance(2)


def test_a_refund_reaches_the_user_later(simulator: Simulator) -> None:
    paid(simulator)
    status, refund = simulator.refund()
    assert (status, refund["status"]) == (200, "PROCESSING")
    assert simulator.refund()[1] == refund
    assert simulator.look_up()[1]["trade_state"] == "REFUND"
    simulator.advance(2)
    _, done = simulator.look_up_refund()
    assert (done["status"], done["amount"]["refund"]) == ("SUCCESS", 400)
    assert done["success_time"]
    truth = simulator.truth()
    assert [(it["amount"], it["fee_returned"]) for it in truth["refunds"]] == [(400, 2)]
    assert [it["status"] for it in truth["refund_ends"]] == ["SUCCESS"]


def test_refunds_that_cannot_be_are_refused(simulator: Simulator) -> None:
    simulator.stay("1")
    assert simulator.refund()[1]["code"] == "INVALID_REQUEST"
    simulator.advance(2)
    for mistake, code in (
        ({"of": "none"}, "RESOURCE_NOT_EXISTS"),
        ({"of": None, "transaction_id": "4200"}, "RESOURCE_NOT_EXISTS"),
        ({"refund": 889}, "INVALID_REQUEST"),
        ({"total": 900}, "INVALID_REQUEST"),
        ({"refund": 0}, "PARAM_ERROR"),
    ):
        assert simulator.refund(**mistake)[1]["code"] == code, mistake
    assert simulator.refund("r1", refund=800)[0] == 200
    assert simulator.refund("r1", refund=700)[1]["code"] == "INVALID_REQUEST"
    assert simulator.refund("r2", refund=89)[1]["code"] == "INVALID_REQUEST"
    assert simulator.refund("r2", refund=88)[0] == 200
    assert sum(it["amount"] for it in simulator.truth()["refunds"]) == 888


def test_a_merchant_that_took_its_money_out_cannot_refund(simulator: Simulator) -> None:
    paid(simulator)
    sub = simulator.credentials.sub_mchid
    simulator.control("withdrawals", account=sub, amount=883)
    status, refused = simulator.refund()
    assert (status, refused["code"]) == (403, "NOT_ENOUGH")
    paid(simulator, "2")
    assert simulator.refund()[0] == 200
    simulator.faults(mishap_script=[{"mishap": "refund_short_of_money"}])
    assert simulator.refund("r2", of="out2")[1]["code"] == "NOT_ENOUGH"
    assert simulator.refund("r2", of="out2")[0] == 200


def test_a_refund_may_get_stuck_or_come_back(simulator: Simulator) -> None:
    paid(simulator)
    simulator.faults(mishap_script=[{"mishap": "refund_abnormal"}, {"mishap": "refund_closed"}])
    simulator.refund("r1", refund=300)
    simulator.refund("r2", refund=588)
    simulator.advance(2)
    assert simulator.look_up_refund("r1")[1]["status"] == "ABNORMAL"
    closed = simulator.look_up_refund("r2")[1]
    assert closed["status"] == "CLOSED"
    assert "success_time" not in closed
    assert simulator.refund("r3", refund=588)[0] == 200


def test_all_of_the_fee_comes_back_with_all_of_the_money() -> None:
    draw = random.Random(5)
    with running(Options(seed=1, fee_basis_points=333)) as simulator:
        for number in range(1, 9):
            total = draw.randint(1, 3000)
            paid(simulator, str(number), total)
            cuts = {draw.randint(1, total) for _ in range(3)} - {total}
            for part, (begin, end) in enumerate(pairwise((0, *sorted(cuts), total))):
                refund: dict[str, Any] = {
                    "number": f"r{number}-{part}",
                    "refund": end - begin,
                    "total": total,
                }
                assert simulator.refund(of=f"out{number}", **refund)[0] == 200
        truth = simulator.truth()
    for deduction in truth["deductions"]:
        back = [
            it for it in truth["refunds"] if it["transaction_id"] == deduction["transaction_id"]
        ]
        assert sum(it["amount"] for it in back) == deduction["amount"]
        assert sum(it["fee_returned"] for it in back) == deduction["fee"]
        assert all(0 <= it["fee_returned"] <= it["amount"] for it in back)
