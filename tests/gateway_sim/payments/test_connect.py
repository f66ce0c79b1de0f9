"""Connected accounts: taken on, passed money to, and taken money back from."""

from typing import Any

import pytest
import stripe

from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running, webhook_inbox

SECRET = "whsec_of_this_test"


def behalf(account: str) -> Any:
    return {"stripe_account": account}


def earn(simulator: Simulator, amount: int = 10_000) -> None:
    simulator.pay(*simulator.customer_with_card("pm_card_bypassPending"), amount=amount)


def transfer(simulator: Simulator, account: str, amount: int, **more: object) -> stripe.Transfer:
    params: Any = {"amount": amount, "currency": "cny", "destination": account, **more}
    return simulator.stripe.v1.transfers.create(params)


def balance(simulator: Simulator, account: str) -> tuple[int, int]:
    told = simulator.stripe.v1.balance.retrieve(None, behalf(account))
    return told.available[0].amount, told.pending[0].amount


def test_an_owner_is_onboarded_on_the_hosted_page(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    account = api.accounts.create(
        {
            "type": "express",
            "country": "CN",
            "email": "lot@example.com",
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    assert account.requirements
    assert account.requirements.currently_due == [
        "business_type",
        "external_account",
        "tos_acceptance.date",
        "tos_acceptance.ip",
    ]
    assert (account.details_submitted, account.payouts_enabled) == (False, False)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        transfer(simulator, account.id, 1)
    assert caught.value.code == "insufficient_capabilities_for_transfer"
    link = api.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "http://127.0.0.1/again",
            "return_url": "http://127.0.0.1/done",
        }
    )
    assert "lot@example.com" in simulator.http.get(link.url).text
    assert simulator.http.post(link.url, data={"account_number": "?"}).status_code == 402
    done = simulator.http.post(link.url, data={"account_number": "000123456789"})
    assert (done.status_code, done.headers["location"]) == (303, "http://127.0.0.1/done")
    assert simulator.http.get(link.url).status_code == 400
    account = api.accounts.retrieve(account.id)
    assert account.capabilities
    assert (account.capabilities.transfers, account.payouts_enabled) == ("active", True)
    assert account.external_accounts
    assert len(account.external_accounts.data) == 1
    heard = [one.type for one in api.events.list(None, behalf(account.id)).data]
    assert heard == ["capability.updated", "account.updated"]


def test_money_is_passed_on_and_taken_back(simulator: Simulator) -> None:
    earn(simulator)
    account = simulator.operator()
    passed = transfer(
        simulator, account, 4000, metadata={"day": "1"}, expand=["destination_payment"]
    )
    payment = passed.destination_payment
    assert isinstance(payment, stripe.Charge)
    assert (payment.amount, payment.source_transfer) == (4000, passed.id)
    assert balance(simulator, account) == (4000, 0)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        transfer(simulator, account, 6000)
    assert caught.value.code == "balance_insufficient"
    reversals = simulator.stripe.v1.transfers.reversals
    back = reversals.create(passed.id, {"amount": 1500, "metadata": {"why": "wrong"}})
    assert reversals.retrieve(passed.id, back.id).amount == 1500
    again = simulator.stripe.v1.transfers.retrieve(passed.id)
    assert (again.amount_reversed, again.reversed) == (1500, False)
    assert [one.id for one in again.reversals.data] == [back.id]
    with pytest.raises(stripe.InvalidRequestError):
        reversals.create(passed.id, {"amount": 2501})
    simulator.stripe.v1.payouts.create({"amount": 2000, "currency": "cny"}, behalf(account))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        reversals.create(passed.id)
    assert caught.value.code == "balance_insufficient"
    truth = simulator.truth()
    assert [(one["amount"], one["metadata"]) for one in truth["transfers"]] == [
        (4000, {"day": "1"})
    ]
    assert [one["amount"] for one in truth["reversals"]] == [1500]


def test_pending_money_is_passed_on_out_of_its_charge(simulator: Simulator) -> None:
    simulator.advance(0)
    account = simulator.operator()
    paid = simulator.pay(*simulator.customer_with_card(), amount=1000)
    source = str(paid.latest_charge)
    with pytest.raises(stripe.InvalidRequestError):
        transfer(simulator, account, 600)
    transfer(simulator, account, 600, source_transaction=source)
    with pytest.raises(stripe.InvalidRequestError, match="400 of 1000 are left"):
        transfer(simulator, account, 401, source_transaction=source)
    assert balance(simulator, account) == (0, 600)
    simulator.advance(2 * 24 * 3600)
    assert balance(simulator, account) == (600, 0)


def test_a_payment_may_be_passed_on_at_once_and_back_with_its_refund(simulator: Simulator) -> None:
    account = simulator.operator()
    customer, method = simulator.customer_with_card()
    data = {"destination": account, "amount": 800}
    paid = simulator.pay(
        customer, method, amount=1000, transfer_data=data, expand=["latest_charge"]
    )
    charge = paid.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert balance(simulator, account) == (0, 800)
    refunded = simulator.stripe.v1.refunds.create(
        {
            "payment_intent": paid.id,
            "amount": 500,
            "reverse_transfer": True,
            "expand": ["transfer_reversal"],
        }
    )
    reversal = refunded.transfer_reversal
    assert isinstance(reversal, stripe.TransferReversal)
    assert (reversal.amount, reversal.source_refund) == (400, refunded.id)
    assert sum(balance(simulator, account)) == 400
    plain = simulator.pay(customer, method)
    with pytest.raises(stripe.InvalidRequestError, match="associated transfer"):
        simulator.stripe.v1.refunds.create({"payment_intent": plain.id, "reverse_transfer": True})


def test_accounts_see_their_own_only(simulator: Simulator) -> None:
    earn(simulator)
    first, second = simulator.operator(), simulator.operator()
    passed = transfer(simulator, first, 100)
    payment = str(passed.destination_payment)
    charges = simulator.stripe.v1.charges
    assert charges.retrieve(payment, None, behalf(first)).amount == 100
    strangers: list[Any] = [{}, behalf(second)]
    for other in strangers:
        with pytest.raises(stripe.InvalidRequestError):
            charges.retrieve(payment, None, other)
    assert charges.list(None, behalf(second)).data == []
    with pytest.raises(stripe.PermissionError) as caught:
        charges.list(None, behalf("acct_none"))
    assert caught.value.http_status == 403
    told: Any = caught.value.json_body
    assert told["error"]["code"] == "account_invalid"


def test_keys_are_each_accounts_own(simulator: Simulator) -> None:
    account = simulator.operator()
    create: Any = simulator.stripe.v1.customers.create
    options: Any = {"idempotency_key": "k"}
    whose: list[Any] = [{}, behalf(account), {}]
    made = [create(None, {**options, **more}).id for more in whose]
    assert made[0] == made[2] != made[1]


def test_the_platform_hears_of_its_accounts() -> None:
    with (
        webhook_inbox() as inbox,
        running(Options(seed=3, webhook_url=inbox.url, webhook_secret=SECRET)) as simulator,
    ):
        hooks = simulator.stripe.v1.webhook_endpoints
        with webhook_inbox() as own, webhook_inbox() as connected:
            hooks.create({"url": own.url, "enabled_events": ["*"]})
            hooks.create({"url": connected.url, "enabled_events": ["*"], "connect": True})
            account = simulator.operator()
            simulator.stripe.v1.accounts.update(account, {"email": "new@example.com"})
            ((body, _),) = connected.wait_for(1)
            for _ in range(2):
                simulator.stripe.v1.customers.create()
            own.wait_for(2)
            assert len(connected.posts) == 1
            assert f'"account":"{account}"' in body.decode()
        assert len(inbox.wait_for(3)) == 3


def test_banks_and_capabilities_may_change(simulator: Simulator) -> None:
    api = simulator.stripe.v1
    account = simulator.operator()
    banks = api.accounts.external_accounts
    (old,) = banks.list(account).data
    new = banks.create(account, {"external_account": "btok_us", "default_for_currency": True})
    assert isinstance(new, stripe.BankAccount)
    with pytest.raises(stripe.InvalidRequestError):
        banks.delete(account, new.id)
    banks.update(account, old.id, {"default_for_currency": True, "metadata": {"a": "b"}})
    assert banks.delete(account, new.id).deleted
    capabilities = api.accounts.capabilities
    wanted = capabilities.update(account, "card_payments", {"requested": True})
    assert wanted.status == "active"
    assert {one.id for one in capabilities.list(account).data} == {"transfers", "card_payments"}
    rejected = simulator.http.post(
        f"/v1/accounts/{account}/reject",
        data={"reason": "fraud"},
        headers={"Authorization": "Bearer sk_test_x"},
    )
    assert rejected.json()["requirements"]["disabled_reason"] == "rejected.fraud"
    assert api.accounts.delete(account).deleted
    with pytest.raises(stripe.InvalidRequestError):
        api.accounts.retrieve(account)


def test_what_is_wrong_with_an_account_is_told(simulator: Simulator) -> None:
    create: Any = simulator.stripe.v1.accounts.create
    for params, param in (
        ({"settings": {"payouts": {"schedule": {"interval": "hourly"}}}}, "[interval]"),
        ({"settings": {"payouts": {"schedule": {"delay_days": "x"}}}}, "[delay_days]"),
        ({"settings": {"payouts": "x"}}, "settings[payouts]"),
        ({"business_profile": {"no_such": "x"}}, "business_profile[no_such]"),
        ({"external_account": "btok_none"}, "external_account"),
        ({"external_account": {"account_number": "1"}}, "external_account"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            create({"type": "custom", "country": "CN", **params})
        assert str(caught.value.param).endswith(param)
