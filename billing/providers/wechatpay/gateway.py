"""WeChat Pay parking as a PaymentProvider: the calls about each of its things put together."""

from datetime import timedelta

from billing.capabilities import Capabilities
from billing.dispute_gateway import DisputeGateway
from billing.gateway import PaymentGateway
from billing.providers.wechatpay.bills import Bills
from billing.providers.wechatpay.client import Connection
from billing.providers.wechatpay.deductions import Deductions
from billing.providers.wechatpay.notifications import Notifications
from billing.providers.wechatpay.refunds import Refunds
from billing.providers.wechatpay.registrations import Registrations
from billing.registering import EntryRegistrar
from billing.settings import BillingSettings


class WeChatPay(Deductions, Registrations, Refunds, Bills, Notifications):
    """A PaymentProvider over WeChat Pay's parking API. Belongs to one event loop."""

    def __init__(self, settings: BillingSettings) -> None:
        """Raises WeChatSettingsError where the settings leave something out."""
        settings.wechat.check()
        self._connection = Connection(settings.wechat)
        self._free_seconds = settings.wechat.free_seconds
        self._capabilities = Capabilities(
            per_stay=True,
            registers_entries=True,
            accepts_asynchronously=True,
            minimum_minor=1,
            advances=True,
            bank_disputes=False,
            pays_out=False,
            pages=False,
            report_every=timedelta(seconds=settings.wechat.bill_poll_seconds),
            report_in_order=True,
        )

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return "wechatpay"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and how it wants to be asked."""
        return self._capabilities

    @property
    def pages(self) -> PaymentGateway | None:
        """Its service for a plate is opened in WeChat itself."""
        return None

    @property
    def disputes(self) -> DisputeGateway | None:
        """WeChat's users complain to WeChat, which takes no money back by itself."""
        return None

    @property
    def registrar(self) -> EntryRegistrar:
        """Where stays are registered before they are charged."""
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()
