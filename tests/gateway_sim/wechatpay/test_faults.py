"""Requests that go wrong: what was done, and what the library makes of it."""

from collections import Counter
from pathlib import Path

import httpx
import pytest
import requests

from gateway_sim import wechatpay
from gateway_sim.dice import FaultPlanError
from gateway_sim.wechatpay.faults import (
    Fault,
    FaultPlan,
    Faults,
    Mishap,
    read_plan,
)
from gateway_sim.wechatpay.server import Options
from tests.gateway_sim.wechatpay.harness import Simulator, running

ORDERS = {"method": "post", "path": "/v3/vehicle/transactions/*"}
CUT_OR_UNREADABLE = (requests.RequestException, ValueError)


FAULTS: tuple[tuple[str, bool, tuple[int, str] | None], ...] = (
    ("drop_before", False, None),
    ("drop_after", True, None),
    ("rate_limited", False, (429, "RATE_LIMITED")),
    ("server_error", False, (500, "SYSTEM_ERROR")),
    ("server_error_after", True, (500, "SYSTEM_ERROR")),
    ("bad_gateway", False, None),
    ("bad_gateway_after", True, None),
)
"""Whether everything was done, and what the caller is told; None: nothing that can be read."""


def test_each_fault_is_done_or_not_and_asking_again_is_safe(simulator: Simulator) -> None:
    for number, (fault, done, told) in enumerate(FAULTS):
        plate = f"粤B{number}"
        simulator.open_service(plate)
        _, parking = simulator.enter(plate, f"in{number}")
        simulator.faults(script=[{"fault": fault, **ORDERS}])
        if told is None:
            with pytest.raises(CUT_OR_UNREADABLE):
                simulator.order(parking, f"out{number}")
        else:
            status, refused = simulator.order(parking, f"out{number}")
            assert (status, refused["code"]) == told
        assert (simulator.look_up(f"out{number}")[0] == 200) is done
        assert simulator.order(parking, f"out{number}")[0] == 200
    simulator.advance(2)
    assert len(simulator.truth()["deductions"]) == len(FAULTS)
    assert simulator.get("faults")["struck"] == {fault: 1 for fault, _, _ in FAULTS}


def test_a_slow_answer_outlasts_an_impatient_client(simulator: Simulator) -> None:
    simulator.open_service("粤B1")
    _, parking = simulator.enter("粤B1")
    simulator.faults(script=[{"fault": "slow", **ORDERS}], slow_seconds=0.6)
    simulator.wechatpay._core._timeout = (5, 0.2)
    with pytest.raises(requests.ReadTimeout):
        simulator.order(parking)
    simulator.wechatpay._core._timeout = (5, 5)
    assert simulator.look_up()[1]["trade_state"] == "ACCEPTED"


def test_rates_follow_from_the_seed() -> None:
    def history(seed: int) -> list[Fault | None]:
        plan = FaultPlan(rates={Fault.DROP_AFTER: 0.2, Fault.SLOW: 0.1})
        faults = Faults(seed, plan)
        return [faults.for_request("POST", "/v3/refund") for _ in range(2000)]

    assert history(1) == history(1)
    assert history(1) != history(2)
    counted = Counter(history(3))
    assert 300 < counted[Fault.DROP_AFTER] < 500
    assert 130 < counted[Fault.SLOW] < 270


def test_limits_come_in_bursts() -> None:
    plan = FaultPlan(rates={Fault.RATE_LIMITED: 0.05}, rate_limited_burst=3)
    faults = Faults(1, plan)
    struck = "".join("x" if faults.for_request("GET", "/v3/a") else "." for _ in range(500))
    assert {len(burst) % 3 for burst in struck.split(".") if burst} == {0}


def test_scripts_wait_and_match_and_end() -> None:
    plan = read_plan(
        '{"mishap_script": [{"mishap": "wrong_fee", "subject": "*p7*", "after": 1, "times": 2}]}'
    )
    faults = Faults(1, plan)
    struck = [
        faults.happens(Mishap.WRONG_FEE, subject) for subject in ("p7", "p8", "p7", "p7", "p7")
    ]
    assert struck == [False, False, True, True, False]
    assert plan.mishap_script == []


def test_a_plan_that_makes_no_sense_is_refused(simulator: Simulator) -> None:
    for plan in (
        '{"rates": {"slow": 0.7, "drop_after": 0.7}}',
        '{"rates": {"slow": 1.1}}',
        '{"mishaps": {"sluggish": 0.1}}',
        '{"script": [{"fault": "slow", "times": 0}]}',
        '{"unknown": 1}',
        "[",
    ):
        assert simulator.http.post("/_sim/faults", content=plan).status_code == 422
        with pytest.raises(FaultPlanError):
            read_plan(plan)
    simulator.faults(rates={"drop_before": 1.0})
    assert simulator.http.delete("/_sim/faults").json()["plan"]["rates"] == {}


def test_more_requests_a_second_than_agreed_are_refused() -> None:
    with running(Options(rate_limit=1)) as simulator:
        codes = [simulator.look_up()[1]["code"] for _ in range(3)]
    assert codes == ["RESOURCE_NOT_EXISTS", "RATE_LIMITED", "RATE_LIMITED"]


def test_control_refuses_what_makes_no_sense(simulator: Simulator) -> None:
    for path, body in (
        ("clock", b"{}"),
        ("clock", b"\xff"),
        ("services", b'{"plate_number": ""}'),
        ("deductions", b'{"out_trade_no": "none", "outcome": "SUCCESS"}'),
        ("repayments", b'{"out_trade_no": "none"}'),
        ("withdrawals", b'{"account": "1900000109", "amount": 1}'),
    ):
        reply = simulator.http.post(f"/_sim/{path}", content=body)
        assert (reply.status_code, bool(reply.json()["error"])) == (422, True), path
    assert simulator.http.get("/_sim/none").status_code == 404
    assert simulator.http.get("/").status_code == 404
    with pytest.raises(httpx.HTTPStatusError):
        simulator.http.post("/v3/certificates", content=b"x" * 1_000_001).raise_for_status()


def test_the_page_tells_of_every_fault() -> None:
    page = (Path(wechatpay.__path__[0]) / "README.md").read_text(encoding="utf-8")
    untold = [one.value for one in (*Fault, *Mishap) if f"\n| `{one.value}` |" not in page]
    assert untold == []
