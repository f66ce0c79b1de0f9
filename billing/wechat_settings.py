"""What billing must be told to work with WeChat Pay parking. Empty: it does without."""

from typing import Annotated

import msgspec

from billing.core.agreed_fees import AGREED_FEES_PATTERN
from parking.core.errors import DomainError
from parking.core.secret import Secret
from parking.core.settings import setting

_APIV3_KEY_LENGTH = 32


class WeChatSettingsError(DomainError):
    """Something that WeChat Pay cannot do without is missing or cannot be right."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"billing.wechat: {reason}")


class WeChatSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The merchant's account at WeChat Pay, and how it is used."""

    mchid: Annotated[
        str, setting("The merchant's number at WeChat Pay; empty: no WeChat Pay parking")
    ] = ""
    appid: Annotated[str, setting("The merchant's app, `wx…`")] = ""
    sub_mchid: Annotated[
        str,
        setting("The sub-merchant for whom a service provider takes money; empty: none"),
    ] = ""
    sub_appid: Annotated[str, setting("The sub-merchant's app; with `sub_mchid`")] = ""
    serial_no: Annotated[str, setting("The serial number of the merchant's certificate")] = ""
    private_key: Annotated[
        Secret, setting("The key of that certificate (PKCS 8, PEM); signs every request")
    ] = Secret("")
    apiv3_key: Annotated[
        Secret, setting("The APIv3 key, 32 characters; notifications are encrypted with it")
    ] = Secret("")
    public_key: Annotated[
        str, setting("WeChat Pay's public key (PEM); answers and notifications are verified by it")
    ] = ""
    public_key_id: Annotated[str, setting("Its id, `PUB_KEY_ID_…`")] = ""
    api_url: Annotated[
        str, setting("Where WeChat Pay's API answers", pattern="^https?://[^ ]+[^/ ]$")
    ] = "https://api.mch.weixin.qq.com"
    notify_url: Annotated[
        str,
        setting("Where WeChat Pay sends notifications: this server's /v1/webhooks/wechatpay"),
    ] = ""
    timeout_seconds: Annotated[
        int, setting("After this long without an answer its outcome is unknown", unit="s", ge=1)
    ] = 20
    free_seconds: Annotated[
        int, setting("The free time that WeChat shows a driver who enters", unit="s", ge=1)
    ] = 900
    agreed_fees: Annotated[
        str,
        setting(
            "What WeChat Pay keeps of a charge, as agreed; as `billing.stripe_agreed_fees`",
            pattern=AGREED_FEES_PATTERN,
        ),
    ] = ""
    bill_poll_seconds: Annotated[
        int, setting("Between looks for the daily bill", unit="s", ge=1)
    ] = 3600

    @property
    def wanted(self) -> bool:
        """Whether WeChat Pay parking is to be worked with."""
        return bool(self.mchid)

    def check(self) -> None:
        """Raise WeChatSettingsError where something is left out."""
        needed = (
            "mchid",
            "appid",
            "serial_no",
            "public_key",
            "public_key_id",
            "notify_url",
        )
        missing = [name for name in needed if not getattr(self, name)]
        if not self.private_key.reveal():
            missing.append("private_key")
        if self.sub_mchid and not self.sub_appid:
            missing.append("sub_appid")
        if missing:
            reason = f"{', '.join(missing)} must be set too"
            raise WeChatSettingsError(reason)
        if len(self.apiv3_key.reveal().encode()) != _APIV3_KEY_LENGTH:
            reason = f"apiv3_key must have {_APIV3_KEY_LENGTH} characters"
            raise WeChatSettingsError(reason)
