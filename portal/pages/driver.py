"""The driver's pages: the stay with its fee and a pay button, and the thanks afterwards.

The stay's id cannot be guessed and is the only key: whoever has the link may see and pay. The
pages work without JavaScript.
"""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from parking.services.gate_prices import PricePreview
from portal.pages.html import (
    Markup,
    alert,
    fill,
    join,
    language_link,
    page,
    plate_chip,
    sheet,
    yuan,
)
from portal.pages.texts import TONES, Language, words

PAYABLE: Final = frozenset({"unbound", "outstanding", "page_open"})
"""Statuses in which the driver can pay; an open page is simply opened again."""
_NOTES: Final = {
    "open": ("pay.open", ""),
    "paid": ("pay.paid", "good"),
    "free": ("pay.free", "good"),
    "tentative": ("pay.tentative", ""),
    "cloned_plate": ("pay.cloned_plate", ""),
    "other_car": ("pay.other_car", "good"),
    "paying": ("pay.underway", ""),
    "contested": ("pay.contested", ""),
    "disputed": ("pay.disputed", ""),
    "closed": ("pay.soon", ""),
    "missed_exit": ("pay.none", "good"),
    "missed_entry": ("pay.none", "good"),
    "cancelled": ("pay.none", "good"),
}


def when(value: datetime | None, zone: str) -> str:
    """An instant to the minute, on the clock of its place."""
    if value is None:
        return "–"
    return value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def stay_page(
    stay: dict[str, Any],
    *,
    language: Language,
    problem: str | None = None,
    price: PricePreview | None = None,
) -> str:
    """The page of one stay; `price` is its price so far while it goes on."""
    text = words(language)
    parts = [
        fill("<h1>$title</h1>", title=text["pay.title"]),
        plate_chip(stay["plate"], stay["colour"]),
        _sum(stay, text),
        _facts(stay, language),
        _so_far(stay, price, language),
        _lines(stay, language),
        _outcome(stay, text, problem),
        _foot(stay, language),
    ]
    return page(title=text["pay.title"], language=language, body=sheet(join(parts)))


def _foot(stay: dict[str, Any], language: Language) -> Markup:
    """Where to go from here: contest the fee, see all stays, read it in the other language."""
    text, here = words(language), f"/p/{stay['stay_id']}"
    contest = Markup("")
    if stay["fee_minor"] and stay["left_at"] is not None:
        contest = fill('<a href="$here/appeal">$word</a>', here=here, word=text["contest.link"])
    return fill(
        '<p class="foot">$contest<a href="/me">$mine</a>$other</p>',
        contest=contest,
        mine=text["me.title"],
        other=language_link(language, here),
    )


def _sum(stay: dict[str, Any], text: dict[str, str]) -> Markup:
    # Who has bound the plate is nothing that a driver needs to be told.
    status = "outstanding" if stay["status"] in PAYABLE else stay["status"]
    badge = fill(
        '<span class="badge $tone">$word</span>', tone=TONES[status], word=text[f"state.{status}"]
    )
    if stay["fee_minor"] is None:
        return fill("<p>$badge</p>", badge=badge)
    return fill(
        '<p class="sum num">$sum</p><p>$badge</p>',
        sum=yuan(stay["fee_minor"], stay["currency"]),
        badge=badge,
    )


def _facts(stay: dict[str, Any], language: Language) -> Markup:
    text = words(language)
    facts = [
        (text["pay.lot"], stay["lot"][f"name_{language}"]),
        (text["pay.entered"], when(stay["entered_at"], stay["zone"])),
    ]
    if stay["status"] != "open":
        facts.append((text["pay.left"], when(stay["left_at"], stay["zone"])))
    rows = join(
        fill('<dt>$a</dt><dd class="num">$b</dd>', a=name, b=value) for name, value in facts
    )
    return fill('<dl class="facts">$rows</dl>', rows=rows)


