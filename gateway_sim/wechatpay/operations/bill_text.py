"""Bills as WeChat Pay writes them: a BOM, CRLF, a backtick before each value, yuan."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from gateway_sim.wechatpay.moments import in_bill, yuan
from gateway_sim.wechatpay.shapes import AccountLine, Deduction, Refund

BillType: TypeAlias = Literal["ALL", "SUCCESS", "REFUND"]
_PARTIES = ("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号")
_TRADE = ("用户标识", "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额")
_REFUND_TIMES = ("退款申请时间", "退款成功时间")
_REFUND = (*("微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态"),)
_GOODS = ("商品名称", "商户数据包", "手续费", "费率", "订单金额")
_HEADERS: dict[BillType, tuple[str, ...]] = {
    "ALL": (*_PARTIES, *_TRADE, *_REFUND, *_GOODS, "申请退款金额", "费率备注"),
    "SUCCESS": (*_PARTIES, *_TRADE, *_GOODS, "费率备注"),
    "REFUND": (*_PARTIES, *_TRADE, *_REFUND_TIMES, *_REFUND, *_GOODS, "申请退款金额", "费率备注"),
}
_TOTALS = (
    *("总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额"),
    *("订单总金额", "申请退款总金额"),
)
_FLOW = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型"),
    *("收支金额(元)", "账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号"),
)
_FLOW_TOTALS = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
_REFUND_STATES = {"ABNORMAL": "CHANGE", "CLOSED": "FAIL"}
"""Bills have other words than the API."""
_BOM = "\ufeff"


def trade_bill(
    orders: Sequence[Deduction],
    refunds: Sequence[tuple[Refund, Deduction]],
    *,
    bill_type: BillType,
    rate: str,
) -> str:
    """Orders paid and refunds taken on one day, by time."""
    rows = [(order.paid_at or 0.0, _order_row(order, rate)) for order in orders]
    rows += [(refund.created_at, _refund_row(refund, order, rate)) for refund, order in refunds]
    rows.sort(key=lambda row: row[0])
    header = _HEADERS[bill_type]
    paid = sum(order.asked.amount.total for order in orders)
    returned = sum(refund.asked.amount.refund for refund, _ in refunds)
    fees = sum(_fee(order) for order in orders) - sum(it.fee_returned for it, _ in refunds)
    # The orders of refund rows count once more in the total of orders.
    total = paid + sum(order.asked.amount.total for _, order in refunds)
    totals = (
        *(str(len(rows)), yuan(paid), yuan(returned), "0.00", _long(fees)),
        *(yuan(total), yuan(returned)),
    )
    return _text(header, [tuple(row[name] for name in header) for _, row in rows], _TOTALS, totals)


def fund_flow_bill(lines: Sequence[AccountLine]) -> str:
    """All movements on one account on one day."""
    rows = [
        (
            *(in_bill(line.at), line.transaction_id, line.id, line.business, line.kind),
            *("收入" if line.amount > 0 else "支出", yuan(abs(line.amount)), yuan(line.balance)),
            *(line.applicant, line.note, line.voucher),
        )
        for line in lines
    ]
    moved_in = [line.amount for line in lines if line.amount > 0]
    moved_out = [-line.amount for line in lines if line.amount <= 0]
    totals = (
        *(str(len(rows)), str(len(moved_in)), yuan(sum(moved_in))),
        *(str(len(moved_out)), yuan(sum(moved_out))),
    )
    return _text(_FLOW, rows, _FLOW_TOTALS, totals)


def _order_row(order: Deduction, rate: str) -> dict[str, str]:
    total = order.asked.amount.total
    return {
        **_parties(order, in_bill(order.paid_at or 0.0)),
        **dict.fromkeys(_REFUND, ""),
        "交易状态": "SUCCESS",
        "应结订单金额": yuan(total),
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "手续费": _long(_fee(order)),
        "费率": rate,
        "订单金额": yuan(total),
        "申请退款金额": "0.00",
    }


def _refund_row(refund: Refund, order: Deduction, rate: str) -> dict[str, str]:
    amount = yuan(refund.asked.amount.refund)
    done = refund.ended_at is not None and refund.status == "SUCCESS"
    return {
        **_parties(order, in_bill(refund.created_at)),
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "退款申请时间": in_bill(refund.created_at),
        "退款成功时间": in_bill(refund.ended_at or 0.0) if done else "",
        "微信退款单号": refund.id,
        "商户退款单号": refund.number,
        "退款金额": amount,
        "充值券退款金额": "0.00",
        "退款类型": "ORIGINAL",
        "退款状态": _REFUND_STATES.get(refund.status, refund.status),
        "手续费": _long(-refund.fee_returned),
        "费率": rate,
        "订单金额": yuan(order.asked.amount.total),
        "申请退款金额": amount,
    }


def _parties(order: Deduction, at: str) -> dict[str, str]:
    asked = order.asked
    return {
        "交易时间": at,
        "公众账号ID": asked.appid,
        "商户号": order.mchid,
        "特约商户号": asked.sub_mchid or "0",
        "设备号": asked.parking_info.device_id,
        "微信订单号": order.id,
        "商户订单号": order.number,
        "用户标识": order.openid,
        "交易类型": "AUTH",
        "付款银行": order.bank_type,
        "货币种类": "CNY",
        "代金券金额": "0.00",
        "商品名称": asked.description,
        "商户数据包": asked.attach or "",
        "费率备注": "",
    }


def _fee(order: Deduction) -> int:
    return order.fee if order.reported_fee is None else order.reported_fee


def _long(fen: int) -> str:
    """Fees have five decimals."""
    return f"{yuan(fen)}000"


def _text(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    totals_header: Sequence[str],
    totals: Sequence[str],
) -> str:
    lines = [",".join(header)]
    lines += [",".join(f"`{_plain(value)}" for value in row) for row in rows]
    lines += [",".join(totals_header), ",".join(f"`{value}" for value in totals)]
    return _BOM + "".join(f"{line}\r\n" for line in lines)


def _plain(value: str) -> str:
    """Bills quote nothing, so what would break a row is a space."""
    return value.translate(str.maketrans(",`\r\n", "    "))
