"""Refunds as merchants see them, in answers and notifications."""

from gateway_sim.wechatpay.moments import rfc3339
from gateway_sim.wechatpay.shapes import Deduction, Refund
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject


def present_refund(world: World, refund: Refund) -> JsonObject:
    """A refund as the merchant sees it."""
    asked = refund.asked.amount
    advanced = world.store.get(Deduction, refund.parent)
    told: JsonObject = {
        "refund_id": refund.id,
        "out_refund_no": refund.number,
        "transaction_id": refund.parent,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.created_at),
        "status": refund.status,
        "funds_account": refund.asked.funds_account or "AVAILABLE",
        "amount": {
            "total": asked.total,
            "refund": asked.refund,
            "payer_total": asked.total,
            "payer_refund": asked.refund,
            "settlement_total": asked.total,
            "settlement_refund": asked.refund,
            "discount_refund": 0,
            "currency": asked.currency,
            "refund_fee": refund.fee_returned,
        },
    }
    if advanced is not None and advanced.is_advanced:
        told["user_received_account"] = "微信支付垫资账户"
    if refund.status == "SUCCESS" and refund.ended_at is not None:
        told["success_time"] = rfc3339(refund.ended_at)
    return told


def news_of(refund: Refund) -> JsonObject:
    """A refund's end as the merchant is told of it."""
    asked = refund.asked.amount
    news: JsonObject = {
        "sp_mchid" if refund.asked.sub_mchid else "mchid": refund.mchid,
        "sub_mchid": refund.asked.sub_mchid,
        "transaction_id": refund.parent,
        "out_trade_no": refund.out_trade_no,
        "refund_id": refund.id,
        "out_refund_no": refund.number,
        "refund_status": refund.status,
        "success_time": rfc3339(refund.ended_at)
        if refund.ended_at is not None and refund.status == "SUCCESS"
        else None,
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": asked.total,
            "refund": asked.refund,
            "payer_total": asked.total,
            "payer_refund": asked.refund,
        },
    }
    return {name: value for name, value in news.items() if value is not None}
