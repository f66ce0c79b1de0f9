"""Notifications: signed with WeChat's key, their content encrypted with ours."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from billing.gateway import ForgedWebhookError, Notice
from billing.providers.wechatpay.client import Resource
from billing.providers.wechatpay.shapes import NotificationShape
from billing.wechat_names import payment_of, refund_of, registration_of
from parking.core.ids import PaymentId

_AGE_MAX = timedelta(minutes=5)
"""Older ones may be played again by whoever listened; WeChat's own rule."""


class Notifications(Resource):
    """What WeChat sends by itself."""

    def read_webhook(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Notice:
        """Verify a notification, decrypt it, and say what it is about."""
        _check_age(headers.get("wechatpay-timestamp", ""), now=now)
        try:
            told = self._connection.library.callback(dict(headers), body)
        except Exception as error:
            reason = f"it cannot be verified ({type(error).__name__})"
            raise ForgedWebhookError(reason) from error
        if not told:
            reason = "its signature is wrong, or its content is not for us"
            raise ForgedWebhookError(reason)
        try:
            return _notice(msgspec.convert(told, NotificationShape))
        except msgspec.ValidationError as error:
            reason = "it is not a notification"
            raise ForgedWebhookError(reason) from error


def _check_age(timestamp: str, *, now: datetime) -> None:
    if (
        not timestamp.isdecimal()
        or abs(now.timestamp() - int(timestamp)) > _AGE_MAX.total_seconds()
    ):
        reason = "it is stale, or says no time"
        raise ForgedWebhookError(reason)


def _notice(told: NotificationShape) -> Notice:
    about = told.resource
    payment_id = payment_of(about.out_trade_no) if about.out_trade_no else None
    return Notice(
        event_ref=told.id,
        kind=told.event_type,
        object_ref=about.out_refund_no or about.out_trade_no or about.out_parking_no or "",
        payment_id=None if payment_id is None else PaymentId(payment_id),
        refund_id=refund_of(about.out_refund_no) if about.out_refund_no else None,
        registration_id=registration_of(about.out_parking_no) if about.out_parking_no else None,
    )
