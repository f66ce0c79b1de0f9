"""Refunds: the money leaves the merchant's account at once and reaches the user later."""

import msgspec

from gateway_sim.wechatpay.errors import (
    InvalidRequestError,
    NotEnoughError,
    ParamError,
    ResourceNotExistsError,
)
from gateway_sim.wechatpay.faults import Mishap, subject_of
from gateway_sim.wechatpay.moments import yuan
from gateway_sim.wechatpay.operations.orders import order_numbered
from gateway_sim.wechatpay.operations.refund_view import news_of, present_refund
from gateway_sim.wechatpay.shapes import CreateRefund, Deduction, Refund, RefundStatus
from gateway_sim.wechatpay.truth import RefundEndTruth, RefundTruth
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject

_ENDS: tuple[tuple[Mishap, RefundStatus], ...] = (
    (Mishap.REFUND_ABNORMAL, "ABNORMAL"),
    (Mishap.REFUND_CLOSED, "CLOSED"),
)
_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


def create(world: World, mchid: str, asked: CreateRefund) -> JsonObject:
    """Take a refund; the same number again never gives back twice.

    Raises ParamError, ResourceNotExistsError, InvalidRequestError and NotEnoughError.
    """
    account = world.account_of(mchid, appid=None, sub_mchid=asked.sub_mchid)
    known = world.store.numbered(Refund, account=account, number=asked.out_refund_no)
    if known is not None:
        return _asked_before(world, known, asked)
    order = _order(world, account, asked)
    _check_amount(order, asked)
    fee = _fee_returned(order, asked.amount.refund)
    short = world.faults.happens(Mishap.REFUND_SHORT_OF_MONEY, subject_of(asked))
    if short or world.balance_of(account) < asked.amount.refund - fee:
        raise NotEnoughError
    refund = Refund(
        id=world.ids.digits("5030", 29),
        account=account,
        number=asked.out_refund_no,
        parent=order.id,
        asked=asked,
        mchid=mchid,
        out_trade_no=order.number,
        created_at=world.clock.now(),
        fee_returned=fee,
    )
    world.store.put(refund)
    _debit(world, order, refund)
    return present_refund(world, refund)


def _asked_before(world: World, known: Refund, asked: CreateRefund) -> JsonObject:
    if known.asked != asked:
        msg = "订单金额或退款金额与之前请求不一致，请核实后再试"
        raise InvalidRequestError(msg)
    return present_refund(world, known)


def _order(world: World, account: str, asked: CreateRefund) -> Deduction:
    if asked.transaction_id is None:
        if asked.out_trade_no is None:
            msg = "transaction_id和out_trade_no必须二选一"
            raise ParamError(msg, detail={"location": "body", "field": "/transaction_id"})
        return order_numbered(world, account, asked.out_trade_no)
    found = world.store.get(Deduction, asked.transaction_id)
    if found is None or found.account != account:
        msg = "订单不存在"
        raise ResourceNotExistsError(msg)
    return found


def _check_amount(order: Deduction, asked: CreateRefund) -> None:
    if order.paid_at is None:
        msg = "订单状态不支持退款"
        raise InvalidRequestError(msg)
    if asked.amount.total != order.asked.amount.total:
        msg = "订单金额与微信支付订单金额不一致"
        raise InvalidRequestError(msg)
    if order.refunded + asked.amount.refund > asked.amount.total:
        msg = "申请退款金额超过订单可退金额"
        raise InvalidRequestError(msg)


def _fee_returned(order: Deduction, refund: int) -> int:
    """The fee's share in a refund, so that all refunds together give all of it back.

    After a closed refund the shares so far may be a fen ahead; then this one is nothing.
    """
    total, so_far = order.asked.amount.total, order.refunded + refund
    return max((order.fee * so_far * 2 + total) // (2 * total) - order.fee_returned, 0)


def _debit(world: World, order: Deduction, refund: Refund) -> None:
    amount = refund.asked.amount.refund
    world.store.put(
        msgspec.structs.replace(
            order,
            state="REFUND",
            refunded=order.refunded + amount,
            fee_returned=order.fee_returned + refund.fee_returned,
        )
    )
    world.move(
        refund.account,
        refund.fee_returned - amount,
        business="退款",
        kind="退款",
        note=f"退款总金额{yuan(amount)}元;含手续费{yuan(refund.fee_returned)}元",
        voucher=refund.number,
        transaction_id=order.id,
        applicant=f"{refund.mchid}API",
    )
    world.truth.add(
        RefundTruth(
            refund_id=refund.id,
            out_refund_no=refund.number,
            transaction_id=order.id,
            out_trade_no=order.number,
            amount=amount,
            fee_returned=refund.fee_returned,
            at=world.clock.now(),
        )
    )
    subject = subject_of(refund.asked)
    end = next((it[1] for it in _ENDS if world.faults.happens(it[0], subject)), "SUCCESS")
    at = world.clock.now() + world.terms.refund_after
    world.agenda.add("refund_ends", at=at, body={"refund_id": refund.id, "status": end})


def end(world: World, refund_id: str, status: RefundStatus) -> None:
    """The money has reached the user, is stuck, or is back at the merchant's."""
    refund = world.store.get(Refund, refund_id)
    if refund is not None and refund.status == "PROCESSING":
        _end(world, refund, status)


def see_to(world: World, refund_id: str) -> Refund | None:
    """A person at the merchant's has a stuck refund sent to a card that is good.

    None where it is not stuck.
    """
    refund = world.store.get(Refund, refund_id)
    if refund is None or refund.status != "ABNORMAL":
        return None
    return _end(world, refund, "SUCCESS")


def _end(world: World, refund: Refund, status: RefundStatus) -> Refund:
    ended = msgspec.structs.replace(refund, status=status, ended_at=world.clock.now())
    world.store.put(ended)
    if status == "CLOSED":
        _take_back(world, ended)
    world.truth.add(
        RefundEndTruth(
            refund_id=refund.id,
            out_refund_no=refund.number,
            status=status,
            amount=refund.asked.amount.refund,
            fee_returned=refund.fee_returned,
            at=world.clock.now(),
        )
    )
    if refund.asked.notify_url is not None:
        world.emit(
            f"REFUND.{status}",
            news_of(ended),
            url=refund.asked.notify_url,
            summary=_SUMMARIES[status],
            about="refund",
        )
    return ended


def _take_back(world: World, refund: Refund) -> None:
    order = world.store.get(Deduction, refund.parent)
    amount = refund.asked.amount.refund
    if order is not None:
        world.store.put(
            msgspec.structs.replace(
                order,
                refunded=order.refunded - amount,
                fee_returned=order.fee_returned - refund.fee_returned,
            )
        )
    world.move(
        refund.account,
        amount - refund.fee_returned,
        business="退款",
        kind="退款关闭退回",
        note="退款关闭",
        voucher=refund.number,
        transaction_id=refund.parent,
    )


def query(world: World, mchid: str, *, number: str, sub_mchid: str | None) -> JsonObject:
    """A refund by the merchant's number.

    Raises ResourceNotExistsError.
    """
    account = world.account_of(mchid, appid=None, sub_mchid=sub_mchid)
    found = world.store.numbered(Refund, account=account, number=number)
    if found is None:
        msg = "退款单不存在"
        raise ResourceNotExistsError(msg)
    return present_refund(world, found)
