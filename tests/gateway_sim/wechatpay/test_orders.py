"""Stays paid for by the unmodified library: accepted, deducted, failed, advanced, repaid."""

import datetime as dt
from typing import Any

from gateway_sim.wechatpay.server import Options
from tests.gateway_sim.wechatpay.harness import NOW, UNHEARD, Simulator, running

PLATE = "粤B88888"


def test_a_stay_is_paid_for_later_than_it_is_accepted(simulator: Simulator) -> None:
    openid = simulator.open_service(PLATE)
    assert simulator.find(PLATE, openid)[1]["service_state"] == "NORMAL"
    status, parking = simulator.enter(PLATE)
    assert (status, parking["state"]) == (200, "NORMAL")
    status, order = simulator.order(parking)
    assert (status, order["trade_state"]) == (200, "ACCEPTED")
    assert "transaction_id" not in order
    assert "attach" not in order
    assert simulator.truth()["deductions"] == []
    simulator.advance(2)
    status, paid = simulator.look_up()
    assert (status, paid["trade_state"], paid["attach"]) == (200, "SUCCESS", "p1")
    assert paid["payer"] == {"openid": openid}
    (truth,) = simulator.truth()["deductions"]
    assert truth["transaction_id"] == paid["transaction_id"]
    # 0.6 % of 888 fen are 5.328.
    assert (truth["amount"], truth["fee"], truth["advanced"]) == (888, 5, False)


def test_an_entry_is_blocked_for_a_reason(simulator: Simulator) -> None:
    blocked: tuple[tuple[dict[str, str], str, str], ...] = (
        ({"state": "PAUSE"}, "PAUSE", "PAUSE"),
        ({"state": "OUT_SERVICE"}, "OUT_SERVICE", "OUT_SERVICE"),
        ({"block_reason": "EVALUATION_FAILED"}, "NORMAL", "EVALUATION_FAILED"),
    )
    for number, (change, state, reason) in enumerate(blocked):
        openid = simulator.open_service(PLATE, **change)
        assert simulator.find(PLATE, openid)[1]["service_state"] == state
        _, parking = simulator.enter(PLATE, f"in{number}")
        assert (parking["state"], parking["block_reason"]) == ("BLOCKED", reason)
        status, refused = simulator.order(parking, f"out{number}")
        assert (status, refused["code"]) == (400, "INVALID_REQUEST")


def test_a_plate_without_the_service_is_found_so(simulator: Simulator) -> None:
    _, found = simulator.find(PLATE, "oUpF8uMuAJOM2pxb1Q")
    assert found["service_state"] == "OUT_SERVICE"
    assert "service_open_time" not in found
    assert simulator.enter(PLATE)[1]["block_reason"] == "OUT_SERVICE"
    simulator.open_service(PLATE)
    assert simulator.find(PLATE, "somebody-else")[1]["service_state"] == "OUT_SERVICE"


def test_the_same_entry_again_is_the_same_entry(simulator: Simulator) -> None:
    simulator.open_service(PLATE)
    first = simulator.enter(PLATE)
    assert simulator.enter(PLATE) == first
    status, refused = simulator.enter(PLATE, free_duration=1)
    assert (status, refused["code"]) == (400, "INVALID_REQUEST")


def test_the_same_order_again_is_one_order(simulator: Simulator) -> None:
    simulator.open_service(PLATE)
    _, parking = simulator.enter(PLATE)
    first = simulator.order(parking)
    assert simulator.order(parking) == first
    assert simulator.order(parking, total=889)[1]["code"] == "OUT_TRADE_NO_USED"
    simulator.advance(2)
    status, refused = simulator.order(parking)
    assert (status, refused["code"]) == (400, "ORDER_PAID")
    assert simulator.order(parking, "out2")[1]["code"] == "INVALID_REQUEST"
    assert len(simulator.truth()["deductions"]) == 1


def test_a_failed_order_wants_a_number_of_its_own(simulator: Simulator) -> None:
    simulator.faults(mishap_script=[{"mishap": "deduction_failed", "subject": '*"out1"*'}])
    simulator.open_service(PLATE)
    _, parking = simulator.enter(PLATE)
    simulator.order(parking)
    simulator.advance(2)
    failed = simulator.look_up()[1]
    assert failed["trade_state"] == "PAY_FAIL"
    assert "transaction_id" not in failed
    assert simulator.order(parking)[1]["code"] == "TRADE_ERROR"
    assert simulator.order(parking, "out2")[0] == 200
    simulator.advance(2)
    assert [one["out_trade_no"] for one in simulator.truth()["deductions"]] == ["out2"]


