"""Money matters at the desk, with a simulated gateway behind: refunds, discrepancies, disputes."""

import asyncio
import hmac
from typing import Any

import msgspec
import pytest

from portal.audit import audit_database
from tests.portal.conftest import ADMIN_KEY
from tests.portal.test_desk import EVIL, Person, matters
from tests.portal.test_operators_money import (  # noqa: F401 - fixtures
    ACCOUNT,
    OPERATOR,
    OTHER,
    House,
    house,
    simulator,
)

pytestmark = pytest.mark.anyio
DAY_S = 86_400


def at_desk(house: House, who: str = "admin") -> Person:  # noqa: F811
    keys = house.city.keys.operators
    return Person(client=house.client, key=ADMIN_KEY if who == "admin" else keys[who])


async def refused_refund(house: House) -> str:  # noqa: F811
    """Have a refund refused for good: somebody gave the money back at the gateway's own page."""
    stay_id = await house.paid_stay()
    (charge,) = house.simulator.truth()["charges"]
    house.simulator.stripe.v1.refunds.create({"charge": charge["charge"]})
    said = {"how": "never_was", "reason": "a false trigger"}
    ended = await house.client.post(f"/v1/stays/{stay_id}/end", json=said, headers=house.admin)
    assert ended.status_code == 200, ended.text
    await house.work(minutes=10)
    (address,) = matters(await at_desk(house, OPERATOR).see(), "refunds")
    return address


async def test_a_refused_refund_is_sent_again_or_settled_once(
    house: House,  # noqa: F811
    database_url: str,
) -> None:
    address = await refused_refund(house)
    admin, owner, other = (at_desk(house, who) for who in ("admin", OPERATOR, OTHER))
    await other.see(address, status=403)
    assert (await other.decide(address, decision="send_again", reason="ours")).status_code == 403
    assert "charge_already_refunded" in await owner.see(address)
    given = {"decision": "settled", "means": "cash", "reason": "at the office, receipt 7"}
    assert (await owner.decide(address, **given)).status_code == 403
    assert (await owner.decide(address, token="", decision="send_again")).status_code == 403
    assert (await admin.decide(address, decision="settled", reason="no means")).status_code == 422
    once_more = {"decision": "send_again", "reason": "the gateway was down"}
    assert (await owner.decide(address, **once_more)).status_code == 303
    late = await admin.decide(address, **once_more)
    assert (late.status_code, "Somebody has decided this already" in late.text) == (409, True)
    await house.work(minutes=20)
    (again,) = matters(await admin.see("/desk?kind=refunds"), "refunds")
    assert again != address

    both = await asyncio.gather(
        *(
            house.client.post(
                f"/v1/refunds/{again.rsplit('/')[-1]}/decision",
                json={"decision": "settled", "means": "bank_transfer", "note": EVIL},
                headers=house.admin,
            )
            for _ in range(2)
        )
    )
    assert sorted(each.status_code for each in both) == [200, 409]
    assert "&lt;script&gt;" in await owner.see(again)
    assert matters(await admin.see(), "refunds") == []
    listed = await house.client.get(f"/v1/operators/{OPERATOR}/failed-refunds", headers=house.admin)
    assert listed.json() == []
    await house.work(minutes=30)
    assert len(house.simulator.truth()["refunds"]) == 1
    assert await audit_database(database_url, now=house.now()) == []


