"""The library's client as billing uses it, and how WeChat's answers are read.

Rules of reading: a 4xx with a code is a refusal; everything else that is not a signed answer (no
connection, time-out, 429, 5xx, HTML, a wrong signature) is Unknown, never a failure.
"""

from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec
from wechatpayv3.async_ import AsyncWeChatPay
from wechatpayv3.async_.type import WeChatPayType

from billing.core.attempt import Unknown
from billing.gateway import GatewayRefusedError, GatewayUnavailableError
from billing.gateway_request import Json
from billing.wechat_settings import WeChatSettings, WeChatSettingsError

_OK = range(200, 300)
_REFUSED = range(400, 500)
_TOO_MANY = 429

Shape = TypeVar("Shape", bound=msgspec.Struct)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """WeChat refused a request, in its own word for why."""

    code: str
    message: str = ""


class Connection:
    """One client of the library. Belongs to the event loop that first uses it."""

    def __init__(self, settings: WeChatSettings) -> None:
        self._sub_mchid = settings.sub_mchid
        self._sub_appid = settings.sub_appid
        self.library = _library(settings)
        core = self.library._core  # noqa: SLF001 - the one place where its address can be said
        core._gate_way = settings.api_url  # noqa: SLF001
        self._http = httpx.AsyncClient(timeout=settings.timeout_seconds)
        # Not by its context manager, which would tie the client to one block of code.
        core._client = self._http  # noqa: SLF001

    @property
    def merchant(self) -> dict[str, Json]:
        """For whom money is taken, as most calls of the library want to be told."""
        return {"sub_mchid": self._sub_mchid} if self._sub_mchid else {}

    @property
    def merchant_app(self) -> dict[str, Json]:
        """The same for a deduction, which wants the sub-merchant's app too."""
        return {**self.merchant, "sub_appid": self._sub_appid} if self._sub_mchid else {}

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self, operation: str, parameters: Mapping[str, Json], shape: type[Shape]
    ) -> Shape | Refusal | Unknown:
        """Call the library by the name of its operation; its answer, a refusal or Unknown."""
        answer = await self.send(operation, parameters)
        if isinstance(answer, Refusal | Unknown):
            return answer
        try:
            return msgspec.json.decode(answer, type=shape)
        except msgspec.MsgspecError:
            return Unknown(reason=f"{operation} answered what cannot be read")

    async def send(
        self, operation: str, parameters: Mapping[str, Json]
    ) -> bytes | Refusal | Unknown:
        """Call the library by the name of its operation; the answer's body as it came."""
        try:
            status, body = await getattr(self.library, operation)(**parameters)
        except Exception as error:  # noqa: BLE001 - the library raises bare Exception for a forged answer
            return Unknown(reason=f"{operation}: {type(error).__name__}")
        content = body.encode() if isinstance(body, str) else bytes(body)
        if status in _OK:
            return content
        if status == _TOO_MANY or status not in _REFUSED:
            return Unknown(reason=f"{operation} answered {status}")
        return _refusal(content) or Unknown(reason=f"{operation} answered {status} without a code")

    async def ask(
        self, operation: str, parameters: Mapping[str, Json], shape: type[Shape]
    ) -> Shape:
        """Call where there is nothing to be in doubt about.

        Raises GatewayRefusedError, GatewayUnavailableError.
        """
        answer = await self.call(operation, parameters, shape)
        if isinstance(answer, Refusal):
            raise GatewayRefusedError(answer.code)
        if isinstance(answer, Unknown):
            raise GatewayUnavailableError(answer.reason)
        return answer


def _library(settings: WeChatSettings) -> AsyncWeChatPay:
    try:
        return AsyncWeChatPay(
            wechatpay_type=WeChatPayType.MINIPROG,
            mchid=settings.mchid,
            private_key=settings.private_key.reveal(),
            cert_serial_no=settings.serial_no,
            appid=settings.appid,
            apiv3_key=settings.apiv3_key.reveal(),
            notify_url=settings.notify_url,
            partner_mode=bool(settings.sub_mchid),
            public_key=settings.public_key,
            public_key_id=settings.public_key_id,
        )
    except Exception:  # noqa: BLE001 - the library raises bare Exception; its cause may quote a key
        reason = "private_key or public_key is no key in PEM"
        raise WeChatSettingsError(reason) from None


class Resource:
    """Calls about one kind of thing."""

    _connection: Connection


def _refusal(content: bytes) -> Refusal | None:
    try:
        return msgspec.json.decode(content, type=Refusal)
    except msgspec.MsgspecError:
        return None
