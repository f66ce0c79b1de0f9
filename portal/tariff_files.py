"""Tariff files as the commands read them: one version, or several that follow each other."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from parking.core.errors import DomainError
from parking.core.tariff import Tariff
from parking.core.tariff_document import decode_json, decode_toml, tariffs_from_data
from parking.core.tariff_versions import TariffVersions, require_in_force, versions_of


class NotAnInstantError(DomainError):
    """A time on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a time; write 2026-11-22T09:05, with or without a zone")


class NotTextError(DomainError):
    """A file is not a text in UTF-8."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: not a text in UTF-8")


@dataclass(frozen=True, kw_only=True)
class TariffFile:
    """A tariff's versions out of a file."""

    documents: tuple[Tariff, ...]
    versions: TariffVersions
    zone: ZoneInfo

    def on(self, instant: datetime) -> Tariff:
        """The version in force at an instant. Raises TariffNotInForceError."""
        day = instant.astimezone(self.zone).date()
        require_in_force(self.documents, day)
        version = self.versions.at(instant).version
        return next(each for each in self.documents if each.version == version)

    def instant(self, text: str) -> datetime:
        """Read a time; without a zone it is one of the tariff's clock. Raises NotAnInstantError."""
        try:
            instant = datetime.fromisoformat(text.strip())
        except ValueError:
            raise NotAnInstantError(text) from None
        return instant if instant.tzinfo is not None else instant.replace(tzinfo=self.zone)


def read_text(path: Path) -> str:
    """Read a file as text. Raises NotTextError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise NotTextError(path) from None


def read_tariff_file(path: Path) -> TariffFile:
    """Read a tariff document, TOML or JSON by its name. Raises TariffError and NotTextError."""
    text = read_text(path)
    data = decode_json(text) if path.suffix.lower() == ".json" else decode_toml(text)
    documents = tariffs_from_data(data)
    return TariffFile(
        documents=documents, versions=versions_of(documents), zone=ZoneInfo(documents[0].zone)
    )