async def test_a_discrepancy_is_found_and_closed_with_a_reason(house: House) -> None:  # noqa: F811
    await refused_refund(house)
    await house.work(days=2)
    admin, owner = at_desk(house), at_desk(house, OPERATOR)
    assert matters(await owner.see(), "discrepancies") == []
    (address,) = matters(await admin.see("/desk?kind=discrepancies"), "discrepancies")
    await owner.see(address, status=403)
    page = await admin.see(address)
    assert "Surplus in the gateway&#x27;s report" in page
    assert OPERATOR not in page.split("<main", 1)[1]  # it is about no payment of ours
    assert (await owner.decide(address, reason="it is ours")).status_code == 403
    assert (await admin.decide(address, reason="")).status_code == 422
    assert (await admin.decide(address, token="", reason="by hand")).status_code == 403
    reason = f"given back at the gateway's page {EVIL}"
    assert (await admin.decide(address, reason=reason)).status_code == 303
    again = await admin.decide(address, reason="and again")
    assert again.status_code == 409
    assert "Somebody has decided this already" in again.text
    await house.work(days=3)  # nothing new, and it stays closed
    assert matters(await admin.see(), "discrepancies") == []
    assert (await house.client.get("/v1/discrepancies", headers=house.admin)).json() == []
    assert (await house.client.get("/v1/discrepancies", headers=house.operator)).status_code == 403


async def test_a_dispute_is_shown_to_whom_it_concerns(house: House) -> None:  # noqa: F811
    stay_id = await house.paid_stay()
    (charge,) = house.simulator.truth()["charges"]
    house.simulator.control("disputes", charge=charge["charge"])
    await house.work(hours=2)
    owner, other = at_desk(house, OPERATOR), at_desk(house, OTHER)
    (address,) = matters(await owner.see(), "disputes")
    page = await owner.see(address)
    assert "Evidence is gathered and sent by itself" in page
    assert f'href="/p/{stay_id}"' in page
    assert matters(await other.see(), "disputes") == []
    await other.see(address, status=404)


async def test_statements_are_at_hand(house: House) -> None:  # noqa: F811
    owner = at_desk(house, OPERATOR)
    page = await owner.see("/desk/money")
    assert page.count("/pdf") == 14
    assert f"/statements/{OPERATOR}/" in page
    await owner.see(f"/desk/money?operator={OTHER}", status=403)
    assert OTHER in await at_desk(house).see(f"/desk/money?operator={OTHER}")
    found = [part.split('"')[0] for part in page.split('href="')[1:]]
    files = [each for each in found if each.endswith(("/csv", "/xlsx", "/pdf"))][:3]
    for each in files:
        assert (await house.client.get(each)).status_code == 200


async def test_a_payout_that_the_operators_bank_sent_back_is_shown(
    house: House,  # noqa: F811
) -> None:
    await house.paid_stay()
    sim = house.simulator
    sim.advance(3 * DAY_S)
    account = sim.operator(number="000111111113")  # a bank that refuses every payout
    bound = await house.client.put(ACCOUNT, json={"account_ref": account}, headers=house.admin)
    assert bound.status_code == 200
    transfer: Any = {"amount": 300, "currency": "cny", "destination": account}
    sim.stripe.v1.transfers.create(transfer)
    behalf: Any = {"stripe_account": account}
    sent = sim.stripe.v1.payouts.create({"amount": 300, "currency": "cny"}, behalf)
    event = {
        "id": "evt_1",
        "type": "payout.failed",
        "account": account,
        "data": {"object": {"id": sent.id, "object": "payout"}},
    }
    body, at = msgspec.json.encode(event), int(house.now().timestamp())
    proof = hmac.digest(b"whsec_x", f"{at}.".encode() + body, "sha256").hex()
    headers = {"stripe-signature": f"t={at},v1={proof}"}
    told = await house.client.post("/v1/webhooks/stripe", content=body, headers=headers)
    assert told.status_code == 200, told.text
    owner, address = at_desk(house, OPERATOR), "/desk/money"
    assert sent.id not in await owner.see(address)  # a webhook is a hint: the gateway says no
    sim.advance(3 * DAY_S)
    page = await owner.see(address)
    assert "bank sent this payout back" in page
    assert "¥3.00" in page
    assert "bank account has been closed" in page
    api = f"/v1/operators/{OPERATOR}/failed-bank-payouts"
    (listed,) = (await house.client.get(api, headers=house.operator)).json()
    assert (listed["payout_ref"], listed["amount_minor"]) == (sent.id, 300)
    assert (await house.client.get(api, headers=house.other)).status_code == 403
