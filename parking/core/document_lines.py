"""On which line of a TOML or JSON document each key stands, so that a mistake can be pointed at.

Parsers answer values without places. This reads a document that is known to be well formed once
more, for the places alone: keys as `windows[1].rate.steps[0].lasts_minutes`.
"""

import re
from collections.abc import Mapping
from typing import Final

_SPACE: Final = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.DOTALL
)
_BARE: Final = re.compile(r"[^\s,\]\}=:#]+(?:[ :][0-9][^\s,\]\}#]*)?")
_KEY: Final = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*")


def line_of(lines: Mapping[str, int], key: str) -> int:
    """The line of a key, or of the nearest key around it that stands in the document."""
    shared = re.sub(r"^versions\[\d+\]\.", "", key)
    if key not in lines and shared in lines:
        return lines[shared]  # it stands beside the versions and holds for all of them
    while key and key not in lines:
        key = re.sub(r"(?:^|\.)[^.\[\]]+$|\[\d+\]$", "", key)
    return lines.get(key, 1)


def toml_lines(text: str) -> dict[str, int]:
    """Find the line of each key of a TOML document."""
    scanner = _Scanner(text)
    counts: dict[str, int] = {}
    table = ""
    while scanner.skip_space():
        if scanner.take("[["):
            name = _indexed(scanner.dotted(), counts)
            table = f"{name}[{counts.setdefault(name, 0)}]"
            counts[name] += 1
            scanner.note(name)
            scanner.note(table)
            scanner.take("]]")
        elif scanner.take("["):
            table = _indexed(scanner.dotted(), counts)
            scanner.note(table)
            scanner.take("]")
        else:
            scanner.pair(f"{table}." if table else "", "=")
    return scanner.lines


def json_lines(text: str) -> dict[str, int]:
    """Find the line of each key of a JSON document."""
    scanner = _Scanner(text)
    scanner.skip_space()
    scanner.value("")
    return scanner.lines


def _indexed(parts: list[str], counts: Mapping[str, int]) -> str:
    """Put the place of the newest table of an array into a header's name."""
    name = ""
    for number, part in enumerate(parts):
        name = f"{name}.{part}" if name else part
        if number < len(parts) - 1 and name in counts:
            name = f"{name}[{counts[name] - 1}]"
    return name


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.lines: dict[str, int] = {}

    def note(self, key: str) -> None:
        """Remember that a key stands here."""
        self.lines.setdefault(key, self._text.count("\n", 0, self._at) + 1)

    def skip_space(self) -> bool:
        """Go to what comes next; False at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._at < len(self._text)

    def take(self, mark: str) -> bool:
        """Go past a mark if it is next."""
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found

    def dotted(self) -> list[str]:
        """Read a key that may have parts."""
        parts: list[str] = []
        while True:
            key = _KEY.match(self._text, self._at)
            if key is None:
                self._at += 1  # never stand still, whatever the document
                return parts
            self._at = key.end()
            parts.append(next(part for part in key.groups() if part is not None))
            if not self.take("."):
                return parts

    def pair(self, prefix: str, mark: str) -> None:
        """Read a key and its value."""
        self.skip_space()
        start = self._at
        parts = self.dotted()
        end, self._at = self._at, start
        name = prefix.rstrip(".")
        for part in parts:
            name = f"{name}.{part}" if name else part
            self.note(name)
        self._at = end
        self.take(mark)
        self.skip_space()
        self.value(name)

    def value(self, name: str) -> None:
        """Read a value, noting the keys in it."""
        if self.take("["):
            number = 0
            while self.skip_space() and not self.take("]"):
                self.note(f"{name}[{number}]")
                self.value(f"{name}[{number}]")
                number += 1
        elif self.take("{"):
            prefix = f"{name}." if name else ""
            mark = ":" if re.match(r'\s*"[^"]*"\s*:', self._text[self._at :]) else "="
            while self.skip_space() and not self.take("}"):
                self.pair(prefix, mark)
        else:
            found = _STRING.match(self._text, self._at) or _BARE.match(self._text, self._at)
            self._at = found.end() if found else self._at + 1
