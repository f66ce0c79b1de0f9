"""Orders (扣费受理): accepted at once, deducted later, perhaps advanced and repaid."""

from typing import Literal, TypeAlias

import msgspec

from gateway_sim.wechatpay.errors import (
    InvalidRequestError,
    OrderPaidError,
    OutTradeNoUsedError,
    ParamError,
    ResourceNotExistsError,
    TradeError,
)
from gateway_sim.wechatpay.faults import Mishap, subject_of
from gateway_sim.wechatpay.moments import seconds_of
from gateway_sim.wechatpay.operations import entries, lies
from gateway_sim.wechatpay.operations.order_view import present_order
from gateway_sim.wechatpay.shapes import (
    ADVANCED,
    CreateTransaction,
    Deduction,
    Parking,
    ParkingInfo,
    Service,
)
from gateway_sim.wechatpay.truth import DeductionTruth, RepaymentTruth
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject

Outcome: TypeAlias = Literal["SUCCESS", "PAY_FAIL", "BPA"]
_BANKS = ("OTHERS", "CMB_DEBIT", "ICBC_DEBIT", "CCB_CREDIT")
_OUTCOMES: tuple[tuple[Mishap, Outcome], ...] = (
    (Mishap.DEDUCTION_FAILED, "PAY_FAIL"),
    (Mishap.DEDUCTION_ADVANCED, "BPA"),
    (Mishap.DEDUCTION_ADVANCED_FOR_GOOD, "BPA"),
)


def accept(world: World, mchid: str, asked: CreateTransaction) -> JsonObject:
    """Accept an order; the deduction comes later.

    Raises OutTradeNoUsedError, OrderPaidError and TradeError for a number that is known,
    ParamError and InvalidRequestError for a stay that cannot be paid for.
    """
    account = world.account_of(mchid, appid=asked.appid, sub_mchid=asked.sub_mchid)
    known = world.store.numbered(Deduction, account=account, number=asked.out_trade_no)
    if known is not None:
        return _accepted_before(known, asked)
    parking = _payable(world, account, asked.parking_info)
    deduction = Deduction(
        id=world.ids.digits("4200", 28),
        account=account,
        number=asked.out_trade_no,
        parent=parking.id,
        asked=asked,
        mchid=mchid,
        openid=_owner(world, parking),
        created_at=world.clock.now(),
    )
    world.store.put(deduction)
    _plan(world, deduction)
    return present_order(deduction)


def _accepted_before(known: Deduction, asked: CreateTransaction) -> JsonObject:
    if known.asked != asked:
        raise OutTradeNoUsedError
    if known.state == "PAY_FAIL":
        raise TradeError
    if known.state != "ACCEPTED":
        raise OrderPaidError
    return present_order(known)


def _payable(world: World, account: str, info: ParkingInfo) -> Parking:
    _check_times(world, info)
    parking = world.store.get(Parking, info.parking_id)
    latest = world.store.latest_of(Parking, parking.parent) if parking else None
    if parking is None or latest is None or latest.id != parking.id:
        msg = "停车入场id不存在"
        raise InvalidRequestError(msg)
    entered = parking.asked
    before = world.store.latest_of(Deduction, parking.id)
    if (
        parking.account != account
        or (before is not None and before.state != "PAY_FAIL")
        or (entered.plate_number, entered.plate_color) != (info.plate_number, info.plate_color)
        or seconds_of(entered.start_time) != seconds_of(info.start_time)
    ):
        msg = "场景信息和停车入场id不匹配"
        raise InvalidRequestError(msg)
    if parking.block_reason is not None:
        msg = f"停车入场状态不可用：{parking.block_reason}"
        raise InvalidRequestError(msg)
    return parking


def _check_times(world: World, info: ParkingInfo) -> None:
    begin, end = seconds_of(info.start_time), seconds_of(info.end_time)
    if begin is None or end is None or begin >= end or end > world.clock.now():
        msg = "参数错误"
        field = "/parking_info/end_time"
        raise ParamError(msg, detail={"location": "body", "field": field, "value": info.end_time})


def _owner(world: World, parking: Parking) -> str:
    service = world.store.get(Service, parking.parent)
    return service.openid if service else world.ids.named("oUpF8u", parking.parent)


