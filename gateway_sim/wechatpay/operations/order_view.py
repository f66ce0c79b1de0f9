"""Orders as merchants see them, in answers and notifications."""

import msgspec

from gateway_sim.wechatpay.moments import rfc3339
from gateway_sim.wechatpay.shapes import Deduction
from gateway_sim.wire import JsonObject

_DESCRIPTIONS = {
    "ACCEPTED": "已受理，等待扣费",
    "SUCCESS": "支付成功",
    "PAY_FAIL": "支付失败，请重新下单支付",
    "REFUND": "转入退款",
}


def present_order(deduction: Deduction) -> JsonObject:
    """An order as the merchant sees it; what is known only once it is paid comes then."""
    asked = deduction.asked
    told: JsonObject = {
        "appid": asked.appid,
        "sub_appid": asked.sub_appid,
        "sp_mchid": deduction.mchid,
        "sub_mchid": asked.sub_mchid,
        "description": asked.description,
        "create_time": rfc3339(deduction.created_at),
        "out_trade_no": asked.out_trade_no,
        "trade_state": deduction.state,
        "trade_state_description": _DESCRIPTIONS[deduction.state],
        "trade_scene": asked.trade_scene,
        "parking_info": msgspec.to_builtins(asked.parking_info),
        "payer": {"openid": deduction.openid},
        "amount": {"total": asked.amount.total, "currency": asked.amount.currency},
        **_once_paid(deduction),
    }
    return {name: value for name, value in told.items() if value is not None}


def _once_paid(deduction: Deduction) -> JsonObject:
    if deduction.paid_at is None:
        return {}
    total = deduction.asked.amount.total
    return {
        "transaction_id": deduction.id,
        "success_time": rfc3339(deduction.paid_at),
        "bank_type": deduction.bank_type,
        "user_repaid": ("Y" if deduction.repaid else "N") if deduction.is_advanced else None,
        "attach": deduction.asked.attach,
        "amount": {
            "total": total,
            "currency": deduction.asked.amount.currency,
            "payer_total": total,
            "discount_total": 0,
        },
    }
