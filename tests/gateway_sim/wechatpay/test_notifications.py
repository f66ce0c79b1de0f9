"""What merchants are told: sealed, signed, again until taken, and sometimes falsely."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from gateway_sim.wechatpay.notifications import PAUSES_S, News, NotificationQueue
from gateway_sim.wechatpay.sealing import PROBE
from gateway_sim.wechatpay.server import Options
from gateway_sim.wechatpay.store import Store
from tests.gateway_sim.wechatpay.harness import Inbox, Simulator, running, wait_until

FALSE = ("forged", "stale", "future_dated", "old_certificate", "probe")


@pytest.fixture
def simulator(inbox: Inbox) -> Iterator[Simulator]:
    with running(Options(seed=3)) as it:
        it.open_service("粤B1")
        yield it


def order(simulator: Simulator, inbox: Inbox, **more: Any) -> None:
    _, parking = simulator.enter("粤B1", notify_url=inbox.url)
    assert simulator.order(parking, notify_url=inbox.url, **more)[0] == 200


def opened(simulator: Simulator, post: tuple[dict[str, str], bytes]) -> dict[str, Any]:
    told: dict[str, Any] = simulator.wechatpay.callback(*post)
    assert told["resource"]
    return told


def test_a_payment_is_told_as_the_query_tells_it(simulator: Simulator, inbox: Inbox) -> None:
    order(simulator, inbox)
    simulator.advance(2)
    (post,) = inbox.wait_for(1)
    told = opened(simulator, post)
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    assert told["resource_type"] == "encrypt-resource"
    assert told["resource"] == simulator.look_up()[1]
    wait_until(lambda: simulator.notifications() == {"delivered": 1})


def test_failures_advances_and_refunds_are_told(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults(mishap_script=[{"mishap": "deduction_failed"}])
    order(simulator, inbox)
    simulator.advance(2)
    order(simulator, inbox, number="out2")
    simulator.control("deductions", out_trade_no="out2", outcome="BPA")
    simulator.control("repayments", out_trade_no="out2")
    simulator.refund(of="out2", notify_url=inbox.url)
    simulator.advance(2)
    told = {one["event_type"]: one for one in (opened(simulator, it) for it in inbox.wait_for(4))}
    assert set(told) == {
        "TRANSACTION.FAIL",
        "TRANSACTION.SUCCESS",
        "TRANSACTION.PAY_BACK",
        "REFUND.SUCCESS",
    }
    back = told["TRANSACTION.PAY_BACK"]["resource"]
    assert (back["trade_state"], back["bank_type"], back["user_repaid"]) == ("PAY_BACK", "BPA", "Y")
    assert told["TRANSACTION.SUCCESS"]["resource"]["user_repaid"] == "N"
    assert told["REFUND.SUCCESS"]["resource"]["refund_status"] == "SUCCESS"


def test_a_service_paused_while_the_car_stands_there_is_told(
    simulator: Simulator, inbox: Inbox
) -> None:
    _, parking = simulator.enter("粤B1", notify_url=inbox.url)
    simulator.open_service("粤B1", state="PAUSE")
    inbox.wait_for(1)
    simulator.open_service("粤B1", state="PAUSE")
    simulator.open_service("粤B1")
    blocked, normal = (opened(simulator, it) for it in inbox.wait_for(2))
    assert blocked["event_type"] == "VEHICLE.ENTRANCE_STATE_CHANGE"
    assert blocked["resource"]["parking_state"] == "BLOCKED"
    assert blocked["resource"]["blocked_state_description"] == "PAUSE"
    assert normal["resource"]["parking_state"] == "NORMAL"
    assert normal["resource"]["parking_id"] == parking["id"]
    simulator.order(parking)
    simulator.open_service("粤B1", state="OUT_SERVICE")
    simulator.advance(2)
    assert simulator.look_up()[1]["trade_state"] == "SUCCESS"
    assert len(inbox.posts) == 2


def test_it_is_sent_again_until_it_is_taken(simulator: Simulator, inbox: Inbox) -> None:
    inbox.answers = [500, 302, 204]
    order(simulator, inbox)
    simulator.advance(2)

    def attempted(times: int) -> bool:
        (sent,) = simulator.get("notifications")["sent"]
        return bool(sent["attempts"] == times)

    for attempts in (1, 2):
        wait_until(partial(attempted, attempts))
        assert simulator.notifications() == {"pending": 1}
        simulator.advance(15)
    wait_until(lambda: simulator.notifications() == {"delivered": 1})
    assert len(inbox.posts) == 3
    assert len({opened(simulator, post)["id"] for post in inbox.posts}) == 1


def test_attempts_follow_the_documented_schedule() -> None:
    queue = NotificationQueue(Store())
    news = News(
        id="n",
        event_type="TRANSACTION.SUCCESS",
        url="",
        created_at=0.0,
        summary="",
        original_type="",
        signed_with="public_key",
        resource={},
    )
    queue.add(news, delays=[0.0])
    now, pauses = 0.0, []
    while (due_at := queue.next_due_at()) is not None:
        pauses.append(due_at - now)
        now = due_at
        (errand,) = queue.due(now=now, limit=8)
        assert errand.news == news
        queue.answered(errand, "500", taken=False, now=now)
    assert pauses == [0, *PAUSES_S]
    assert sum(PAUSES_S) == 24 * 3600 + 4 * 60
    assert queue.counts() == {"given_up": 1}


def test_it_may_be_doubled_delayed_or_lost(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults(mishaps={"notification_duplicated": 1.0})
    order(simulator, inbox)
    simulator.advance(2)
    assert len({opened(simulator, post)["id"] for post in inbox.wait_for(2)}) == 1
    simulator.faults(mishaps={"notification_lost": 1.0})
    simulator.refund("r1", notify_url=inbox.url)
    simulator.advance(2)
    simulator.faults(mishaps={"notification_late": 1.0}, late_seconds=86_400)
    simulator.refund("r2", notify_url=inbox.url)
    simulator.advance(2)
    assert simulator.notifications() == {"delivered": 2, "missing": 1, "pending": 1}
    simulator.advance(86_400)
    late = opened(simulator, inbox.wait_for(3)[-1])
    assert late["resource"]["out_refund_no"] == "r2"


def test_false_ones_come_beside_and_are_told_apart(simulator: Simulator, inbox: Inbox) -> None:
    order(simulator, inbox)
    inbox.answers = [401] * 5 + [200]
    simulator.faults(mishaps={f"notification_{flaw}": 1.0 for flaw in FALSE})
    simulator.advance(2)
    posts = inbox.wait_for(6)
    believed = []
    for headers, body in posts:
        age = abs(int(headers["Wechatpay-Timestamp"]) - time.time())
        probe = headers["Wechatpay-Signature"].startswith(PROBE)
        verified = simulator.wechatpay.decrypt_callback(headers, body) is not None
        assert not (probe and verified)
        believed.append(verified and age < 300)
    assert sum(believed) == 1

    def all_told() -> bool:
        # The true one may be among those that were refused; it comes again.
        simulator.advance(15)
        return "pending" not in simulator.notifications()

    wait_until(all_told)
    flaws = {one["flaw"] for one in simulator.get("notifications")["sent"]}
    assert flaws == {"", *(f"notification_{flaw}" for flaw in FALSE)}


def test_a_certificate_that_is_new_is_to_be_fetched(simulator: Simulator, inbox: Inbox) -> None:
    before = set(simulator.credentials.platform_certificates)
    simulator.faults(mishaps={"notification_rotated": 1.0})
    order(simulator, inbox)
    simulator.advance(2)
    (post,) = inbox.wait_for(1)
    assert post[0]["Wechatpay-Serial"] not in before
    assert opened(simulator, post)["resource"]["trade_state"] == "SUCCESS"


def test_notifications_may_be_signed_with_the_certificate(inbox: Inbox) -> None:
    with running(Options(seed=3, notify_signed_with="certificate")) as simulator:
        simulator.open_service("粤B1")
        order(simulator, inbox)
        simulator.advance(2)
        (post,) = inbox.wait_for(1)
        assert post[0]["Wechatpay-Serial"] in simulator.credentials.platform_certificates
        assert opened(simulator, post)["resource"]["trade_state"] == "SUCCESS"
