"""A request to a payment gateway as a thing of its own: worded, stored, then sent."""

from typing import TypeAlias

import msgspec

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class GatewayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request in the gateway's own words, as it is stored and sent."""

    operation: str
    parameters: dict[str, Json]

    @property
    def parameters_json(self) -> str:
        """The parameters as they are stored."""
        return msgspec.json.encode(self.parameters).decode()

    @classmethod
    def stored(cls, operation: str, parameters_json: str) -> "GatewayRequest":
        """Read a stored request back."""
        return cls(operation=operation, parameters=msgspec.json.decode(parameters_json))
