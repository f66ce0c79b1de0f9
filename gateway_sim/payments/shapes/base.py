"""What all kept objects share."""

from typing import ClassVar

import msgspec


class Shape(msgspec.Struct, kw_only=True):
    """A Stripe object as it is kept and answered."""

    KIND: ClassVar[str]
    """Stripe's name for it, the value of its `object` key."""

    id: str
    created: int
    """Seconds since 1970."""

    @classmethod
    def kind(cls) -> str:
        """The value of the `object` key."""
        return cls.KIND


def card_only() -> list[str]:
    """The kinds of payment methods that are simulated."""
    return ["card"]