def _plan(world: World, deduction: Deduction) -> None:
    """Decide what will become of an order, and when."""
    subject = subject_of(deduction.asked)
    struck = next((it for it in _OUTCOMES if world.faults.happens(it[0], subject)), None)
    after = world.terms.deduct_after
    if world.faults.happens(Mishap.DEDUCTION_LATE, subject):
        after = world.faults.plan.deduct_late_seconds
    repaid = struck is not None and struck[0] is Mishap.DEDUCTION_ADVANCED
    world.agenda.add(
        "deduction",
        at=world.clock.now() + after,
        body={
            "transaction_id": deduction.id,
            "outcome": struck[1] if struck else "SUCCESS",
            "repaid_after": world.faults.plan.repaid_after_seconds if repaid else None,
        },
    )


def deduct(world: World, transaction_id: str, outcome: Outcome) -> Deduction | None:
    """Decide an accepted order; None when there is none any more."""
    deduction = world.store.get(Deduction, transaction_id)
    if deduction is None or deduction.state != "ACCEPTED":
        return None
    return fail(world, deduction) if outcome == "PAY_FAIL" else _pay(world, deduction, outcome)


def fail(world: World, deduction: Deduction) -> Deduction:
    """The user's money could not be had, and WeChat does not advance it."""
    failed = msgspec.structs.replace(deduction, state="PAY_FAIL")
    world.store.put(failed)
    _tell(world, failed, "TRANSACTION.FAIL", summary="支付失败")
    return failed


def _pay(world: World, deduction: Deduction, outcome: Outcome) -> Deduction:
    advanced = outcome == "BPA"
    bank = ADVANCED if advanced else _BANKS[int(deduction.id[-4:]) % len(_BANKS)]
    total = deduction.asked.amount.total
    paid = msgspec.structs.replace(
        deduction,
        state="SUCCESS",
        fee=world.terms.fee_of(total),
        paid_at=world.clock.now(),
        bank_type=bank,
    )
    paid = lies.told_in_bills(world, paid)
    world.store.put(paid)
    _credit(world, paid)
    if advanced:
        world.owe(paid.openid, total)
        entries.follow_user(world, paid.openid)
    _tell(world, paid, "TRANSACTION.SUCCESS", summary="支付成功")
    return paid


def _credit(world: World, paid: Deduction) -> None:
    asked, number = paid.asked, paid.number
    words = {"business": "交易", "voucher": number, "transaction_id": paid.id}
    world.move(paid.account, asked.amount.total, kind="交易", note="停车扣费", **words)
    if paid.fee:
        world.move(paid.account, -paid.fee, kind="扣除交易手续费", note="停车扣费手续费", **words)
    world.truth.add(
        DeductionTruth(
            transaction_id=paid.id,
            out_trade_no=number,
            mchid=paid.mchid,
            sub_mchid=asked.sub_mchid,
            parking_id=paid.parent,
            plate_number=asked.parking_info.plate_number,
            openid=paid.openid,
            amount=asked.amount.total,
            fee=paid.fee,
            bank_type=paid.bank_type,
            advanced=paid.is_advanced,
            attach=asked.attach,
            at=world.clock.now(),
        )
    )


def repay(world: World, transaction_id: str) -> Deduction | None:
    """The user pays WeChat back what it advanced; None when there is nothing to repay."""
    deduction = world.store.get(Deduction, transaction_id)
    if deduction is None or not deduction.is_advanced or deduction.repaid:
        return None
    repaid = msgspec.structs.replace(deduction, repaid=True)
    world.store.put(repaid)
    total = repaid.asked.amount.total
    world.owe(repaid.openid, -total)
    entries.follow_user(world, repaid.openid)
    world.truth.add(
        RepaymentTruth(
            transaction_id=repaid.id,
            out_trade_no=repaid.number,
            amount=total,
            at=world.clock.now(),
        )
    )
    state = {"trade_state": "PAY_BACK", "trade_state_description": "用户还款"}
    _tell(world, repaid, "TRANSACTION.PAY_BACK", summary="用户还款", **state)
    return repaid


def query(world: World, mchid: str, *, number: str, sub_mchid: str | None) -> JsonObject:
    """An order by the merchant's number.

    Raises ResourceNotExistsError.
    """
    account = world.account_of(mchid, appid=None, sub_mchid=sub_mchid)
    return present_order(order_numbered(world, account, number))


def order_numbered(world: World, account: str, number: str) -> Deduction:
    """An order of a merchant.

    Raises ResourceNotExistsError.
    """
    found = world.store.numbered(Deduction, account=account, number=number)
    if found is None:
        msg = "查询的资源不存在"
        raise ResourceNotExistsError(msg)
    return found


def _tell(
    world: World, deduction: Deduction, event_type: str, *, summary: str, **changed: str
) -> None:
    world.emit(
        event_type,
        {**present_order(deduction), **changed},
        url=deduction.asked.notify_url,
        summary=summary,
        about="transaction",
    )