def test_an_advance_blocks_the_user_until_it_is_repaid(simulator: Simulator) -> None:
    simulator.faults(mishaps={"deduction_advanced": 1.0}, repaid_after_seconds=3600)
    simulator.open_service(PLATE)
    _, parking = simulator.enter(PLATE)
    simulator.order(parking)
    simulator.advance(2)
    advanced = simulator.look_up()[1]
    assert (advanced["trade_state"], advanced["bank_type"]) == ("SUCCESS", "BPA")
    assert advanced["user_repaid"] == "N"
    assert simulator.enter(PLATE, "in2")[1]["block_reason"] == "OVERDUE"
    simulator.advance(3600)
    assert simulator.look_up()[1]["user_repaid"] == "Y"
    assert simulator.enter(PLATE, "in3")[1]["state"] == "NORMAL"
    truth = simulator.truth()
    assert [one["advanced"] for one in truth["deductions"]] == [True]
    assert [one["amount"] for one in truth["repayments"]] == [888]


def test_an_order_may_wait_for_days_or_for_a_decision(simulator: Simulator) -> None:
    simulator.faults(mishaps={"deduction_late": 1.0}, deduct_late_seconds=86_400)
    simulator.stay("1")
    simulator.stay("2")
    simulator.advance(86_399)
    assert simulator.look_up("out1")[1]["trade_state"] == "ACCEPTED"
    simulator.control("deductions", out_trade_no="out1", outcome="BPA")
    assert simulator.look_up("out1")[1]["bank_type"] == "BPA"
    simulator.control("repayments", out_trade_no="out1")
    assert simulator.look_up("out1")[1]["user_repaid"] == "Y"
    simulator.advance(1)
    assert simulator.look_up("out2")[1]["trade_state"] == "SUCCESS"
    assert len(simulator.truth()["deductions"]) == 2


def test_one_entry_of_a_plate_is_valid_at_a_time(simulator: Simulator) -> None:
    simulator.open_service(PLATE)
    _, older = simulator.enter(PLATE)
    _, newer = simulator.enter(PLATE, "in2")
    status, refused = simulator.order(older)
    assert (status, refused["message"]) == (400, "停车入场id不存在")
    assert simulator.order(newer)[0] == 200


MISTAKES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"parking_id": "nowhere"}, "INVALID_REQUEST"),
    ({"plate_number": "粤B00000"}, "INVALID_REQUEST"),
    ({"plate_color": "GREEN"}, "INVALID_REQUEST"),
    ({"start_time": (NOW - dt.timedelta(hours=3)).isoformat()}, "INVALID_REQUEST"),
    ({"end_time": (NOW + dt.timedelta(seconds=1)).isoformat()}, "PARAM_ERROR"),
    ({"end_time": (NOW - dt.timedelta(hours=2)).isoformat()}, "PARAM_ERROR"),
    ({"end_time": "2026-08-03"}, "PARAM_ERROR"),
    ({"end_time": "2026-13-03T00:00:00+08:00"}, "PARAM_ERROR"),
    ({"total": -1}, "PARAM_ERROR"),
    ({"total": 1.5}, "PARAM_ERROR"),
    ({"plate_color": "RED"}, "PARAM_ERROR"),
    ({"trade_scene": "ETC"}, "PARAM_ERROR"),
    ({"currency": "USD"}, "PARAM_ERROR"),
    ({"number": "so long a number of an order that it is refused"}, "PARAM_ERROR"),
    ({"notify_url": f"{UNHEARD}?with=query"}, "PARAM_ERROR"),
    ({"appid": "wx0000000000000000"}, "NO_AUTH"),
    ({"sub_mchid": "somebody"}, "NO_AUTH"),
)


def test_an_order_for_another_stay_or_with_mistakes_is_refused(simulator: Simulator) -> None:
    simulator.open_service(PLATE)
    _, parking = simulator.enter(PLATE)
    for mistake, code in MISTAKES:
        _, refused = simulator.order(parking, **mistake)
        assert (refused["code"], bool(refused["message"])) == (code, True), mistake
    simulator.advance(2)
    assert simulator.truth()["deductions"] == []


def test_a_parameter_mistake_names_its_field(simulator: Simulator) -> None:
    simulator.open_service(PLATE)
    _, parking = simulator.enter(PLATE)
    _, refused = simulator.order(parking, total=10**10)
    assert refused["detail"]["field"] == "/amount/total"
    assert refused["detail"]["location"] == "body"


def test_what_is_not_there_is_told(simulator: Simulator) -> None:
    for status, refused in (simulator.look_up("none"), simulator.look_up_refund("none")):
        assert (status, refused["code"]) == (404, "RESOURCE_NOT_EXISTS")


def test_the_same_seed_and_order_of_requests_make_the_same_numbers() -> None:
    def history(seed: int) -> list[object]:
        plan = {"deduction_failed": 0.4, "deduction_advanced": 0.4}
        with running(Options(seed=seed)) as simulator:
            simulator.faults(mishaps=plan)
            for number in range(1, 4):
                simulator.stay(str(number))
            simulator.advance(2)
            return [simulator.look_up(f"out{number}") for number in range(1, 4)]

    assert history(1) == history(1)
    assert history(1) != history(2)