def _so_far(stay: dict[str, Any], price: PricePreview | None, language: Language) -> Markup:
    """What leaving now costs, when that changes, and what a driver should know."""
    if price is None:
        return Markup("")
    text = words(language)
    row = '<dt>$a</dt><dd class="num">$b</dd>'
    rows = [fill(row, a=text["pay.so_far"], b=yuan(price.fee_minor, price.currency))]
    if price.steps_at is not None and price.then_minor is not None:
        then = f"{when(price.steps_at, stay['zone'])} · {yuan(price.then_minor, price.currency)}"
        rows.append(fill(row, a=text["pay.then"], b=then))
    said = [
        fill('<p class="note">$text</p>', text=each.text_zh if language == "zh" else each.text_en)
        for each in price.notices
    ]
    return join((fill('<dl class="facts">$rows</dl>', rows=join(rows)), *said))


def _lines(stay: dict[str, Any], language: Language) -> Markup:
    if not stay["lines"]:
        return Markup("")
    row = '<tr><td>$what</td><td class="num">$sum</td></tr>'
    rows = join(
        fill(row, what=line[f"text_{language}"], sum=yuan(line["amount_minor"], stay["currency"]))
        for line in stay["lines"]
    )
    total = fill(
        '<tr class="total"><td>$what</td><td class="num">$sum</td></tr>',
        what=words(language)["total"],
        sum=yuan(stay["fee_minor"], stay["currency"]),
    )
    return fill('<table class="lines"><tbody>$rows$total</tbody></table>', rows=rows, total=total)


def _outcome(stay: dict[str, Any], text: dict[str, str], problem: str | None) -> Markup:
    """Either what there is to know, or the button."""
    note = alert(problem)
    status = stay["status"]
    if status in PAYABLE and stay["fee_minor"]:
        form = fill(
            '<form method="post" action="/p/$stay_id"><button>$pay $sum</button></form>',
            stay_id=stay["stay_id"],
            pay=text["pay.button"],
            sum=yuan(stay["fee_minor"], stay["currency"]),
        )
        return join((note, form))
    key, tone = _NOTES.get(status, ("pay.none", ""))
    said = fill('<p class="note $tone">$text</p>', tone=tone, text=text[key])
    return join((note, said, _receipt(stay, text)))


def _receipt(stay: dict[str, Any], text: dict[str, str]) -> Markup:
    if stay["status"] != "paid":
        return Markup("")
    link = '<p class="foot"><a href="/v1/stays/$stay_id/receipt">$text</a></p>'
    return fill(link, stay_id=stay["stay_id"], text=text["pay.receipt"])


def thanks_page(*, language: Language, stay_id: str | None) -> str:
    """Where the gateway sends the driver after paying."""
    text = words(language)
    back = (
        fill(
            '<p class="foot"><a href="/p/$stay">$text</a></p>',
            stay=stay_id,
            text=text["thanks.back"],
        )
        if stay_id
        else Markup("")
    )
    body = fill(
        "<h1>$title</h1><p>$text</p>$back",
        title=text["thanks.title"],
        text=text["thanks.text"],
        back=back,
    )
    return page(title=text["thanks.title"], language=language, body=sheet(body))


def sign_in_page(*, language: Language, wrong: bool, to: str = "/") -> str:
    """Asks for the key, kindly; `to` is the page that it opens."""
    text = words(language)
    problem = alert(text["signin.wrong"] if wrong else None)
    body = fill(
        '<h1>$title</h1><p class="soft">$why</p>$problem'
        '<form method="post" action="/sign-in"><label for="key">$label</label>'
        '<input type="hidden" name="to" value="$to">'
        '<input id="key" name="key" type="password" autocomplete="current-password" required>'
        '<p class="gap"><button>$button</button></p></form><p class="foot">$other</p>',
        title=text["signin.title"],
        why=text["signin.why"],
        problem=problem,
        to=to,
        label=text["signin.label"],
        button=text["signin.button"],
        other=language_link(language, to),
    )
    return page(title=text["title"], language=language, body=sheet(body))


def message_page(*, language: Language, key: str) -> str:
    """A page that only says one thing, such as that there is no such page."""
    text = words(language)
    body = fill("<h1>$title</h1><p>$text</p>", title=text["error.title"], text=text[key])
    return page(title=text["error.title"], language=language, body=sheet(body))
