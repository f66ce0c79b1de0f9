"""Bills in WeChat's own format, true unless made to lie."""

import csv
import datetime as dt
import gzip
import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.gateway_sim.wechatpay.harness import NOW, Simulator

DAY = f"{NOW:%Y-%m-%d}"
NEXT_MORNING = dt.datetime.combine(NOW.date() + dt.timedelta(days=1), dt.time(10), NOW.tzinfo)


def table(text: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows and the totals of a bill."""
    assert text.startswith("\ufeff")
    assert text.endswith("\r\n")
    *body, totals_header, totals = csv.reader(text[1:].splitlines())
    header, *rows = body
    assert all(cell.startswith("`") for row in (*rows, totals) for cell in row)
    return (
        [dict(zip(header, (cell[1:] for cell in row), strict=True)) for row in rows],
        dict(zip(totals_header, (cell[1:] for cell in totals), strict=True)),
    )


def fen(yuan: str) -> int:
    return int((Decimal(yuan) * 100).to_integral_exact())


def fetched(simulator: Simulator, answer: tuple[int, str], *, zipped: bool = False) -> str:
    status, text = answer
    assert status == 200, text
    told = json.loads(text)
    status, body = simulator.wechatpay.download_bill(told["download_url"])
    assert status == 200
    plain = gzip.decompress(body) if zipped else body
    assert hashlib.sha1(plain, usedforsecurity=False).hexdigest() == told["hash_value"]
    return str(plain.decode())


def trade_bill(simulator: Simulator, *, kind: str = "ALL", day: str = DAY) -> str:
    return fetched(simulator, simulator.wechatpay.trade_bill(day, kind), zipped=True)


@pytest.fixture
def lived_in(simulator: Simulator) -> Simulator:
    """A day with three paid orders, one of them refunded in part, and one that failed."""
    simulator.faults(mishap_script=[{"mishap": "deduction_failed", "subject": '*"out4"*'}])
    for number in ("1", "2", "3", "4"):
        simulator.stay(number, 1000 * int(number), description="停车,第`一`层")
    simulator.advance(2)
    simulator.refund("r3", of="out3", refund=1000, total=3000)
    simulator.advance(2)
    simulator.set_clock(NEXT_MORNING)
    return simulator


def test_the_trade_bill_says_what_happened(lived_in: Simulator) -> None:
    truth = lived_in.truth()
    rows, totals = table(trade_bill(lived_in))
    orders = [row for row in rows if row["交易状态"] == "SUCCESS"]
    refunds = [row for row in rows if row["交易状态"] == "REFUND"]
    assert [
        (row["商户订单号"], row["微信订单号"], fen(row["订单金额"]), fen(row["手续费"]))
        for row in orders
    ] == [
        (one["out_trade_no"], one["transaction_id"], one["amount"], one["fee"])
        for one in truth["deductions"]
    ]
    (refund,) = refunds
    (true_refund,) = truth["refunds"]
    assert refund["商户退款单号"] == true_refund["out_refund_no"]
    assert refund["微信退款单号"] == true_refund["refund_id"]
    assert fen(refund["退款金额"]) == true_refund["amount"]
    assert fen(refund["手续费"]) == -true_refund["fee_returned"]
    assert refund["退款状态"] == "SUCCESS"
    assert {row["特约商户号"] for row in rows} == {lived_in.credentials.sub_mchid}
    assert {row["商户数据包"] for row in rows} == {"p1"}
    assert totals["总交易单数"] == "4"
    assert fen(totals["应结订单总金额"]) == 6000
    assert fen(totals["退款总金额"]) == 1000
    assert fen(totals["手续费总金额"]) == 6 + 12 + 18 - 6


def test_a_bill_may_be_of_payments_or_of_refunds_alone(lived_in: Simulator) -> None:
    paid, _ = table(trade_bill(lived_in, kind="SUCCESS"))
    assert len(paid) == 3
    assert "退款金额" not in paid[0]
    (refunded,), _ = table(trade_bill(lived_in, kind="REFUND"))
    assert refunded["退款成功时间"] > refunded["退款申请时间"]


def test_the_account_of_a_sub_merchant_adds_up(lived_in: Simulator) -> None:
    sub = lived_in.credentials.sub_mchid
    status, text = lived_in.wechatpay.submch_fundflow_bill(sub, DAY, "BASIC", tar_type="GZIP")
    assert status == 200, text
    (part,) = json.loads(text)["download_bill_list"]
    key = lived_in.wechatpay.decrypt(part["encrypt_key"])
    _, sealed = lived_in.wechatpay.download_bill(part["download_url"])
    plain = gzip.decompress(AESGCM(key.encode()).decrypt(part["nonce"].encode(), sealed, b""))
    rows, totals = table(plain.decode())
    balance = 0
    for row in rows:
        sign = 1 if row["收支类型"] == "收入" else -1
        balance += sign * fen(row["收支金额(元)"])
        assert fen(row["账户结余(元)"]) == balance
    truth = lived_in.truth()
    earned = sum(one["amount"] - one["fee"] for one in truth["deductions"])
    given_back = sum(one["amount"] - one["fee_returned"] for one in truth["refunds"])
    assert balance == earned - given_back
    assert fen(totals["收入金额"]) - fen(totals["支出金额"]) == balance


def test_the_callers_own_account_has_a_bill_of_its_own(simulator: Simulator) -> None:
    simulator.wechatpay = simulator.library(partner=False)
    simulator.stay("1")
    simulator.advance(2)
    simulator.set_clock(NEXT_MORNING)
    answer = simulator.wechatpay.fundflow_bill(DAY)
    rows, totals = table(fetched(simulator, answer, zipped=True))
    assert [row["业务类型"] for row in rows] == ["交易", "扣除交易手续费"]
    assert (totals["收入金额"], totals["支出金额"]) == ("8.88", "0.05")


def test_a_bill_lies_only_where_the_truth_says_so(simulator: Simulator) -> None:
    simulator.faults(
        mishap_script=[
            {"mishap": "missing_in_bill", "subject": '*"out1"*'},
            {"mishap": "surplus_in_bill", "subject": '*"out2"*'},
            {"mishap": "wrong_fee", "subject": '*"out3"*'},
        ]
    )
    for number in ("1", "2", "3", "4"):
        simulator.stay(number)
    simulator.advance(2)
    simulator.set_clock(NEXT_MORNING)
    rows, _ = table(trade_bill(simulator))
    billed = {row["商户订单号"]: fen(row["手续费"]) for row in rows}
    truth: dict[str, Any] = simulator.truth()
    true = {one["out_trade_no"]: one["fee"] for one in truth["deductions"]}
    lies = {one["kind"]: one for one in truth["discrepancies"]}
    assert true.keys() - billed.keys() == {lies["missing_in_bill"]["out_trade_no"]} == {"out1"}
    assert billed.keys() - true.keys() == {lies["surplus_in_bill"]["out_trade_no"]}
    wrong = {number for number in billed.keys() & true.keys() if billed[number] != true[number]}
    assert wrong == {"out3"}
    assert billed["out3"] - true["out3"] == lies["wrong_fee"]["amount"] > 0
    surplus = lies["surplus_in_bill"]["out_trade_no"]
    assert simulator.look_up(surplus)[0] == 404


def test_a_bill_is_there_from_ten_the_next_morning(simulator: Simulator) -> None:
    simulator.stay("1")
    simulator.advance(2)
    early = NEXT_MORNING - dt.timedelta(seconds=1)
    old = f"{NOW - dt.timedelta(days=100):%Y-%m-%d}"
    for now, day, code in (
        (early, DAY, "STATEMENT_CREATING"),
        (NEXT_MORNING, "2026-08-02", "NO_STATEMENT_EXIST"),
        (NEXT_MORNING, "2026-08-05", "PARAM_ERROR"),
        (NEXT_MORNING, "2026-02-30", "PARAM_ERROR"),
        (NEXT_MORNING, "yesterday", "PARAM_ERROR"),
        (NEXT_MORNING, old, "PARAM_ERROR"),
    ):
        simulator.set_clock(now)
        status, text = simulator.wechatpay.trade_bill(day)
        assert (status, json.loads(text)["code"]) == (400, code), day
    _, text = simulator.wechatpay.trade_bill(DAY)
    simulator.advance(301)
    assert simulator.wechatpay.download_bill(json.loads(text)["download_url"])[0] == 404
