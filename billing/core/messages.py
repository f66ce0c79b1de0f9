"""What drivers are told, in both languages. Plates come masked; no message holds a secret."""

from collections.abc import Mapping

import msgspec


class Text(msgspec.Struct, frozen=True):
    """One message in both languages."""

    zh: str
    en: str


_REMINDER = Text(
    zh="提醒：您有停车费 {amount} 尚未支付。请更换支付方式，或手动支付。",
    en="A reminder: {amount} for parking is unpaid. Please leave another card, or pay by hand.",
)

TEXTS: dict[str, Text] = {
    "claim_opened": Text(
        zh="有人申请绑定您的车牌 {plate}。请在 {days} 天内登录确认或提出异议。",
        en="Someone claims your plate {plate}. Please sign in and answer within {days} days.",
    ),
    "claim_granted": Text(
        zh="您对车牌 {plate} 的申请已通过，车牌已绑定到您的账户。",
        en="Your claim to plate {plate} was granted; it is bound to your account now.",
    ),
    "claim_refused": Text(
        zh="您对车牌 {plate} 的申请未通过：{reason}。",
        en="Your claim to plate {plate} was refused: {reason}.",
    ),
    "payment_declined": Text(
        zh="停车费 {amount} 扣款未成功，我们将自动再次尝试，请确保账户余额充足。",
        en="Your parking payment of {amount} was declined. We try again by ourselves.",
    ),
    "payment_stopped": Text(
        zh="停车费 {amount} 扣款失败，先离场后付费已暂停。请更换支付方式，或手动支付。",
        en="Your parking payment of {amount} failed. Please leave another card, or pay by hand.",
    ),
    "dispute_lost": Text(
        zh="您的银行已退回停车费 {amount}，该卡不再用于扣款。请绑定其他支付方式，或手动支付。",
        en="Your bank gave {amount} for parking back to you. Please leave another card.",
    ),
    "payment_reminder_1": _REMINDER,
    "payment_reminder_2": _REMINDER,
    "payment_reminder_3": _REMINDER,
    "plate_moved": Text(
        zh="车牌 {plate} 已转绑到其他账户。此前的停车记录仍归您的账户。",
        en="Plate {plate} now belongs to another account. Earlier stays remain with yours.",
    ),
}
"""By the kind of notification."""


def text_of(kind: str, parameters: Mapping[str, str]) -> Text:
    """Fill a message in."""
    text = TEXTS[kind]
    return Text(zh=text.zh.format(**parameters), en=text.en.format(**parameters))
