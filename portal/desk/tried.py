"""What somebody tried at the desk and could not: told beside the field, with all they had typed."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from parking.core.errors import DomainError
from portal.desk.words import TOLD, desk_words
from portal.pages.texts import Language

_PLACE: Final = re.compile(r"at `\$\.(\w+)`")
_FIELDS: Final[dict[str, str]] = {
    "reason": "reason",
    "note": "reason",
    "plate": "plate",
    "means": "means",
}
"""A field's name in the service's body, and in the form."""
_TOLD_AT: Final[dict[str, str]] = {
    "told.plate": "plate",
    "told.match": "plate",
    "told.time": "left_at",
    "told.reason": "reason",
    "told.means": "means",
}
"""Beside which field of a form each of these is told."""


class DeskForm(msgspec.Struct):
    """What each form of the desk holds."""

    token: str = ""
    decision: str = ""


class UnusableFormError(DomainError):
    """What was filled in is not of the shape that the service takes."""

    def __init__(self, text: str, *, key: str = "told.form") -> None:
        super().__init__(text)
        self.key = key


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was sent and refused; empty where none was."""

    decision: str = ""
    values: Mapping[str, str] = {}
    """What was typed, by the fields' names."""
    problem: str | None = None
    field: str | None = None
    """The field that the problem is about, if it is about one."""

    def of(self, decision: str) -> "Tried":
        """The same for the form of one decision; nothing for any other."""
        return self if self.decision == decision else UNTRIED


UNTRIED: Final = Tried()


def tried(form: DeskForm, error: Exception, language: Language) -> Tried:
    """What became of a form that was refused."""
    values = {
        name: value for name, value in msgspec.structs.asdict(form).items() if name != "token"
    }
    return Tried(
        decision=form.decision,
        values=values,
        problem=said(error, language),
        field=_TOLD_AT.get(key_of(error) or ""),
    )


def said(error: Exception, language: Language) -> str:
    """An error as a sentence in the reader's language; in English with the service's own words."""
    text, key = desk_words(language), key_of(error)
    if key is None:
        return f"{text['told.other']} ({error})"
    return f"{text[key]} ({error})" if language == "en" else text[key]


def key_of(error: Exception) -> str | None:
    """Under which words an error is told; None: nobody has put it into words."""
    if isinstance(error, UnusableFormError):
        return error.key
    if isinstance(error, msgspec.ValidationError):
        return _key_of_body(str(error))
    return next((TOLD[kind] for kind in type(error).__mro__ if kind in TOLD), None)


def _key_of_body(text: str) -> str:
    place = _PLACE.search(text)
    name = _FIELDS.get(place[1]) if place else ("means" if "`means`" in text else None)
    return "told.form" if name is None else f"told.{name}"
