"""What WeChat's words mean to billing, its names for our things, and settings that cannot be."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import wechat_names as names
from billing.core.attempt import DeclineClass, Declined, Pending, Succeeded, Unknown
from billing.providers.wechatpay import WeChatPay
from billing.providers.wechatpay.answers import decline_class_of, outcome_of
from billing.providers.wechatpay.bills import read_bill
from billing.providers.wechatpay.shapes import AmountShape, TransactionShape
from billing.settings import BillingSettings
from billing.wechat_settings import WeChatSettings, WeChatSettingsError
from parking.core.secret import Secret

ORDER = TransactionShape(
    out_trade_no="A",
    trade_state="SUCCESS",
    amount=AmountShape(total=1_500),
    transaction_id="4200",
    success_time=datetime(2026, 8, 3, tzinfo=UTC),
    bank_type="CMB_DEBIT",
)


@given(it=st.uuids(), attempt=st.integers(min_value=1, max_value=9_999))
def test_a_name_is_short_plain_and_leads_back(it: UUID, attempt: int) -> None:
    order = names.out_trade_no(it, attempt)
    assert order.isalnum()
    assert order.isascii()
    assert len(order) <= 32
    assert names.payment_of(order) == it
    assert names.refund_of(names.out_refund_no(it)) == it
    assert names.registration_of(names.out_parking_no(it)) == it


@given(text=st.text(max_size=40))
def test_names_of_others_are_nobodys(text: str) -> None:
    for read in (names.payment_of, names.refund_of, names.registration_of):
        it = read(text)
        assert it is None or names.out_trade_no(it, 1)[:26] == text[:26]


def test_an_order_is_what_it_says() -> None:
    def said(**changes: object) -> object:
        return outcome_of(msgspec.structs.replace(ORDER, **changes))

    assert isinstance(said(), Succeeded)
    assert isinstance(said(trade_state="REFUND"), Succeeded)
    assert isinstance(said(trade_state="ACCEPTED"), Pending)
    assert isinstance(said(trade_state="SOMETHING_NEW"), Unknown)
    assert isinstance(said(transaction_id=None), Unknown)
    failed = said(trade_state="PAY_FAIL")
    assert isinstance(failed, Declined)
    assert failed.ended
    for bank, repaid, expected in (
        ("BPA", "N", (True, False)),
        ("BPA", "Y", (True, True)),
        ("CMB_DEBIT", "Y", (False, False)),
    ):
        paid = said(bank_type=bank, user_repaid=repaid)
        assert isinstance(paid, Succeeded)
        assert (paid.advanced, paid.repaid) == expected


@pytest.mark.parametrize(
    ("words", "decline_class"),
    [
        ("用户余额不足", DeclineClass.INSUFFICIENT_FUNDS),
        ("系统繁忙", DeclineClass.TRY_AGAIN),
        ("用户已解约", DeclineClass.CARD_UNUSABLE),
        ("支付失败，请重新下单支付", DeclineClass.DO_NOT_HONOUR),
    ],
)
def test_a_failed_deduction_is_sorted_by_its_words(words: str, decline_class: DeclineClass) -> None:
    assert decline_class_of(words) is decline_class


def test_a_bill_is_read_by_the_names_of_its_columns_up_to_its_totals() -> None:
    head = (
        "交易时间,微信订单号,交易状态,货币种类,微信退款单号,退款状态,申请退款金额,手续费,订单金额"
    )
    closed = "`2026-08-03 14:00:00,`4200,`REFUND,`CNY,`5031,`FAIL,`5.00,`0.00000,`0.00"
    paid = "`2026-08-03 12:00:00,`4200,`SUCCESS,`CNY,`,`,`0.00,`0.09000,`15.00"
    back = "`2026-08-03 13:00:00,`4200,`REFUND,`CNY,`5030,`SUCCESS,`10.00,`-0.06000,`0.00"
    totals = "总交易单数,应结订单总金额\r\n`2,`15.00\r\n"
    content = "\r\n".join(("\ufeff" + head, paid, back, closed, totals)).encode()
    lines = list(read_bill(content))
    assert [(it.kind, it.source_ref, it.gross_minor, it.fee_minor) for it in lines] == [
        ("charge", "4200", 1_500, 9),
        ("refund", "5030", -1_000, -6),
    ]
    assert all(it.net_minor == it.gross_minor - it.fee_minor for it in lines)
    assert lines[0].created_at == datetime(2026, 8, 3, 4, tzinfo=UTC)


def test_settings_that_cannot_be_right_are_refused_without_showing_a_key() -> None:
    whole = WeChatSettings(
        mchid="1900000001",
        appid="wx1",
        serial_no="1",
        private_key=Secret("not a key at all"),
        apiv3_key=Secret("x" * 32),
        public_key="nor is this",
        public_key_id="PUB_KEY_ID_1",
        notify_url="https://parking.example/v1/webhooks/wechatpay",
    )
    for changes, word in (
        ({}, "PEM"),
        ({"appid": ""}, "appid"),
        ({"private_key": Secret("")}, "private_key"),
        ({"apiv3_key": Secret("short")}, "apiv3_key"),
        ({"sub_mchid": "1"}, "sub_appid"),
    ):
        settings = BillingSettings(wechat=msgspec.structs.replace(whole, **changes))
        with pytest.raises(WeChatSettingsError, match=word) as refused:
            WeChatPay(settings)
        assert "not a key at all" not in str(refused.value)
    assert "not a key at all" not in repr(whole)
