"""All the payment providers that billing works with: each payment is worked by the one it has."""

from collections.abc import Iterator

from billing.gateway import PaymentGateway, PaymentProvider, RefundOrder
from billing.gateway_request import GatewayRequest
from parking.core.errors import DomainError


class UnknownProviderError(DomainError):
    """No provider of this name is set up."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no payment provider {name} is set up")


class Providers:
    """The gateway that has pages and pays operators, and providers beside it."""

    def __init__(self, gateway: PaymentGateway, *others: PaymentProvider) -> None:
        self.gateway = gateway
        self._named: dict[str, PaymentProvider] = {each.name: each for each in (gateway, *others)}

    def __iter__(self) -> Iterator[PaymentProvider]:
        """Go through all of them."""
        return iter(self._named.values())

    def named(self, name: str) -> PaymentProvider:
        """Find one by what the ledger calls it. Raises UnknownProviderError."""
        try:
            return self._named[name]
        except KeyError:
            raise UnknownProviderError(name) from None

    def refund_request(self, order: RefundOrder) -> GatewayRequest:
        """Word a refund in the words of whoever took the payment."""
        return self.named(order.gateway).refund_request(order)

    async def close(self) -> None:
        """Close all connections."""
        for each in self:
            await each.close()


def together(gateway: PaymentGateway | Providers) -> Providers:
    """Take one gateway for all there are."""
    return gateway if isinstance(gateway, Providers) else Providers(gateway)
