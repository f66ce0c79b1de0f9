"""The payment providers: each a room of its own, behind the protocol of `billing/gateway.py`.

A new provider is one module here with a class like the others', one line below, and one harness in
the contract test (`tests/integration/billing/provider_contract.py`).
"""

from billing.gateways import Providers
from billing.providers.stripe import StripeGateway
from billing.providers.wechatpay import WeChatPay
from billing.settings import BillingSettings


def open_providers(settings: BillingSettings) -> Providers:
    """Wire the providers that the settings name.

    Raises EmptyWebhookSecretError, WeChatSettingsError.
    """
    others = [WeChatPay(settings)] if settings.wechat.wanted else []
    return Providers(StripeGateway(settings), *others)
