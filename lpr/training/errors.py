"""What can go wrong while the recogniser is trained."""

from pathlib import Path

from parking.core.errors import DomainError


class PhotographsMissingError(DomainError):
    """Training or measuring was asked for without photographs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"there is no truth.csv in {folder}: no photographs with known plates")


class FontMissingError(DomainError):
    """A font that plates are drawn with is not installed."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"the font {file} is not installed: on Debian, "
            "`apt install fonts-noto-cjk fonts-noto-cjk-extra fonts-wqy-zenhei fonts-wqy-microhei "
            "fonts-dejavu fonts-liberation`"
        )
