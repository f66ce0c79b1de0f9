"""Each request of the library and each answer is what the published OpenAPI says."""

import json
from typing import Any

import msgspec
import pytest

from gateway_sim.wechatpay.shapes import CreateParking, CreateTransaction
from tests.gateway_sim.wechatpay.harness import Inbox, Simulator
from tests.gateway_sim.wechatpay.oracle import (
    PAGES,
    example,
    mistakes_of_answer,
    mistakes_of_request,
    needs_oracle,
    page_of,
)

pytestmark = needs_oracle


class Recorder:
    """What the library sends and is told, written down on its way."""

    def __init__(self, simulator: Simulator) -> None:
        self.calls: list[tuple[str, str, dict[str, Any] | None, int, Any]] = []
        core = simulator.wechatpay._core
        send = core.request

        def request(path: str, **given: Any) -> tuple[int, str]:
            status, text = send(path, **given)
            method = given["method"].value if "method" in given else "GET"
            self.calls.append((method, path, given.get("data"), status, json.loads(text)))
            return status, text

        core.request = request


@pytest.fixture
def recorder(simulator: Simulator) -> Recorder:
    return Recorder(simulator)


def live(simulator: Simulator, inbox: Inbox) -> None:
    """Everything happens once, well and badly."""
    states: tuple[dict[str, str], ...] = (
        {"state": "PAUSE"},
        {"state": "OUT_SERVICE"},
        {"block_reason": "EVALUATION_FAILED"},
        {},
    )
    for number, change in enumerate(states):
        openid = simulator.open_service("粤B1", **change)
        simulator.find("粤B1", openid)
        simulator.enter("粤B1", f"in{number}", notify_url=inbox.url)
    outcomes = ("SUCCESS", "PAY_FAIL", "BPA")
    for number, outcome in enumerate(outcomes):
        plate = f"粤C{number}"
        simulator.open_service(plate)
        _, parking = simulator.enter(plate, f"c{number}")
        simulator.order(parking, f"o{number}", goods_tag="WXG", notify_url=inbox.url)
        simulator.look_up(f"o{number}")
        simulator.control("deductions", out_trade_no=f"o{number}", outcome=outcome)
        simulator.look_up(f"o{number}")
    simulator.enter("粤C2", "c3")
    simulator.control("repayments", out_trade_no="o2")
    simulator.look_up("o2")
    simulator.refund(of="o0")
    simulator.look_up("o0")


def test_requests_and_answers_are_as_published(
    simulator: Simulator, recorder: Recorder, inbox: Inbox
) -> None:
    live(simulator, inbox)
    judged = set()
    for method, path, body, status, told in recorder.calls:
        assert status == 200, told
        if path.startswith("/v3/refund"):
            continue
        name = page_of(method, path)
        judged.add(name)
        assert mistakes_of_request(method, path, body) == [], path
        assert mistakes_of_answer(name, told) == [], path
    assert judged == {name for *_, name in PAGES}
    told_states = {told.get("trade_state") for *_, told in recorder.calls}
    assert told_states >= {"ACCEPTED", "SUCCESS", "PAY_FAIL", "REFUND"}
    told_reasons = {told.get("block_reason") for *_, told in recorder.calls}
    assert told_reasons == {None, "PAUSE", "OUT_SERVICE", "EVALUATION_FAILED", "OVERDUE"}


def test_what_is_notified_has_the_shape_of_an_order(simulator: Simulator, inbox: Inbox) -> None:
    live(simulator, inbox)
    told = [simulator.wechatpay.callback(*post) for post in inbox.wait_for(7)]
    orders = [one for one in told if one["event_type"].startswith("TRANSACTION.")]
    assert {one["event_type"] for one in orders} == {
        "TRANSACTION.SUCCESS",
        "TRANSACTION.FAIL",
        "TRANSACTION.PAY_BACK",
    }
    for one in orders:
        # A repayment is told with a state that the query never has.
        order = {**one["resource"], "trade_state": "SUCCESS"}
        assert mistakes_of_answer("query_transaction", order) == []


def test_the_published_examples_are_understood() -> None:
    entry = msgspec.convert(example("create_parking", "request"), type=CreateParking)
    assert entry.free_duration == 3600
    order = msgspec.convert(example("create_transaction", "request"), type=CreateTransaction)
    assert (order.amount.total, order.profit_sharing) == (888, "Y")
    for *_, name in PAGES:
        assert mistakes_of_answer(name, example(name, "response_200")) == []
