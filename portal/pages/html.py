"""Markup by `string.Template`: a handful of pages needs no template engine.

Everything that is filled in is escaped here; only `Markup`, which this module makes itself, goes
in as it is.
"""

import hashlib
import html
from collections.abc import Iterable
from functools import cache
from importlib import resources
from string import Template
from urllib.parse import quote, unquote

import msgspec

from parking.core.currency import decimal_sum
from parking.core.money import Money
from parking.core.ticket import is_ticket
from portal.pages.texts import Language, words

_PREFIX_LENGTH = len("浙A")
_ASSETS = resources.files("portal.pages") / "assets"
ASSET_TYPES = {"style.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
"""The files that /assets/ serves, each with its media type."""

_PAGE = Template("""<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/style.css?v=$version">
<title>$title</title>
</head>
<body>
$body
</body>
</html>
""")


class Markup(str):
    """Text that is already markup and goes into a page as it is."""

    __slots__ = ()


@cache
def asset(name: str) -> bytes:
    """The bytes of one file of the page's assets. Raises KeyError for a name that is not served."""
    if name not in ASSET_TYPES:
        raise KeyError(name)
    return (_ASSETS / name).read_bytes()


@cache
def version() -> str:
    """A short hash of all assets: a changed file gets a new address, so it can be kept for long."""
    digest = hashlib.sha256(b"".join(asset(name) for name in sorted(ASSET_TYPES)))
    return digest.hexdigest()[:12]


def fill(template: str, **values: object) -> Markup:
    """Fill `$name` places in a template, escaping every value that is not markup already."""
    escaped = {
        key: value if isinstance(value, Markup) else html.escape(str(value))
        for key, value in values.items()
    }
    return Markup(Template(template).substitute(escaped))


def join(parts: Iterable[Markup]) -> Markup:
    """Put pieces of markup one after the other."""
    return Markup("".join(parts))


def page(*, title: str, language: Language, body: Markup) -> str:
    """Wrap a body into a whole document."""
    return fill(
        _PAGE.template,
        lang="zh-CN" if language == "zh" else "en",
        version=version(),
        title=title,
        body=body,
    )


def sheet(body: Markup, *, kind: str = "") -> Markup:
    """Put one person's page on a sheet; `kind` narrows the style: `wide`, `me`."""
    return fill(
        '<main class="sheet $kind"><section class="panel">$body</section></main>',
        kind=kind,
        body=body,
    )


def alert(text: str | None) -> Markup:
    """What went wrong, if anything did: a screen reader says it at once."""
    return fill('<p class="note bad" role="alert">$text</p>', text=text) if text else Markup("")


def language_link(language: Language, here: str) -> Markup:
    """The way to the same page in the other language."""
    other = "en" if language == "zh" else "zh"
    return fill(
        '<a class="lang" href="/language/$other?to=$here" lang="$code" hreflang="$code">$word</a>',
        other=other,
        here=quote(unquote(here), safe="/"),
        code="en" if other == "en" else "zh-CN",
        word=words(language)["other_lang"],
    )


def live_page(language: Language) -> str:
    """The live page's skeleton: everything but the figures, which its script fetches."""
    both = {each: words(each) for each in ("zh", "en")}
    # `<` may not end the script element early, whatever a word may hold one day.
    data = msgspec.json.encode(both).decode().replace("<", "\\u003c")
    template = (_ASSETS / "live.html").read_text(encoding="utf-8")
    texts = {key: value for key, value in words(language).items() if "." not in key}
    body = fill(template, words=Markup(data), version=version(), **texts)
    return page(title=texts["title"], language=language, body=body)


def yuan(minor: int, currency: str = "CNY") -> str:
    """Show a sum as a person reads it: `¥12.30`."""
    sign = "\u2212" if minor < 0 else ""
    symbol = "¥" if currency == "CNY" else f"{currency} "
    return f"{sign}{symbol}{decimal_sum(abs(minor), currency, thousands=',')}"


def money(value: Money) -> str:
    """Show a `Money` as a person reads it."""
    return yuan(value.amount_minor, value.currency)


def plate_chip(plate: str, colour: str) -> Markup:
    """A number plate that looks like one; a ticket of a car without a plate does not."""
    if is_ticket(plate):
        return fill('<span class="plate none">$text</span>', text=plate)
    shown = (
        f"{plate[:_PREFIX_LENGTH]}·{plate[_PREFIX_LENGTH:]}"
        if len(plate) > _PREFIX_LENGTH
        else plate
    )
    return fill('<span class="plate $colour">$text</span>', colour=colour, text=shown)
