"""Bills of a day: asked for, then fetched under a token for five minutes."""

import base64
import datetime as dt
import gzip
import hashlib
import secrets
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway_sim.wechatpay.errors import (
    NoStatementError,
    ParamError,
    ResourceNotExistsError,
    StatementCreatingError,
)
from gateway_sim.wechatpay.moments import BEIJING, day_of
from gateway_sim.wechatpay.operations import bill_text
from gateway_sim.wechatpay.operations.bill_text import BillType
from gateway_sim.wechatpay.sealing import secret_of_32
from gateway_sim.wechatpay.shapes import (
    AccountLine,
    Asked,
    Deduction,
    Refund,
    Surplus,
    Text32,
)
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject, Reply

WRITTEN_AT = dt.time(10, tzinfo=BEIJING)
"""Of the next day; from then on a bill exists."""
TOKEN_LASTS_S = 300
_KEPT_DAYS = 92
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]


class TradeBill(Asked, frozen=True, kw_only=True):
    """申请交易账单."""

    bill_date: Day
    bill_type: BillType = "ALL"
    sub_mchid: Text32 | None = None
    tar_type: Literal["GZIP"] | None = None


class FundFlowBill(Asked, frozen=True, kw_only=True):
    """申请资金账单."""

    bill_date: Day
    account_type: Literal["BASIC", "OPERATION", "FEES"] = "BASIC"
    tar_type: Literal["GZIP"] | None = None


class SubMerchantBill(Asked, frozen=True, kw_only=True):
    """申请单个子商户资金账单."""

    sub_mchid: Text32
    bill_date: Day
    account_type: Literal["BASIC", "OPERATION", "FEES"]
    algorithm: Literal["AEAD_AES_256_GCM"]
    tar_type: Literal["GZIP"] | None = None


def trade_bill(world: World, mchid: str, asked: TradeBill, *, origin: str) -> JsonObject:
    """The orders and refunds of a day, of all sub-merchants or of one.

    Raises ParamError, StatementCreatingError and NoStatementError.
    """
    day = _day(world, asked.bill_date)
    orders, refunds = _traded(world, mchid, asked.sub_mchid, day)
    orders = orders if asked.bill_type != "REFUND" else []
    refunds = refunds if asked.bill_type != "SUCCESS" else []
    if not orders and not refunds:
        raise NoStatementError
    points = world.terms.fee_basis_points
    rate = f"{points // 100}.{points % 100:02d}%"
    text = bill_text.trade_bill(orders, refunds, bill_type=asked.bill_type, rate=rate)
    return _to_fetch(world, text, zipped=asked.tar_type == "GZIP", origin=origin)


def _traded(
    world: World, mchid: str, sub_mchid: str | None, day: dt.date
) -> tuple[list[Deduction], list[tuple[Refund, Deduction]]]:
    all_orders = [
        order
        for order in (*world.store.all_of(Deduction), *world.store.all_of(Surplus))
        if order.mchid == mchid
        and sub_mchid in {None, order.asked.sub_mchid}
        and not order.unreported
    ]
    by_id = {order.id: order for order in all_orders}
    orders = [it for it in all_orders if it.paid_at is not None and day_of(it.paid_at) == day]
    refunds = [
        (refund, by_id[refund.parent])
        for refund in world.store.all_of(Refund)
        if refund.parent in by_id and day_of(refund.created_at) == day
    ]
    return orders, refunds


def fund_flow_bill(world: World, mchid: str, asked: FundFlowBill, *, origin: str) -> JsonObject:
    """The movements of a day on the caller's own account.

    Raises ParamError, StatementCreatingError and NoStatementError.
    """
    lines = _moved(world, mchid, asked.account_type, _day(world, asked.bill_date))
    text = bill_text.fund_flow_bill(lines)
    return _to_fetch(world, text, zipped=asked.tar_type == "GZIP", origin=origin)


def sub_merchant_bill(world: World, asked: SubMerchantBill, *, origin: str) -> JsonObject:
    """The movements of a day on a sub-merchant's account, encrypted for the service provider.

    Raises ParamError, StatementCreatingError and NoStatementError.
    """
    lines = _moved(world, asked.sub_mchid, asked.account_type, _day(world, asked.bill_date))
    text = bill_text.fund_flow_bill(lines).encode()
    plain = gzip.compress(text, mtime=0) if asked.tar_type == "GZIP" else text
    key, nonce = secret_of_32(), secrets.token_hex(6)
    sealed = AESGCM(key.encode()).encrypt(nonce.encode(), plain, b"")
    part = {
        "bill_sequence": 1,
        "download_url": _keep(world, sealed, origin=origin),
        "encrypt_key": world.keys.for_merchant(key),
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
        "nonce": nonce,
    }
    return {"download_bill_count": 1, "download_bill_list": [part]}


def _moved(world: World, account: str, kind: str, day: dt.date) -> Sequence[AccountLine]:
    lines = [it for it in world.store.all_of(AccountLine, account) if day_of(it.at) == day]
    if not lines or kind != "BASIC":
        raise NoStatementError
    return lines


def _day(world: World, text: str) -> dt.date:
    now = world.clock.now()
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = dt.date.min
    if not day_of(now) - dt.timedelta(days=_KEPT_DAYS) <= day <= day_of(now):
        msg = "账单日期不合法"
        field = {"location": "query", "field": "bill_date", "value": text}
        raise ParamError(msg, detail=field)
    written = dt.datetime.combine(day + dt.timedelta(days=1), WRITTEN_AT)
    if now < written.timestamp():
        raise StatementCreatingError
    return day


def _to_fetch(world: World, text: str, *, zipped: bool, origin: str) -> JsonObject:
    plain = text.encode()
    body = gzip.compress(plain, mtime=0) if zipped else plain
    return {
        "download_url": _keep(world, body, origin=origin),
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(plain, usedforsecurity=False).hexdigest(),
    }


def _keep(world: World, body: bytes, *, origin: str) -> str:
    token = base64.urlsafe_b64encode(secrets.token_bytes(48)).decode()
    now = world.clock.now()
    database = world.store.database
    database.execute("DELETE FROM bill_file WHERE written_at < ?", (now - TOKEN_LASTS_S,))
    database.execute("INSERT INTO bill_file VALUES (?, ?, ?)", (token, now, body))
    return f"{origin}/v3/billdownload/file?token={token}"


def fetch(world: World, token: str) -> Reply:
    """The file under a token.

    Raises ResourceNotExistsError when there is none, or it was asked for too long ago.
    """
    oldest = world.clock.now() - TOKEN_LASTS_S
    row = world.store.database.execute(
        "SELECT body FROM bill_file WHERE token = ? AND written_at >= ?", (token, oldest)
    ).fetchone()
    if row is None:
        msg = "文件不存在或下载链接已过期"
        raise ResourceNotExistsError(msg)
    return Reply(status=200, body=row[0], content_type="application/octet-stream")
