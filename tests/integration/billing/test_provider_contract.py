"""What billing relies on of every payment provider, held against each one's real simulator."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from billing.core.attempt import (
    DeclineClass,
    Declined,
    NotExecuted,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from billing.gateway import (
    CalledOff,
    ChargeOrder,
    ForgedWebhookError,
    GatewayTransaction,
    Refunded,
    RefundFailed,
    RefundOrder,
    RefundPending,
)
from billing.gateway_request import GatewayRequest
from billing.services.ids import new_id
from parking.core.ids import PaymentId
from tests.integration.billing.provider_contract import HARNESSES, Harness

pytestmark = pytest.mark.anyio


@pytest.fixture(params=list(HARNESSES))
async def at(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Harness]:
    with HARNESSES[request.param]() as harness:
        yield harness
        await harness.provider.close()


def a_payment() -> PaymentId:
    return PaymentId(new_id(datetime.now(UTC)))


async def decided(at: Harness, outcome: Outcome, payment_id: PaymentId) -> Outcome:
    """What became of a charge once the provider knows."""
    if not isinstance(outcome, Pending):
        return outcome
    await at.pass_time(seconds=10)
    return await at.provider.look_up(outcome.payment_ref, payment_id=payment_id)


async def charged(at: Harness, amount_minor: int = 1_500) -> tuple[ChargeOrder, Succeeded]:
    """A charge that succeeded."""
    order = await at.order(amount_minor, payment_id=a_payment())
    sent = await at.provider.charge(at.provider.charge_request(order), idempotency_key="key-1")
    outcome = await decided(at, sent, order.payment_id)
    assert isinstance(outcome, Succeeded)
    return order, outcome


def refund_of(at: Harness, order: ChargeOrder, charge: Succeeded, amount_minor: int) -> RefundOrder:
    return RefundOrder(
        gateway=at.provider.name,
        refund_id=new_id(datetime.now(UTC)),
        payment_id=order.payment_id,
        payment_ref=charge.payment_ref,
        charge_ref=charge.charge_ref,
        charged_minor=order.amount_minor,
        amount_minor=amount_minor,
        currency=order.currency,
        trace_id=order.trace_id,
    )


async def test_capabilities_are_what_is_there(at: Harness) -> None:
    provider, can = at.provider, at.provider.capabilities
    assert can.registers_entries == (provider.registrar is not None)
    assert can.pages == (provider.pages is not None)
    assert can.pays_out == (provider.pages is not None)
    assert can.bank_disputes == (provider.disputes is not None)
    order = await at.order(1_500, payment_id=a_payment())
    assert can.per_stay == (order.stay is not None)
    sent = await provider.charge(provider.charge_request(order), idempotency_key="key-1")
    assert can.accepts_asynchronously == isinstance(sent, Pending)


async def test_a_charge_is_made_once_however_often_it_is_sent(at: Harness) -> None:
    order = await at.order(1_500, payment_id=a_payment())
    worded = at.provider.charge_request(order)
    stored = GatewayRequest.stored(worded.operation, worded.parameters_json)
    assert stored == worded
    for _ in range(3):
        sent = await at.provider.charge(stored, idempotency_key="key-1")
        outcome = await decided(at, sent, order.payment_id)
        assert isinstance(outcome, Succeeded)
        assert (outcome.amount_minor, outcome.currency) == (1_500, "CNY")
    assert at.taken() == [1_500]


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "server_error_after"])
async def test_a_lost_answer_is_unknown_and_found_out(at: Harness, fault: str) -> None:
    since = at.now - timedelta(minutes=1)
    order = await at.order(1_500, payment_id=a_payment())
    worded = at.provider.charge_request(order)
    at.fault(fault)
    sent = await at.provider.charge(worded, idempotency_key="key-1")
    assert isinstance(sent, Unknown)
    found = await at.provider.find(worded, payment_id=order.payment_id, since=since)
    if fault == "drop_before":
        assert isinstance(found, NotExecuted)
        found = await at.provider.charge(worded, idempotency_key="key-1")
    assert isinstance(await decided(at, found, order.payment_id), Succeeded)
    assert at.taken() == [1_500]


async def test_a_decline_takes_nothing_and_another_attempt_may_succeed(at: Harness) -> None:
    payment_id = a_payment()
    order = await at.declining(1_500, payment_id=payment_id)
    sent = await at.provider.charge(at.provider.charge_request(order), idempotency_key="key-1")
    outcome = await decided(at, sent, payment_id)
    assert isinstance(outcome, Declined)
    assert outcome.decline_class in {DeclineClass.INSUFFICIENT_FUNDS, DeclineClass.DO_NOT_HONOUR}
    assert at.taken() == []
    ref = None if outcome.ended else outcome.payment_ref
    second = at.provider.charge_request(await at.again(order, ref))
    sent = await at.provider.charge(second, idempotency_key="key-2")
    assert isinstance(await decided(at, sent, payment_id), Succeeded)
    assert at.taken() == [1_500]


async def test_what_was_declined_can_be_called_off_and_what_was_paid_cannot(at: Harness) -> None:
    order, charge = await charged(at)
    assert charge == await at.provider.call_off(charge.payment_ref, payment_id=order.payment_id)
    declined = await at.declining(900, payment_id=a_payment())
    worded = at.provider.charge_request(declined)
    sent = await at.provider.charge(worded, idempotency_key="key-2")
    outcome = await decided(at, sent, declined.payment_id)
    assert isinstance(outcome, Declined)
    ref = outcome.payment_ref or str(worded.parameters.get("out_trade_no"))
    called_off = await at.provider.call_off(ref, payment_id=declined.payment_id)
    assert called_off == CalledOff()


async def test_a_refund_is_made_once_and_never_too_large(at: Harness) -> None:
    order, charge = await charged(at)
    refund = refund_of(at, order, charge, 1_000)
    worded = at.provider.refund_request(refund)
    at.fault("drop_after")
    assert isinstance(await at.provider.refund(worded, idempotency_key="refund-1"), Unknown)
    answer = await at.provider.refund(worded, idempotency_key="refund-1")
    assert isinstance(answer, Refunded | RefundPending)
    await at.pass_time(seconds=10)
    found = await at.provider.find_refund(
        payment_ref=charge.payment_ref, refund_id=refund.refund_id
    )
    assert isinstance(found, Refunded)
    assert found.refund_ref == answer.refund_ref
    unheard = refund_of(at, order, charge, 1_000)
    assert None is await at.provider.find_refund(
        payment_ref=charge.payment_ref, refund_id=unheard.refund_id
    )
    too_much = at.provider.refund_request(unheard)
    answer = await at.provider.refund(too_much, idempotency_key="refund-2")
    assert isinstance(answer, RefundFailed)
    assert at.given_back() == [1_000]


async def test_its_report_has_what_moved(at: Harness) -> None:
    begin_at = at.now - timedelta(hours=1)
    order, charge = await charged(at)
    refund = refund_of(at, order, charge, 500)
    await at.provider.refund(at.provider.refund_request(refund), idempotency_key="refund-1")
    await at.pass_time(days=2)
    given_back = await at.provider.find_refund(
        payment_ref=charge.payment_ref, refund_id=refund.refund_id
    )
    assert isinstance(given_back, Refunded)
    lines: dict[str, GatewayTransaction] = {}
    async for line in at.provider.transactions(since=begin_at, until=at.now):
        lines[line.source_ref] = line
    assert lines[charge.charge_ref].gross_minor == 1_500
    assert lines[charge.charge_ref].fee_minor == 9
    assert lines[given_back.refund_ref].gross_minor == -500
    assert all(line.net_minor == line.gross_minor - line.fee_minor for line in lines.values())


async def test_only_its_own_webhooks_are_taken(at: Harness) -> None:
    order, _ = await charged(at)
    posts = at.webhooks(1)
    told: list[PaymentId | None] = []
    while order.payment_id not in told:
        posts = at.webhooks(len(told) + 1)
        told = [
            at.provider.read_webhook(body, headers=headers, now=at.now).payment_id
            for headers, body in posts
        ]
    headers, body = posts[0]
    wrong = {name: it[:-8] + "AAAAAAA=" for name, it in headers.items() if "signature" in name}
    for heads, content in (({}, body), ({**headers, **wrong}, body), (headers, body + b" ")):
        with pytest.raises(ForgedWebhookError):
            at.provider.read_webhook(content, headers=heads, now=at.now)
