"""The key that the server knows this box by, and when it is read.

A key in the settings is there from the start. A key in a file is read for each request: the box may
be switched on before it has been given its key, and a key that was exchanged counts at once; its
events wait in the spool meanwhile.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from parking.core.errors import DomainError
from parking.core.settings import Secret

KeySource: TypeAlias = Callable[[], Secret]
"""Answers the key of now; raises KeyMissingError while there is none."""


class KeyMissingError(DomainError):
    """The box has not been given its key yet."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"no device key in {path} yet ({reason})")
        self.path = path


def key_source(key: Secret, file: Path | None) -> KeySource:
    """Answer the key of the settings, or of the file where one is named."""
    return (lambda: key) if file is None else partial(_read, file)


def _read(path: Path) -> Secret:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise KeyMissingError(path, reason or type(error).__name__) from error
    if not text or not text.isascii() or not text.isprintable():
        raise KeyMissingError(path, "it holds no key")
    return Secret(text)
