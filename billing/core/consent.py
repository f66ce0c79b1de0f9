"""What a driver agrees to when leaving a card. Each text that was ever shown stays here.

A consent names its version; the text itself is copied into the database when it is first agreed
to, so that what was agreed can be shown years later, whatever this file then says.
"""

import msgspec

from parking.core.errors import DomainError


class ConsentText(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of the text."""

    version: str
    text_zh: str
    text_en: str


class ConsentOutdatedError(DomainError):
    """The driver agreed to another text than the one in force."""

    def __init__(self, *, given: str, current: str) -> None:
        super().__init__(f"the text in force is version {current}, not {given}; show it again")


TEXTS: tuple[ConsentText, ...] = (
    ConsentText(
        version="2026-11-1",
        text_zh=(
            "我同意：绑定车牌的车辆离场后，平台可按停车场公示的收费标准，"
            "从本次绑定的支付方式中自动扣取停车费，扣款前无需再次确认；"
            "每笔扣款均可查看费用明细；对费用有异议时可提出申诉，申诉期间暂停收取；"
            "我可以随时解绑支付方式，已产生的费用仍需支付。"
        ),
        text_en=(
            "I agree that after a car with one of my bound plates has left a car park, the parking "
            "fee by the posted tariff may be taken from this payment method without asking me "
            "again. I can see every fee line of every charge. If I contest a fee, it is not "
            "collected until the appeal is decided. I may remove the payment method at any time; "
            "fees already incurred stay due."
        ),
    ),
)
"""Oldest first; never edited, only added to."""

CURRENT = TEXTS[-1]


def check_consent(version: str) -> ConsentText:
    """Answer the text in force if that is what was agreed to. Raises ConsentOutdatedError."""
    if version != CURRENT.version:
        raise ConsentOutdatedError(given=version, current=CURRENT.version)
    return CURRENT
