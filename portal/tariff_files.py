"""Tariff files as the commands read them: one version, or several that follow each other."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from parking.core.document_lines import json_lines, line_of, toml_lines
from parking.core.errors import DomainError
from parking.core.tariff import Tariff
from parking.core.tariff_document import decode_json, decode_toml, tariffs_from_data
from parking.core.tariff_errors import TariffError, TariffSyntaxError
from parking.core.tariff_versions import TariffVersions, require_in_force, versions_of

_DAY: Final = timedelta(days=1)
_HOUR_24: Final = re.compile(r"^([-\dW]+[T ])24((?::?00){1,2}(?:[.,]0+)?(?:Z|[+-][\d:]+)?)$")
YEARS: Final = range(1970, 2200)
"""Within which times are reckoned with; others are slips, and no clock has all of them."""


class NotAnInstantError(DomainError):
    """A time on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a time; write 2026-11-22T09:05, with or without a zone")


class YearNotReckonedWithError(DomainError):
    """A time on the command line is of a year with which nothing is reckoned."""

    def __init__(self, text: str) -> None:
        years = f"{YEARS.start} to {YEARS.stop - 1}"
        super().__init__(f"{text} is of no year that is priced; write one of {years}")


class NotTextError(DomainError):
    """A file is not a text in UTF-8."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: not a text in UTF-8")


class TariffFileError(DomainError):
    """A tariff file cannot be used; the words point at the line."""


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
        """Read a time; without a zone it is one of the tariff's clock.

        24:00 is the end of a day, as ISO 8601 has it: the next midnight.

        Raises NotAnInstantError, YearNotReckonedWithError.
        """
        plain, ends_a_day = _HOUR_24.subn(r"\g<1>00\2", text.strip().upper())
        try:
            instant = datetime.fromisoformat(plain) + ends_a_day * _DAY
        except (ValueError, OverflowError):
            raise NotAnInstantError(text) from None
        if instant.year not in YEARS:
            raise YearNotReckonedWithError(text)
        return instant if instant.tzinfo is not None else instant.replace(tzinfo=self.zone)


def read_text(path: Path) -> str:
    """Read a file as text. Raises NotTextError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise NotTextError(path) from None


def decode(path: Path, text: str) -> Any:  # noqa: ANN401 - any shape
    """Decode a document by its file's name. Raises TariffSyntaxError."""
    return decode_json(text) if _is_json(path) else decode_toml(text)


def pointed_at(path: Path, text: str, error: TariffError) -> str:
    """Say what is wrong with a document as `FILE:LINE: key: what, and how to mend it`."""
    if isinstance(error, TariffSyntaxError):
        return f"{path}:{_syntax_line(text, error.reason)}: {error.reason}"
    lines = json_lines(text) if _is_json(path) else toml_lines(text)
    return f"{path}:{line_of(lines, error.key)}: {error.key}: {error.reason}"


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _syntax_line(text: str, reason: str) -> int:
    """The line at which a parser gave up: it says a line, or a byte, or that the text ended."""
    line = re.search(r"at line (\d+)", reason)
    if line is not None:
        return int(line[1])
    byte = re.search(r"byte (\d+)", reason)
    read = text if byte is None else text.encode()[: int(byte[1])].decode(errors="replace")
    return read.rstrip("\n").count("\n") + 1


def read_tariff_file(path: Path) -> TariffFile:
    """Read a tariff document, TOML or JSON by its name. Raises TariffFileError, NotTextError."""
    text = read_text(path)
    try:
        documents = tariffs_from_data(decode(path, text))
    except TariffError as error:
        raise TariffFileError(pointed_at(path, text, error)) from error
    return TariffFile(
        documents=documents, versions=versions_of(documents), zone=ZoneInfo(documents[0].zone)
    )
