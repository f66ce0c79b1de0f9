"""A text that nobody sees by accident."""


class Secret:
    """A key, a password, an address with a password in it: printing or logging it shows stars."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Answer the text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        """Show that there is one, not which."""
        return "Secret(***)"

    def __str__(self) -> str:
        """Show stars."""
        return "***"

    def __bool__(self) -> bool:
        """Say whether it is set to anything."""
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """Compare the texts."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(("Secret", self._text))
